"""The tables of `bench list`, which import no method and read no data."""

from __future__ import annotations

import math
from collections.abc import Callable

import datasets
from bench.boards.words import TYPES
from bench.metrics.scored import METRICS
from bench.plan import suite
from bench.protocols.named import EXAMPLE, PARAMETERS, PROTOCOLS
from bench.protocols.scalers import IMPUTE, SCALERS
from bench.render.table import Column, Table, plain
from detectors.registry import find, names
from detectors.source import summary


def detectors() -> Table:
    """Return the registered detectors with what they score; PyOD's come beside them."""
    columns = (
        Column("detector", "text"), Column("type", "text"), Column("what it scores", "prose"),
        Column("read-outs", "prose"), Column("+head", "text"),
    )  # fmt: skip
    rows = []
    for name in names():
        entry = find(name)
        fixed = ", ".join(f"{key} = {value}" for key, value in entry.preset.items())
        scores = summary(entry.target) + (f" ({fixed})" if fixed else "")
        head = "yes" if entry.encodes else ""
        rows.append([name, TYPES[entry.family], scores, ", ".join(entry.readouts), head])
    rows += [
        ["pyod:CLASS", "", "any detector of PyOD, such as pyod:HBOS", "", ""],
        ["untrained-NAME", TYPES["control"], "a deep model without a training step", "", ""],
        ["path.py:CLASS", "", "your own file", "", ""],
    ]
    return plain("", columns, rows)


def data_sets() -> Table:
    """Return the data sets with their sizes."""
    columns = (
        Column("data set", "text"), Column("kind", "text"), Column("family", "name"), Column("n"),
        Column("d"), Column("anomalies"), Column("source", "text"),
    )  # fmt: skip
    rows = []
    for name in datasets.names():
        entry = datasets.find(name)
        facts = entry.facts
        sizes = (facts.n, math.prod(facts.shape), facts.n_anomalies) if facts else ("",) * 3
        origin = "generated" if entry.synthetic else "real"
        rows.append([name, entry.kind, entry.family, *sizes, origin])
    return plain("", columns, rows)


def suites() -> Table:
    """Return the suites that come with the project."""
    columns = (
        Column("suite", "text"), Column("detectors"), Column("data sets"), Column("seeds"),
        Column("title", "prose"),
    )  # fmt: skip
    every = map(suite.read, suite.names())
    rows = ([s.name, len(s.detectors), len(s.datasets), len(s.seeds), s.title] for s in every)
    return plain("", columns, rows)


def metrics() -> Table:
    """Return the metrics that boards can rank by or show."""
    columns = (Column("metric", "text"), Column("better", "text"), Column("meaning", "prose"))
    better = {True: "larger", False: "smaller", None: ""}
    rows = ([m.name, better[m.larger_is_better], m.help] for m in METRICS.values())
    return plain("", columns, rows)


def protocols() -> Table:
    """Return the protocols, published ones with their flaws, and the parameters of the others."""
    rows = []
    for name, protocol in sorted(PROTOCOLS.items(), key=lambda item: bool(item[1].paper)):
        flaw = f"\n{protocol.paper}\nflaw: {protocol.flaw}" if protocol.paper else ""
        rows.append([name, protocol.summary + flaw])
    rows.append(["NAME(...)", "parameters of those not published, as in " + EXAMPLE])
    rows += [[f"  {name}", meaning] for name, meaning in PARAMETERS.items()]
    return plain("", (Column("protocol", "text"), Column("meaning", "prose")), rows)


def scalers() -> Table:
    """Return the scalers, and how they fill in missing values."""
    rows = [list(item) for item in SCALERS.items()]
    imputed = "first replaces values that are not finite by the training median"
    return plain(
        "",
        (Column("scaler", "text"), Column("meaning", "prose")),
        [*rows, [f"{IMPUTE}NAME", imputed]],
    )


TABLES: dict[str, Callable[[], Table]] = {
    "datasets": data_sets,
    "detectors": detectors,
    "metrics": metrics,
    "protocols": protocols,
    "scalers": scalers,
    "suites": suites,
}
