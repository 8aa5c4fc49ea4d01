"""ADBench: 47 tables, and features of images and texts by pretrained networks.

Han, Hu, Huang, Jiang and Zhao, "ADBench: Anomaly Detection Benchmark", NeurIPS 2022,
arXiv 2206.09426. Files, git blob ids and counts are in adbench.csv.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from datasets.entry import Entry, Facts, File
from datasets.formats.arrays import features_and_labels, read_npz
from datasets.record import Card, DataSet

Line = Mapping[str, str]


def table(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return X and y of an npz file."""
    return DataSet(card, *features_and_labels(paths[0], read_npz(paths[0])))


def read_lines(name: str) -> list[dict[str, str]]:
    """Return the lines of a csv file of this folder, by column."""
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def facts(line: Line) -> Facts | None:
    """Return the pinned sizes of a line; None if they are not known."""
    if not line["n"]:
        return None
    n, d, n_anomalies = int(line["n"]), int(line["d"]), int(line["n_anomalies"])
    return Facts(n, (d,), n_anomalies, int(line["duplicates"]) if line["duplicates"] else None)


def counted_issues(line: Line) -> tuple[str, ...]:
    """Return the known issues that follow from the counts of a line."""
    if not line["n"]:
        return ()
    n, n_anomalies = int(line["n"]), int(line["n_anomalies"])
    issues = _counted(line, n) if line["duplicates"] else []
    if n_anomalies > 0.2 * n:
        rate = f"{n_anomalies / n:.0%}"
        issues.append(f"{rate} anomalies: a random score has that average precision")
    return tuple(issues)


def _counted(line: Line, n: int) -> list[str]:
    duplicates, conflicts = int(line["duplicates"]), int(line["conflicts"])
    issues = []
    if duplicates > 0.01 * n:
        issues.append(
            f"{duplicates / n:.0%} of the rows equal an earlier one: the same row may train and "
            "test; LOF scores explode if a row has more copies than LOF uses neighbours"
        )
    if conflicts:
        issues.append(f"{conflicts} distinct rows occur with both labels")
    if line["constant"] != "0":
        issues.append(f"{line['constant']} of {line['d']} columns are constant")
    if not line["dtype"].startswith("float"):
        issues.append(f"values are {line['dtype']}: cast before arithmetic")
    if line["by_label"]:
        issues.append("rows are sorted by label: split them in a random order")
    return issues


COMMIT = "3dac8221081e190f157d78e93bfa8867f90d0965"
_RAW = f"https://raw.githubusercontent.com/Minqi824/ADBench/{COMMIT}/adbench/datasets"
_LICENCE = "BSD 2-Clause (the collection); each set keeps the terms of its origin"

_ENCODERS = {
    "adbench-cv": "512 features of images by a ResNet18",
    "adbench-cv-vit": "features of images by a ViT",
    "adbench-nlp": "features of texts by BERT",
    "adbench-nlp-roberta": "features of texts by RoBERTa",
}

_ISSUES: dict[str, tuple[str, ...]] = {
    "breastw": ("the same patients as adbench/WBC: one family",),
    "cardio": ("a part of Cardiotocography, with other labels: one family",),
    "Cardiotocography": ("cardio is a part of it, with other labels: one family",),
    "celeba": ("binary attributes: distances take few values, so neighbours are tied",),
    "donors": ("94 % of the rows equal an earlier one: the same row may train and test",),
    "http": ("95 % of the anomalies equal a row that is labelled normal",),
    "mammography": ("30 % of the rows are copies: neighbours at distance 0 are common",),
    "Pima": ("missing values are coded as 0",),
    "skin": ("84 % of the test normals equal a training normal: a look-up table would find them",),
    "WBC": ("223 x 9; odds/wbc is another set (378 x 30)",),
    "WDBC": ("the same patients as breast-cancer and odds/wbc: one family",),
    "wine": ("keeps 10 of the 59 rows of one cultivar; the set wine has all 59",),
}


def _issues(line: Line) -> tuple[str, ...]:
    group, _, short = line["name"].partition("/")
    issues = _ISSUES.get(short, ()) if group == "adbench" else ()
    if group != "adbench":
        issues = ("features are of a network trained on other data, which does part of the work",)
    if not line["duplicates"]:
        issues = (
            *issues,
            "duplicates and conflicting labels of this set have not been counted",
        )
    return issues + counted_issues(line) or ("a collection: cite the origin of the set too",)


def _entry(line: Line) -> Entry:
    group = line["name"].partition("/")[0]
    features = f", {_ENCODERS[group]}" if group in _ENCODERS else ""
    file = File(
        path=f"adbench/{line['path']}",
        urls=(f"{_RAW}/{line['path']}",),
        sha256=line["sha256"],
        git_blob=line["git_blob"],
        n_bytes=int(line["n_bytes"]) if line["n_bytes"] else None,
    )
    return Entry(
        name=line["name"],
        kind="tabular",
        family=line["family"],
        source=f"https://github.com/Minqi824/ADBench at {COMMIT[:7]}, {line['path']}{features}",
        licence=_LICENCE,
        citation=(
            "Han, Hu, Huang, Jiang and Zhao, ADBench: Anomaly Detection Benchmark, NeurIPS 2022, "
            "arXiv:2206.09426 [han2022adbench]"
        ),
        loader="datasets.families.adbench:table",
        known_issues=_issues(line),
        files=(file,),
        facts=facts(line),
    )


ENTRIES = tuple(_entry(line) for line in read_lines("adbench.csv"))
