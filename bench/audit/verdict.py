"""The verdict on a data set, its findings and what to do: every threshold stands here.

A verdict says whether a difference of two detectors on the data set means something. The first that
holds counts: `too small`, the test set does not resolve a difference of `SMALL`; `saturated`, a
cheap baseline leaves less than `HEADROOM` to gain; `confounded`, one number or a trivial baseline
does as well as the nearest neighbours, or many normals are known from training; else `decisive`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from bench.audit.measure import CHEAP, TRIVIAL, Measured
from bench.audit.numbers import ORDER

Verdict = Literal["decisive", "saturated", "confounded", "too small"]
SMALL = 0.1  # AUROC
HEADROOM = 0.01
SAME = 0.005  # below the nearest neighbours' AUROC
SIGNAL = 0.6  # least AUROC of a number that explains anything
COPIES = 0.1  # share of rows from which copies are a finding
MEMORISED = 0.5  # by which more normals than anomalies have a copy in training
ODD = 0.05  # share of a class whose neighbours contradict its labels
SORTED = 0.95  # AUROC of the place in the source


class Finding(NamedTuple):
    """A sentence on a data set, and what to do about it."""

    found: str
    act: str


def verdict(m: Measured) -> Verdict:
    """Return the verdict."""
    if m.resolved is None or m.resolved > SMALL:
        return "too small"
    if ceiling(m)[1] >= 1 - HEADROOM:
        return "saturated"
    return "confounded" if explained(m) or memorised(m) else "decisive"


def ceiling(m: Measured) -> tuple[str, float]:
    """Return the best baseline with its AUROC."""
    return max(((name, m.scores[name]) for name in (*CHEAP, *TRIVIAL) if name in m.scores),
               key=lambda each: each[1])  # fmt: skip


def trivial(m: Measured) -> tuple[str, float]:
    """Return the best trivial score that needs no labels: a baseline, or a number."""
    found = {name: m.scores[name] for name in TRIVIAL}
    found |= {name: free for name, (free, _) in m.numbers.items() if free is not None}
    return max(found.items(), key=lambda each: each[1])


def explained(m: Measured) -> bool:
    """Whether a trivial score does as well as the nearest neighbours, and better than chance."""
    value = trivial(m)[1]
    return value >= SIGNAL and value >= m.scores.get("knn", 0) - SAME


def memorised(m: Measured) -> bool:
    """Whether a detector that remembers the training rows knows many of the normals."""
    return m.seen_normals - m.seen_anomalies >= MEMORISED


def findings(m: Measured) -> list[Finding]:
    """Return what is wrong with a data set, the worst first."""
    best, top = ceiling(m)
    name, value = trivial(m)
    known = [each for each in m.numbers.items() if each[0] != ORDER and each[1][1] is not None]
    with_labels, oracle = max(((name, of[1] or 0) for name, of in known), key=lambda each: each[1])
    normals, anomalies = m.n_test - m.n_anomalies, m.n_anomalies
    smallest = "nothing" if m.resolved is None else f"differences from {m.resolved:.3f}"
    rules = (
        (m.resolved is None or m.resolved > SMALL,
         f"{anomalies} anomalies and {normals} normals resolve {smallest} of AUROC",
         "conclude from many data sets together, never from this one alone"),
        (top >= 1 - HEADROOM,
         f"{best} reaches {top:.3f}, which leaves {1 - top:.3f} to gain",
         "leave it out where methods are ranked; keep it as a test that code works"),
        (explained(m),
         f"{name} reaches {value:.3f} without labels, the nearest neighbours "
         f"{m.scores.get('knn', float('nan')):.3f}",
         f"report {name} beside every method, which has to beat it"
         + "; remove it from the samples if it is an artefact" * (name not in TRIVIAL)),
        (oracle >= top - SAME and oracle >= SIGNAL,
         f"{with_labels} reaches {oracle:.3f} if labels choose it, the best baseline {top:.3f}",
         "find out whether it is the phenomenon or an artefact of how samples were collected"),
        (max(m.seen_normals, m.seen_anomalies) >= COPIES,
         f"{m.seen_normals:.0%} of the test normals and {m.seen_anomalies:.0%} of the anomalies "
         "equal a training row",
         f"use the protocol {m.protocol.partition('(')[0]}(dedup=true)"),
        (max(m.near_normals - m.seen_normals, m.near_anomalies - m.seen_anomalies) >= COPIES,
         f"{m.near_normals:.0%} of the test normals and {m.near_anomalies:.0%} of the anomalies "
         "nearly equal a training row",
         "split by groups (subjects, devices, times), so that neighbours stay on one side"),
        (m.duplicates >= COPIES, f"{m.duplicates:.0%} of all rows equal an earlier one",
         "count each once: dedup=true"),
        (m.conflicts > 0, f"{m.conflicts} distinct rows occur with both labels",
         "no detector can separate these; dedup=true leaves them out"),
        (m.odd_normals >= ODD or m.odd_anomalies >= 0.5,
         f"{m.odd_normals:.1%} of the test normals lie among anomalies alone, "
         f"{m.odd_anomalies:.0%} of the anomalies among normals alone",
         "check these labels by hand; the ceiling may be below 1"),
        (abs((m.numbers[ORDER][1] or 0.5) - 0.5) >= SORTED - 0.5,
         "rows are sorted by label in the source",
         "shuffle before use elsewhere; protocols here permute the test rows"),
    )  # fmt: skip
    return [Finding(found, act) for holds, found, act in rules if holds]
