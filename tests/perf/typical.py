"""Write what rows typically take, from the store of a results folder, for `bench run --dry-run`.

    .venv/bin/bench run default --datasets wine,digits/0 --results FOLDER
    .venv/bin/python -m tests.perf.typical FOLDER

Each line is the median of the seeds of a detector with its default settings, under the protocol
one-class. Run on an otherwise idle machine, with as many seeds as a suite has by default.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pandas as pd

from bench.plan.costs import COSTS, TYPICAL
from bench.store.store import Store

WHAT = ["spec", "dataset", "protocol"]
SIZES = ["n_train", "n_test"]


def write(folder: Path) -> None:
    """Write the table of typical rows in place of the one that is there."""
    with closing(Store(folder, read_only=True)) as store:
        rows = pd.DataFrame(store.as_kept())
    plain = (rows["status"] == "ok") & ~rows["settings"].astype(bool)
    rows = rows[plain & (rows["protocol"] == "one-class")].fillna({"model_fit_seconds": 0})
    lines = rows.groupby(WHAT)[[*SIZES, *COSTS]].median()
    lines.round(4).astype(dict.fromkeys(SIZES, int)).to_csv(TYPICAL)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
