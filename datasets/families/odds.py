"""ODDS: the sets of Shebuti Rayana's library, as MATLAB files.

Counts are in odds.csv. Digests are of copies that agree in at least two public places, ADBench
among them (for breastw the other is github.com/ADAPT-code/code-data); sets without one have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from datasets.entry import Entry, File
from datasets.families.adbench import Line, counted_issues, facts, read_lines
from datasets.formats.arrays import features_and_labels, read_mat
from datasets.record import Card, DataSet


def table(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return X and y of a MATLAB file."""
    return DataSet(card, *features_and_labels(paths[0], read_mat(paths[0])))


_ISSUES: dict[str, tuple[str, ...]] = {
    "arrhythmia": ("452 x 274; the set of that name in DAMI is 450 x 259",),
    "wbc": ("378 x 30, from WDBC; adbench/WBC is another set (223 x 9)",),
    "wine": ("keeps 10 of the 59 rows of one cultivar",),
    "pima": ("missing values are coded as 0",),
}


def _entry(line: Line) -> Entry:
    short = line["name"].removeprefix("odds/")
    issues = (
        *_ISSUES.get(short, ()),
        "most of these sets are in ADBench too, some of them with other rows",
    )
    return Entry(
        name=line["name"],
        kind="tabular",
        family=line["family"],
        source=f"ODDS, https://shebuti.com/outlier-detection-datasets-odds/, {short}.mat",
        licence="none stated; to be cited",
        citation=(
            "Rayana, ODDS Library, Stony Brook University, 2016, https://odds.cs.stonybrook.edu "
            "[rayana2016odds]"
        ),
        loader="datasets.families.odds:table",
        known_issues=issues + counted_issues(line),
        files=(
            File(
                path=f"odds/{short}.mat",
                urls=(f"https://www.dropbox.com/s/{line['key']}/{short}.mat?dl=1",),
                sha256=line["sha256"],
                n_bytes=int(line["n_bytes"]) if line["n_bytes"] else None,
            ),
        ),
        values_sha256=line["values"],
        facts=facts(line),
    )


ENTRIES = tuple(_entry(line) for line in read_lines("odds.csv"))
