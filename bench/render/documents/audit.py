"""Audits of data sets as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.audit.measure import CHEAP, FLOOR, SEEDS, Measured
from bench.audit.verdict import (
    HEADROOM,
    MEMORISED,
    SAME,
    SMALL,
    ceiling,
    findings,
    trivial,
    verdict,
)
from bench.render.table import NONE, Column, Document, Page, Table, plain
from bench.render.values import share

RULES = (
    f"Too small: the test set resolves no difference of {SMALL:g} in AUROC (5 % level, power 80 %, "
    f"paired, by DeLong). Saturated: a baseline leaves at most {HEADROOM:g} to gain. Confounded: "
    f"one number or a trivial baseline is within {SAME:g} of the nearest neighbours, or the share "
    f"of test rows that equal a training row is {MEMORISED:g} larger for normals than for "
    "anomalies. Decisive: none of these."
)


@dataclass(frozen=True)
class AuditDocument(Document):
    """Audits of several data sets, a line each, or of one with all its numbers."""

    audits: Sequence[Measured]

    def page(self, *, narrow: bool) -> Page:
        """Return the page; a narrow one of several data sets has no findings."""
        counts = Counter(map(verdict, self.audits))
        if len(self.audits) == 1:
            (m,) = self.audits
            return Page(f"Audit of {m.dataset}: {verdict(m)}", (_numbers(m), _findings([m])))
        text = ", ".join(f"{count} {name}" for name, count in counts.items())
        if narrow:
            text += "; `bench data audit NAME` prints the findings, other formats all of them"
        tables = (_verdicts(self.audits, f"{text}."), _findings(self.audits))
        return Page(f"Audit of {len(self.audits)} data sets", tables[: 1 if narrow else 2])


def _verdicts(audits: Sequence[Measured], text: str) -> Table:
    columns = (
        Column("data set", "name"), Column("verdict", "text"), Column("best", "name"),
        Column("AUROC"), Column("knn"), Column("trivial", "name"), Column("AUROC"),
        Column("resolves"), Column("seen"),
    )  # fmt: skip
    rows = []
    for m in audits:
        (best, top), (name, value) = ceiling(m), trivial(m)
        rows.append((
            m.dataset, verdict(m), best, share(top), _share(m.scores.get("knn")), name,
            share(value), _share(m.resolved), f"{m.seen_normals:.0%}",
        ))  # fmt: skip
    n_near = sum(m.scores.get("knn", 2) - max(m.scores["mean-distance"], m.scores["max-abs-z"])
                 <= SAME for m in audits)  # fmt: skip
    notes = (
        RULES,
        f"A trivial baseline (mean-distance, max-abs-z) is within {SAME:g} of knn on {n_near} of "
        f"{len(audits)}. Trivial: the best of these and of numbers without labels. Resolves: the "
        "smallest difference that the test set shows. Seen: test normals that equal a training "
        "row.",
        _sampled(audits),
    )
    return plain("", columns, rows, text=(text,), notes=notes)


def _numbers(m: Measured) -> Table:
    columns = (Column("score", "name"), Column("type", "text"), Column("AUROC"),
               Column("with labels"))  # fmt: skip
    rows = [
        (name, "floor" if name == FLOOR else "cheap" if name in CHEAP else "trivial",
         share(value), NONE)
        for name, value in sorted(m.scores.items(), key=lambda each: -each[1])
    ]  # fmt: skip
    rows += [(name, "one number", _share(free), _share(oracle))
             for name, (free, oracle) in m.numbers.items()]  # fmt: skip
    text = (
        f"{m.protocol}, scaler {m.scaler}: {m.n_train:,} training rows, {m.n_test:,} test rows "
        f"with {m.n_anomalies:,} anomalies; resolves differences of {_share(m.resolved)} in AUROC."
    )
    notes = (
        RULES,
        "One number: by its distance from the training median; with labels, its best direction, "
        "chosen on one half of the test rows and judged on the other.",
        _sampled([m]),
    )
    return plain("", columns, rows, text=(text,), notes=notes)


def _findings(audits: Sequence[Measured]) -> Table:
    several = len(audits) > 1
    columns = (Column("data set", "name"),) * several + (
        Column("finding", "prose"), Column("what to do", "prose"),
    )  # fmt: skip
    rows = [(m.dataset,) * several + each for m in audits for each in findings(m)]
    return plain("Findings", columns, rows, text=() if rows else ("None.",))


def _sampled(audits: Sequence[Measured]) -> str:
    """Return which rows the scores are of."""
    some = [
        f"{m.dataset} {m.used_train:,} of {m.n_train:,} training and {m.used_test:,} of "
        f"{m.n_test:,} test rows, {m.used_features:,} features"
        for m in audits
        if (m.used_train, m.used_test) != (m.n_train, m.n_test)
    ]
    text = f"Means over seeds {SEEDS[0]}-{SEEDS[-1]} of built-in baselines in this process."
    return f"{text} Subsampled: {'; '.join(some)}." if some else text


def _share(value: float | None) -> str:
    return NONE if value is None else share(value)
