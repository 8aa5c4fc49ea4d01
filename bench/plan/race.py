"""A race: rows are made in an order fixed beforehand until it is clear which detectors are worse.

The first seed of every data set comes first, then the second of every one, and so on; data sets are
in the order of a digest of the names of their families. At looks fixed beforehand (after 8, 16, 32
and so on families of the first seed, and at the end of each seed) each detector is compared with
the one that leads. It is out if the interval of the difference is below 0, and none of its rows is
made any more. Most of the error is spent at the end of the first seed, the rest in equal parts at
the other looks, and each part is divided by the number of rivals. So the chance that the best
detector is ever put out is at most the error, by the union bound, however looks depend on each
other.

Before a further seed is made everywhere, it is made on a quarter of the families. The race ends if
more seeds could not decide by the noise that is seen there, since most of the variance is between
families and only more data sets would narrow it, or if one detector is left.

K. K. G. Lan, D. L. DeMets, Biometrika 70:659-663, 1983, doi:10.2307/2336502.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np

from bench.stats import averages
from bench.stats.averages import Floats, Nesting
from bench.store.records import Wanted

METRIC = "auroc"
ERROR = 0.05  # chance that the best is put out
MAIN = 0.8  # part of the error that is spent at the end of the first seed
TRIAL = 1 / 4  # part of the families on which a further seed is made first
FEWEST = 3  # families of which a spread says something
FIRST = 8  # families at the first look; few of them say little at the error of a look


class Look(NamedTuple):
    """When detectors are compared: so many data sets of so many seeds; a trial has no error."""

    n_sets: int
    n_seeds: int
    error: float


class Race:
    """The detectors that may still be the best. Safe to use from several threads.

    Attributes:
        rows: all rows, in the order in which they are to be made.
        left: labels of the detectors that are not out, after a look the leader first.
        is_over: whether no further row is needed.
    """

    def __init__(self, wanted: Sequence[Wanted], error: float = ERROR) -> None:
        """Fix the order of the rows and the looks.

        Raises:
            ValueError: a data set has several protocols, or there are too few detectors or
                families.
        """
        self._family = {row.dataset: row.dataset_family for row in wanted}
        if len({(row.dataset, row.protocol) for row in wanted}) > len(self._family):
            msg = "a race needs one protocol for each data set; choose one with --protocol"
            raise ValueError(msg)
        self.left = sorted({row.label for row in wanted})
        n_families = len(set(self._family.values()))
        if len(self.left) < 2 or n_families < FEWEST:
            msg = (
                f"a race needs at least 2 detectors and {FEWEST} families of data sets; here are "
                f"{len(self.left)} and {n_families}, so run all rows"
            )
            raise ValueError(msg)
        self._sets = sorted(self._family, key=lambda name: _order(self._family[name], name))
        self._seeds = list(dict.fromkeys(row.seed for row in wanted))
        place = {name: i for i, name in enumerate(self._sets)}
        self.rows = sorted(wanted, key=lambda r: (self._seeds.index(r.seed), place[r.dataset]))
        self._looks, self._error, self._n_seeds = self._all_looks(n_families, error), error, 1
        self._n_rivals = len(self.left) - 1
        self._cell = {row.key: (row.label, row.dataset, row.seed) for row in wanted}
        self._values: dict[tuple[str, str, int], float] = {}
        self._standing: list[
            tuple[Floats, float]
        ] = []  # differences and limits of all but the leader
        self._guard = threading.Lock()
        self.is_over = False

    def _all_looks(self, n_families: int, error: float) -> list[Look]:
        """Return the looks in their order."""
        order = list(dict.fromkeys(self._family[name] for name in self._sets))

        def sets_of(n: int) -> int:
            return sum(self._family[name] in order[:n] for name in self._sets)

        numbers = takewhile(lambda n: n < n_families, (FIRST * 2**i for i in range(64)))
        early = [sets_of(n) for n in numbers]
        n_sets, n_seeds = len(self._sets), len(self._seeds)
        share = (1 - MAIN) * error / max(1, len(early) + n_seeds - 1)
        looks = [*(Look(n, 1, share) for n in early), Look(n_sets, 1, MAIN * error)]
        for n in range(2, n_seeds + 1):
            trial = Look(sets_of(max(FEWEST, int(TRIAL * n_families))), n, 0.0)
            looks += [trial, Look(n_sets, n, share)]
        return looks

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a stored row, if it is one of the race; a failed one puts its detector out."""
        with self._guard:
            if (cell := self._cell.get(record["key"])) is None:
                return
            if record["status"] == "ok":
                self._values[cell] = record[METRIC]
            elif cell[0] in self.left:
                self.left.remove(cell[0])
                self.is_over |= len(self.left) < 2
            while not self.is_over and self._is_due(self._looks[0]):
                self._take(self._looks.pop(0))

    def allows(self, rows: Iterable[Wanted]) -> bool:
        """Return whether one of these rows is still needed."""
        with self._guard:
            return not self.is_over and any(row.label in self.left for row in rows)

    def raced(self, rows: Iterable[Wanted]) -> list[Wanted]:
        """Return the rows of seeds that were made everywhere, for a board of what is left."""
        return [row for row in rows if row.seed in self._seeds[: self._n_seeds]]

    def sentence(self, n_left: int) -> str:
        """Return how the race stands, with so many rows that were not made."""
        if len(self.left) < 2:
            found = f"{' '.join(self.left) or 'none'} is the best"
        elif self.is_over:
            found = f"{', '.join(self.left)} are not distinguishable, and seeds would not decide"
        else:
            found = f"{', '.join(self.left)} are left, since rows are missing"
        return (
            f"race: {found}; the best is out with a chance of at most {self._error:.0%}; rows not "
            f"made: {n_left} of {len(self.rows)}"
        )

    def _is_due(self, look: Look) -> bool:
        if len(self._values) < look.n_sets * look.n_seeds * len(self.left):
            return False  # which is fast
        return all(
            (label, name, seed) in self._values
            for seed in self._seeds[: look.n_seeds]
            for name in self._sets[: look.n_sets]
            for label in self.left
        )

    def _take(self, look: Look) -> None:
        """Put out what is clearly worse than the leader, or see in a trial if seeds could decide.

        The leader comes first then.
        """
        names = sorted(self._sets[: look.n_sets])
        nesting = Nesting.of([self._family[name] for name in names], names)
        table = np.array([
            [[self._values[label, name, seed] for seed in self._seeds[: look.n_seeds]]
             for name in names] for label in self.left
        ])  # fmt: skip
        if not look.error:
            noise = [_noise(line - table[0], nesting) / (look.n_seeds - 1) for line in table[1:]]
            part = 1 - (look.n_seeds - 1) / len(self._seeds)
            self.is_over = not any(
                _could_decide(*known, part * each)
                for known, each in zip(self._standing, noise, strict=True)
            )
            return
        means = averages.family_means(table.mean(axis=2), nesting)
        leader = int(np.argmax(means))
        apart = (table - table[leader]).mean(axis=2)
        share = 2 * look.error / self._n_rivals  # since one side of an interval counts
        _, high = averages.interval(apart, nesting, alpha=share)
        places = [i for i, limit in enumerate(high) if i != leader and not limit < 0]
        self.left = [self.left[leader], *(self.left[i] for i in places)]
        self._standing = [(averages.by_family(apart[[i]], nesting)[0], high[i]) for i in places]
        self._n_seeds = look.n_seeds
        self.is_over = len(self.left) < 2 or not self._looks


def _noise(apart: Floats, nesting: Nesting) -> float:
    """Return the variance of a family's mean difference that one seed has of its noise.

    Args:
        apart: (data sets, seeds) differences.
        nesting: of the data sets in families.
    """
    of_sets = apart.var(axis=1, ddof=1) / np.bincount(nesting.family)[nesting.family]
    return float(averages.by_family(of_sets[None], nesting).mean())


def _could_decide(families: Floats, high: float, noise: float) -> bool:
    """Return whether more seeds may bring the upper limit of a mean difference below 0.

    That is, if they lower the mean by one standard error of what they change, and the interval
    narrows as the variance between families does.

    Args:
        families: (families,) differences.
        high: the limit.
        noise: part of their variance that more seeds remove.
    """
    mean, variance = families.mean(), families.var(ddof=1)
    narrower = np.sqrt(max(0.0, 1 - noise / variance)) if variance > 0 else 1.0
    return bool(mean - np.sqrt(noise / len(families)) + (high - mean) * narrower < 0)


def _order(*names: str) -> list[str]:
    return [hashlib.sha256(name.encode()).hexdigest() for name in names]
