"""Rows of a board that are made up, and the board in a format as `bench board` prints it."""

import numpy as np
import pandas as pd

from bench.boards.against import Comparison
from bench.boards.board import Board
from bench.boards.columns import NUMBER_COLUMNS
from bench.render import terminal
from bench.render.board import BoardDocument
from bench.render.formats import FORMATS

DIGITS = {f"digits/{i}": "digits" for i in range(3)}
SETS = DIGITS | {"wine": "wine", "synthetic/dependency": "synthetic"}
DETECTORS = {"lof": "shallow", "vae:elbo": "deep", "ae+lof": "hybrid", "random": "control"}


def rows_of(detectors=DETECTORS, datasets=SETS, seeds=range(3), auroc=None):
    """A line per wanted row, all ok; auroc: {label: value}, else random and unequal."""
    rng = np.random.default_rng(0)
    keys = [
        (label, kind, name, family, seed)
        for label, kind in detectors.items()
        for name, family in datasets.items()
        for seed in seeds
    ]
    rows = pd.DataFrame(keys, columns=["label", "family", "dataset", "dataset_family", "seed"])
    skill = dict(zip(detectors, np.linspace(2.5, 0, len(detectors)), strict=True))
    logits = rows["label"].map(skill) + rng.normal(0, 0.3, len(rows))
    rows["auroc"] = rows["label"].map(auroc) if auroc else 1 / (1 + np.exp(-logits))
    rows["auroc_se"] = np.sqrt(rows["auroc"] * (1 - rows["auroc"]) / 60)
    rows["average_precision"] = 0.2 + 0.8 * rows["auroc"] ** 3
    rows["recall@fpr=0.05"] = rows["auroc"] ** 2
    rows["fit_seconds"] = rng.lognormal(-1, 2, len(rows))
    rows["score_us"] = rng.lognormal(3, 2, len(rows))
    rows["parameters"] = np.where(rows["family"] == "deep", 2e5, np.nan)
    constants = {
        **dict.fromkeys((name for name in NUMBER_COLUMNS if name not in rows), np.nan),
        "prevalence": 0.2, "distinct": 500.0, "n_train": 400.0, "n_test": 500.0,
        "n_anomalies": 100.0, "model_rows": 1.0, "peak_mib": 10.0,
        "fit_wall_seconds": 1.0, "protocol": "one-class", "scaler": "standard", "device": "cpu",
        "status": "ok", "reason": None, "transductive": False, "dataset_kind": "tabular",
        "official_split": False,
    }  # fmt: skip
    absent = {name: np.nan for name in NUMBER_COLUMNS if name not in rows}  # those of pixels
    return rows.assign(spec=rows["label"], **{**absent, **constants})


def failed(rows, where, status, reason=None):
    rows = rows.copy()
    rows.loc[where, "status"] = status
    rows["reason"] = rows["reason"].astype(object)
    rows.loc[where, "reason"] = reason
    rows.loc[where, [c for c in NUMBER_COLUMNS if not c.startswith("n_")]] = np.nan
    return rows


def line_of(made, label):
    return made.detectors.set_index("label").loc[label]


def written(name: str, board: Board, comparison: Comparison | None = None) -> str:
    """Return a board in a format."""
    return FORMATS[name].write(BoardDocument(board, comparison))


def in_terminal(board: Board, width: int = 100, *, styled: bool = False) -> str:
    """Return a board as a terminal of that width shows it."""
    return terminal.write(BoardDocument(board).page(narrow=True), width, styled=styled)
