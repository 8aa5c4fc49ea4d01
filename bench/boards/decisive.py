"""Whether the data sets of a board can tell methods apart, and what the board would be without
those that cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bench.boards.board import Board
from bench.boards.detectors import places
from bench.boards.words import listed
from bench.stats import averages
from bench.stats.averages import Floats, Nesting

DECISIVE = "decisive"
NAMED = 6  # data sets that the sentence names of each verdict
MOVED = 3  # places
AUDITS = "Audits"


def with_audits(board: Board, verdicts: Mapping[str, str]) -> Board:
    """Return a board whose notes say which of its data sets are decisive, if any was audited.

    Args:
        board: of all data sets.
        verdicts: the verdict on each data set that was audited.
    """
    names = [name for name in board.datasets["dataset"] if name in verdicts]
    if not names:
        return board
    decisive = [name for name in names if verdicts[name] == DECISIVE]
    others: dict[str, list[str]] = {}
    for name in names:
        others.setdefault(verdicts[name], []).append(name)
    others.pop(DECISIVE, None)
    rest = "; ".join(
        f"{verdict}: {listed(sets, NAMED)}" for verdict, sets in sorted(others.items())
    )
    n_open = len(board.datasets) - len(names)
    note = (
        f"{AUDITS}: {len(decisive)} of {len(names)} data sets are decisive"
        f"{f' ({rest})' if rest else ''}{f', {n_open} not audited' if n_open else ''}. "
        f"{_change(board, decisive)}"
    )
    return replace(board, notes=(*board.notes, note.strip()))


def _change(board: Board, decisive: list[str]) -> str:
    """Return how the ranking changes on the decisive data sets alone."""
    ranked = board.detectors[board.detectors["rank"].notna()]
    if not decisive or len(decisive) == len(board.datasets) or len(ranked) < 2:
        return ""
    before = ranked["mean_rank"].to_numpy(float)
    wide = board.cells.pivot(index="label", columns="dataset", values="value")
    after = _mean_ranks(board, wide.loc[ranked["label"], decisive].to_numpy(float), decisive)
    moves = np.abs(places(before) - places(after))
    first, best = ranked["label"].iloc[0], ranked["label"].iloc[int(after.argmin())]
    leader = f"{first} stays first" if first == best else f"{best} is first in place of {first}"
    return (
        f"On the decisive ones alone, {leader}, and {int((moves >= MOVED).sum())} of {len(ranked)} "
        f"detectors move by {MOVED} places or more; `--only decisive` prints that board."
    )


def _mean_ranks(board: Board, values: Floats, names: list[str]) -> Floats:
    family = dict(zip(board.datasets["dataset"], board.datasets["dataset_family"], strict=True))
    nesting = Nesting.of([family[name] for name in names], names)
    better = bool(board.metric.larger_is_better)
    return averages.family_means(averages.ranks(values, larger_is_better=better), nesting)
