"""The harness: plan, run, store and read.

from bench import rows
rows("results")  # every stored row, as a pandas DataFrame
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["rows"]


def rows(results: str | Path = "results") -> pd.DataFrame:
    """Return the rows of a results folder, one line each, with metrics, costs and provenance.

    Raises:
        FileNotFoundError: there is no store in that folder.
    """
    from bench.store.folder import STORE
    from bench.store.store import Store

    folder = Path(results)
    if not (folder / STORE).is_file():
        msg = f"no {STORE} in {folder}; run `bench run` first, or name another results folder"
        raise FileNotFoundError(msg)
    store = Store(folder, read_only=True)
    try:
        return store.frame()
    finally:
        store.close()
