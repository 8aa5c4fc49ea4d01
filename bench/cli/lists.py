"""The tables of `bench list`, which import no method and read no data."""

from __future__ import annotations

import math
from collections.abc import Callable

from rich import box
from rich.table import Table

import datasets
from bench.metrics.scored import METRICS
from bench.plan import suite
from bench.protocols.named import EXAMPLE, PARAMETERS, PROTOCOLS
from bench.protocols.scalers import IMPUTE, SCALERS
from detectors.registry import find, names
from detectors.source import summary


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in ("n", "d", "anomalies") else "left")
    return table


def detectors() -> Table:
    """Return the registered detectors with what they score; PyOD's come beside them."""
    table = _table("detector", "family", "what it scores", "read-outs", "+head")
    for name in names():
        entry = find(name)
        fixed = ", ".join(f"{key} = {value}" for key, value in entry.preset.items())
        told = summary(entry.target) + (f" ({fixed})" if fixed else "")
        readouts = ", ".join(entry.readouts)
        table.add_row(name, entry.family, told, readouts, "yes" if entry.encodes else "")
    table.add_row("pyod:CLASS", "", "any detector of PyOD, such as pyod:HBOS", "", "")
    table.add_row("untrained-NAME", "control", "a deep model without a training step", "", "")
    table.add_row("path.py:CLASS", "", "your own file", "", "")
    return table


def data_sets() -> Table:
    """Return the data sets with their sizes."""
    table = _table("data set", "kind", "family", "n", "d", "anomalies", "source")
    for name in datasets.names():
        entry = datasets.find(name)
        facts = entry.facts
        figures = (facts.n, math.prod(facts.shape), facts.n_anomalies) if facts else ("",) * 3
        origin = "generated" if entry.synthetic else "real"
        table.add_row(name, entry.kind, entry.family, *map(str, figures), origin)
    return table


def suites() -> Table:
    """Return the suites that come with the project."""
    table = _table("suite", "detectors", "data sets", "seeds", "title")
    for name in suite.names():
        told = suite.read(name)
        counts = (len(told.detectors), len(told.datasets), len(told.seeds))
        table.add_row(name, *map(str, counts), told.title)
    return table


def metrics() -> Table:
    """Return the metrics that boards can rank by or show."""
    table = _table("metric", "better", "meaning")
    for metric in METRICS.values():
        better = {True: "larger", False: "smaller", None: ""}[metric.larger_is_better]
        table.add_row(metric.name, better, metric.help)
    return table


def protocols() -> Table:
    """Return the protocols, published ones with their flaws, and the parameters of the others."""
    table = _table("protocol", "meaning")
    for name, protocol in sorted(PROTOCOLS.items(), key=lambda item: bool(item[1].paper)):
        flaw = f"\n{protocol.paper}\nflaw: {protocol.flaw}" if protocol.paper else ""
        table.add_row(name, protocol.summary + flaw)
    table.add_section()
    table.add_row("NAME(...)", "parameters of those not published, as in " + EXAMPLE)
    for name, meaning in PARAMETERS.items():
        table.add_row(f"  {name}", meaning)
    return table


def scalers() -> Table:
    """Return the scalers, and how they are made to fill in missing values."""
    table = _table("scaler", "meaning")
    for name, meaning in SCALERS.items():
        table.add_row(name, meaning)
    table.add_row(f"{IMPUTE}NAME", "first the training median for values that are not finite")
    return table


TABLES: dict[str, Callable[[], Table]] = {
    "datasets": data_sets,
    "detectors": detectors,
    "metrics": metrics,
    "protocols": protocols,
    "scalers": scalers,
    "suites": suites,
}
