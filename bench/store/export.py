"""Stored rows as tidy tables for other programs: a line an observation, a column a variable.

`rows` has a line for every stored row, `scores` one for every test sample of every row, and
`diagnostics` one for every number, or epoch of a curve, that a fit reported. The key of a row joins
them. The suffix of the file selects the format; a file is written whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.store.folder import replacing
from bench.store.records import canonical
from detectors.settings import nearest

if TYPE_CHECKING:
    import pandas as pd

    from bench.store.store import Store

BATCH = 1_000_000  # lines written together


def export(
    store: Store,
    table: str,
    file: Path,
    for_csv: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame,
    keys: Collection[str] | None = None,
) -> int:
    """Write a table of a store to a .parquet or .csv file and return its number of lines.

    Args:
        store: what is exported.
        table: rows, scores or diagnostics.
        file: where to.
        for_csv: makes the texts safe that go to a .csv file; a .parquet file has them as they are.
        keys: of the rows to write, as far as they are stored; all by default.

    Raises:
        ValueError: unknown table or suffix, or there are no lines to write.
        OSError: the file cannot be written.
    """
    for what, name, known in (("table", table, TABLES), ("suffix", file.suffix, WRITERS)):
        if name not in known:
            msg = f"unknown {what} {name!r} of {str(file)!r}; {nearest(name, known)}"
            raise ValueError(msg)
    with replacing(file) as draft:
        frames = TABLES[table](store, _stored(store, keys))
        n_lines = WRITERS[file.suffix](
            map(for_csv, frames) if file.suffix == ".csv" else frames, draft
        )
        if not n_lines:
            msg = f"no {table} are stored for the rows asked for, so {file} is not written"
            raise ValueError(msg)
    return n_lines


def _stored(store: Store, keys: Collection[str] | None) -> list[str]:
    stored = store.statuses().keys()
    return sorted(stored if keys is None else stored & set(keys))


def rows(store: Store, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the table of rows: what was wanted, the results and their provenance."""
    import pandas as pd

    yield pd.DataFrame.from_records([_plain(record) for record in store.records(keys)])


def scores(store: Store, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield key, index in the test set, truth and score of every sample of every scored row."""
    import pandas as pd

    for key in keys:
        scored = store.scores(key)
        if scored is not None:
            truth, values = scored
            index = np.arange(len(values))
            yield pd.DataFrame({"key": key, "index": index, "truth": truth, "score": values})


def diagnostics(store: Store, keys: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield key, name, epoch (0 for a number, from 1 for a curve) and value."""
    import pandas as pd

    for key in keys:
        for name, value in store.details(key).get("diagnostics", {}).items():
            epochs = np.arange(1, len(value) + 1) if isinstance(value, list) else np.zeros(1, int)
            values = np.asarray(value, dtype=float).reshape(-1)
            yield pd.DataFrame({"key": key, "name": name, "epoch": epochs, "value": values})


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    provenance = dict(record["provenance"])
    versions = provenance.pop("versions", {})
    plain = {name: value for name, value in record.items() if name != "provenance"}
    plain["settings"] = canonical(record["settings"])
    return plain | provenance | {f"version.{name}": value for name, value in versions.items()}


def _write_csv(frames: Iterable[pd.DataFrame], file: Path) -> int:
    n_lines = 0
    with file.open("w", encoding="utf-8", newline="") as out:
        for frame in _batches(frames):
            frame.to_csv(out, index=False, header=n_lines == 0, lineterminator="\n")
            n_lines += len(frame)
    return n_lines


def _write_parquet(frames: Iterable[pd.DataFrame], file: Path) -> int:
    import pyarrow as pa
    from pyarrow import parquet

    writer, n_lines = None, 0
    for frame in _batches(frames):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or parquet.ParquetWriter(file, table.schema)
        writer.write_table(table)
        n_lines += len(frame)
    if writer:
        writer.close()
    return n_lines


def _batches(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield the frames joined to about BATCH lines."""
    import pandas as pd

    waiting: list[pd.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(map(len, waiting)) >= BATCH:
            yield pd.concat(waiting)
            waiting = []
    if waiting:
        yield pd.concat(waiting)


TABLES: dict[str, Callable[[Store, Sequence[str]], Iterator[pd.DataFrame]]] = {
    "rows": rows,
    "scores": scores,
    "diagnostics": diagnostics,
}
WRITERS: dict[str, Callable[[Iterable[pd.DataFrame], Path], int]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
}
