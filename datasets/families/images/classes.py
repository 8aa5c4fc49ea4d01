"""The entries of labelled images, one for each of ten classes as the normal one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from datasets.entry import Entry, Facts

TEN = "the ten sets share their images: they count as one family, not as ten data sets"
_PREVALENCE = "official split: about 90 % of the test part is anomalous, a random score has that AP"


def ten_sets(
    family: str,
    n_normals: Sequence[int],
    n: int,
    shape: tuple[int, ...],
    *further: str,
    duplicates: int | None = None,
    **known: Any,
) -> Iterator[Entry]:
    """Yield an entry for each class of a family of images as the normal one.

    Args:
        family: its name, before the class in the names of the sets.
        n_normals: number of images of each class.
        n: number of images.
        shape: of an image.
        further: issues besides those of all such sets.
        duplicates: number of images that equal an earlier one; None if not counted.
        known: other fields of the entries.
    """
    for normal, count in enumerate(n_normals):
        yield Entry(
            name=f"{family}/{normal}",
            kind="image",
            family=family,
            known_issues=(TEN, _PREVALENCE, *further),
            has_official_split=True,
            options={"normal": normal},
            facts=Facts(n, shape, n - count, duplicates),
            **known,
        )
