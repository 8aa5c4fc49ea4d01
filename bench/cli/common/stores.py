"""The store of a results folder, opened for reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.common.errors import Usage

if TYPE_CHECKING:
    from bench.store.store import Store


@contextmanager
def open_store(results: Path, *, read_only: bool = True) -> Iterator[Store]:
    """Open the store of a results folder, for reading unless said otherwise.

    Raises:
        Usage: the folder has no store.
    """
    from bench.store.folder import STORE
    from bench.store.store import Store

    if not (results / STORE).is_file():
        msg = f"no {STORE} in {results}; run `bench run` first, or name another with --results"
        raise Usage(msg)
    store = Store(results, read_only=read_only)
    try:
        yield store
    finally:
        store.close()


def statuses(results: Path) -> dict[str, str]:
    """Return the status of each stored row by its key; none where there is no store."""
    from bench.store.folder import STORE

    if not (results / STORE).is_file():
        return {}
    with open_store(results) as store:
        return dict(store.statuses())
