"""Samples that are groups of rows, and detectors that score them.

A detector of groups gets all rows of a group at once. Every other detector scores groups, too:
`Pooled` fits it on the rows of all training groups, and the score of a group is the mean of the
scores of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.compose import Hybrid, ReadOut
from detectors.contract import Detector, Floats, Unsupported, as_samples

FEWEST = 2  # rows of a group


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups of rows, one group after the other in one array.

    Attributes:
        rows: (n, *shape) of all groups.
        sizes: (g,) number of rows of each group.
    """

    rows: NDArray[Any]
    sizes: NDArray[np.intp]

    @classmethod
    def of(cls, groups: Sequence[ArrayLike]) -> Groups:
        """Return groups, each given as its rows (m, *shape)."""
        parts = [np.asarray(group) for group in groups]
        return cls(np.concatenate(parts), np.array([len(part) for part in parts], np.intp))

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of groups, and the shape of a row: (g, *shape)."""
        return (len(self.sizes), *self.rows.shape[1:])

    @property
    def starts(self) -> NDArray[np.intp]:
        """(g,) place of the first row of each group."""
        starts: NDArray[np.intp] = np.cumsum(self.sizes) - self.sizes
        return starts

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter(np.split(self.rows, self.starts[1:]))

    def __getitem__(self, chosen: NDArray[np.intp]) -> Groups:
        """Return the groups of these numbers."""
        every = list(self)
        return Groups(np.concatenate([every[i] for i in chosen]), self.sizes[chosen])

    def means(self, values: Floats) -> Floats:
        """Return the mean over the rows of each group, (n, ...) -> (g, ...)."""
        sums = np.add.reduceat(values, self.starts, axis=0)
        means: Floats = sums / self.sizes.reshape(-1, *[1] * (values.ndim - 1))
        return means


def as_groups(x: Any) -> Groups:
    """Return x, `Groups` or a sequence of arrays (m, *shape), with checked rows.

    Raises:
        Unsupported: x holds no groups, a group has fewer than two rows, or rows are not finite.
    """
    if not isinstance(x, Groups | list | tuple) or not len(x):
        msg = (
            f"x is a {type(x).__name__} of shape {np.shape(x)}, not groups of rows; use the "
            "protocol groups, or give a list with an array (m, d) for each group"
        )
        raise Unsupported(msg)
    groups = x if isinstance(x, Groups) else Groups.of(x)
    if groups.sizes.min() < FEWEST:
        msg = f"group {int(groups.sizes.argmin())} has one row; a group needs at least two"
        raise Unsupported(msg)
    return Groups(as_samples(groups.rows), groups.sizes)


@dataclass(kw_only=True)
class GroupDetector(Detector):
    """Base of detectors of groups: `fit`, `score` and `encode` take `Groups`, or lists of arrays.

    `_fit`, `_score` and `_encode` get `Groups` of vectors (n, d), float64. A score must not depend
    on the number of other groups, nor on their rows.
    """

    takes_groups: ClassVar[bool] = True

    def fit(self, x: Any) -> Self:
        """Learn from training groups; otherwise as `Detector.fit`."""
        vars(self).pop("_shape_", None)  # unfitted, unless this fit succeeds
        groups = as_groups(x)
        self._fit(_flat(groups))  # type: ignore[arg-type]
        self._shape_, self._columns_ = groups.shape[1:], ()
        return self

    def _like_training(self, x: Any) -> Any:
        shape = getattr(self, "_shape_", None)
        if shape is None:
            msg = f"{type(self).__name__} is not fitted; call fit(groups) first"
            raise ValueError(msg)
        groups = as_groups(x)
        if groups.shape[1:] != shape:
            msg = f"rows have shape {groups.shape[1:]}, rows of training had {shape}"
            raise Unsupported(msg)
        return _flat(groups)


def _flat(groups: Groups) -> Groups:
    rows = groups.rows.reshape(len(groups.rows), -1).astype(np.float64, copy=False)
    return Groups(rows, groups.sizes)


@dataclass(kw_only=True)
class GroupHybrid(GroupDetector, Hybrid):
    """The score of a detector of vectors on the standardised codes of groups."""


@dataclass(kw_only=True)
class Pooled(GroupDetector):
    """The mean over a group's rows of the scores that a detector of rows gives them.

    A detector may score groups in another way by some of its read-outs: it names them in a table
    `group_scores`, with functions of the detector and of `Groups` that return (g,) scores.

    Attributes:
        model: a detector of rows; one that is fitted need not be fitted again.
    """

    model: Detector

    def fit(self, x: Any) -> Self:
        """Fit the model on the rows of all groups."""
        self.model.fit(as_groups(x).rows)
        return self

    def score(self, x: Any, readout: str | None = None) -> Floats:
        """As `Detector.score`, for groups."""
        groups, model = as_groups(x), self.model
        if isinstance(model, ReadOut):
            readout, model = model.readout, model.model
        if of_groups := getattr(model, "group_scores", {}).get(readout):
            model._like_training(groups.rows)
            scores: Floats = of_groups(model, groups)
            return scores
        return groups.means(model.score(groups.rows, readout))

    def _fit(self, x: Floats) -> None: ...  # `fit` does it

    def _score(self, x: Floats, readout: str) -> Floats:
        return self.score(x, readout or None)


def hybrid(encoder: Detector, head: Detector) -> Hybrid:
    """Return a head on the codes of an encoder of samples, or of groups."""
    kind = GroupHybrid if isinstance(encoder, GroupDetector) else Hybrid
    return kind(encoder=encoder, head=head, seed=encoder.seed)
