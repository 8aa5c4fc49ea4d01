"""The page on aims has the values of the kept boards, with the intervals of the present code."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.stats.averages import Nesting, interval

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "aims.md").read_text(encoding="utf-8")
DEVELOPMENT = ("cardio", "glass", "letter", "satimage-2", "thyroid")
TODAYS = (ROOT / "results" / "leaderboard-default.md").read_text(encoding="utf-8")


def aurocs(board):
    """Return the AUROC of each detector on each data set of a kept board."""
    table = pd.read_csv(ROOT / "results" / f"leaderboard-{board}.csv").set_index("label")
    table = table.filter(like="auroc:")
    return table.rename(columns=lambda name: name.rpartition("/")[2])


def short(value, sign="+"):
    return f"{value:{sign}.4f}".replace("0.", ".", 1)


@pytest.mark.parametrize(
    ("aim", "ours", "other", "has_interval"),
    [
        ("`ae` at least `pyod:AutoEncoder` + .01", "ae:reconstruction", "pyod:AutoEncoder", False),
        ("`ae` at least `knn` - .01", "ae:reconstruction", "knn", False),
        ("`vae:elbo` at least `knn` - .005", "vae:elbo", "knn", False),
        ("`vae:elbo` at least `pyod:VAE` + .04", "vae:elbo", "pyod:VAE", False),
        ("`deep-svdd` not inferior to `pyod:DeepSVDD`", "deep-svdd", "pyod:DeepSVDD", True),
        ("`ae` above its", "ae:reconstruction", "untrained-ae:reconstruction", True),
        ("`vae:elbo` above its", "vae:elbo", "untrained-vae:elbo", True),
        ("`deep-svdd` above its", "deep-svdd", "untrained-deep-svdd", True),
    ],
)
def test_differences_from_peers_are_those_of_the_kept_boards(aim, ours, other, has_interval):
    table = aurocs("peers")
    cells = []
    for sets in (table, table.drop(columns=[*DEVELOPMENT])):
        apart = (sets.loc[ours] - sets.loc[other]).to_numpy()
        names = [str(i) for i in range(len(apart))]
        low, high = interval(apart[None], Nesting.of(names, names))
        outward = np.floor(low[0] * 1e4) / 1e4, np.ceil(high[0] * 1e4) / 1e4
        limits = f" [{short(outward[0], '')}, {short(outward[1], '')}]" if has_interval else ""
        cells.append(short(apart.mean()) + limits)
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {aim}"))
    assert line.split(" | ")[1:3] == cells


def test_values_of_mnist_are_those_of_the_kept_board():
    means = aurocs("mnist-oneclass").mean(axis=1)
    lines = re.findall(r"^\|.*?`([\w:-]+)`[^|`]*\| (\.\d{4}) \|", PAGE, re.MULTILINE)
    assert len(lines) == 4
    assert lines == [(label, short(means[label], "")) for label, _ in lines]


@pytest.mark.parametrize(
    "board", sorted((ROOT / "results").glob("leaderboard-*.md")), ids=lambda path: path.stem
)
def test_a_kept_board_with_intervals_of_earlier_code_says_so_at_its_head(board):
    text = board.read_text(encoding="utf-8")
    how = [
        re.search(r"Intervals: 95 %, ([\w' ]+)", one)[1].split(" over")[0] for one in (text, TODAYS)
    ]
    is_old = how[0] != how[1]
    assert ("\n> Kept from" in text.partition("\n| ")[0]) == is_old
