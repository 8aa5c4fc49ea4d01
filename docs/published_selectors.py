"""Our selectors on the scores that the authors of a study of selectors published.

M. Q. Ma, Y. Zhao, X. Zhang & L. Akoglu, "The need for unsupervised outlier model selection", ACM
SIGKDD Explorations 25(1), 2023, arXiv:2104.01422: 297 configurations of eight methods. Their
repository https://github.com/yzhao062/UOMS has the scores of ten of its 39 tasks in plain files.

    python docs/published_selectors.py UOMS > docs/published-selectors.md
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from markup import table
from scipy.stats import rankdata, wilcoxon
from sklearn.metrics import average_precision_score, roc_auc_score

from bench.boards.tuning.selectors import SELECTORS, Pool
from bench.stats.averages import Floats

TASKS = {
    "arff": ["Arrhythmia", "HeartDisease", "Stamps", "WDBC", "WPBC"],
    "mat": ["arrhythmia", "glass", "lympho", "vertebral", "wine"],
}
OURS = ("centrality", "consensus")
THEIRS = {"MC": "MC", "HITS by rank": "HITS.RANK", "HITS": "HITS.Model", "UDR": "UDR",
          "excess mass": "em", "mass volume": "mv"}  # fmt: skip
SMALLEST = ("mass volume",)  # the smallest value is chosen
# Tasks whose files of volumes hold those of another: the largest is the volume of its box.
MISNAMED = ("Stamps", "WDBC", "WPBC")


def chosen(folder: Path, task: str, name: str, scores: Floats) -> dict[str, int | list[int]]:
    """Return the configurations that each choice takes on a task; several for a random one."""
    ranks = rankdata(scores, axis=0).T
    unknown = np.full(len(ranks), np.nan)
    pool = Pool([ranks], [None], unknown, unknown, unknown)
    names = pd.read_csv(folder.parent / "ap_mat.csv", nrows=0).columns[4:]
    found: dict[str, int | list[int]] = {
        "random": list(range(len(names))),
        "iforest, any": [i for i, each in enumerate(names) if "IForest" in each],
        **{each: int(SELECTORS[each](pool).round(9).argmax()) for each in OURS},
    }
    for each, ending in THEIRS.items():
        if ending in ("em", "mv") and task in MISNAMED:
            continue
        for path in (folder / f"{task}.{ending}.csv", folder / f"{name}.{ending}.csv"):
            if path.is_file() and path.stat().st_size:
                values = np.loadtxt(path, delimiter=",").ravel()
                found[each] = int(values.argmin() if each in SMALLEST else values.argmax())
    return found


def compared(checkout: Path) -> pd.DataFrame:
    """Return the values of each choice on each task, by metric and choice."""
    lines = {}
    for kind, tasks in TASKS.items():
        folder = checkout / "Internal_Evaluation/analysis/OD_Intrinsic_Measure" / f"scores_{kind}"
        for task in tasks:
            name = task if kind == "arff" else f"{task}.mat"
            y = np.loadtxt(folder / f"{name}_y.csv").astype(int)
            scores = np.nan_to_num(pd.read_csv(folder / f"{name}.csv", header=None).to_numpy(float))
            for metric, of in (("AP", average_precision_score), ("AUROC", roc_auc_score)):
                values = np.array([of(y, column) for column in scores.T])
                lines[metric, kind, task] = {
                    choice: float(np.mean(values[place]))
                    for choice, place in chosen(folder, task, name, scores).items()
                }
    return pd.DataFrame(lines).T


def main(checkout: Path) -> None:
    """Print the table."""
    made = compared(checkout)
    ap, auroc = made.loc["AP"], made.loc["AUROC"]
    rows = []
    for choice in made:
        has = ap[choice].notna()
        row = [choice, f"{has.sum()}", *(f"{each[choice].mean():.3f}" for each in (ap, auroc))]
        for other in ("random", "iforest, any"):
            apart = (ap[choice] - ap[other])[has]
            chance = wilcoxon(apart, alternative="greater").pvalue if apart.any() else np.nan
            row += [f"{apart.mean():+.3f}", "" if np.isnan(chance) else f"{chance:.2f}"]
        rows.append(row)
    heads = ["choice", "tasks", "AP", "AUROC", "AP less random", "p", "AP less iforest", "p"]
    sys.stdout.write(table(heads, rows).replace("0.", ".") + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
