"""Stored rows as tidy tables for other programs: a line an observation, a column a variable.

`rows` has a line for every stored row, `scores` one for every test sample of every row, `extremes`
those for the samples of each row that were judged worst and best, and `diagnostics` one for every
number, or epoch of a curve, that a fit reported. The key of a row joins them. The suffix of the
file selects the format; a file is written whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.metrics.scored import HELD
from bench.store.folder import replacing
from bench.store.records import canonical
from detectors.settings import nearest

if TYPE_CHECKING:
    import pandas as pd

    from bench.store.store import Store

BATCH = 1_000_000  # lines written together
N_EXTREMES = 10  # samples of a row


def export(
    store: Store,
    table: str,
    file: Path,
    for_csv: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: frame,
    keys: Collection[str] | None = None,
    data: Path | None = None,
) -> int:
    """Write a table of a store to a .parquet or .csv file and return its number of lines.

    Args:
        store: what is exported.
        table: rows, scores, extremes or diagnostics.
        file: where to.
        for_csv: makes the texts safe that go to a .csv file; a .parquet file has them as they are.
        keys: of the rows to write, as far as they are stored; all by default.
        data: the data folder, which says where samples come from; None for the default one.

    Raises:
        ValueError: unknown table or suffix, or there are no lines to write.
        OSError: the file cannot be written.
    """
    for what, name, known in (("table", table, TABLES), ("suffix", file.suffix, WRITERS)):
        if name not in known:
            msg = f"unknown {what} {name!r} of {str(file)!r}; {nearest(name, known)}"
            raise ValueError(msg)
    with replacing(file) as draft:
        frames = TABLES[table](store, _stored(store, keys), data)
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


def rows(store: Store, keys: Sequence[str], data: Path | None) -> Iterator[pd.DataFrame]:
    """Yield the table of rows: what was wanted, the results and their provenance."""
    import pandas as pd

    yield pd.DataFrame.from_records([_plain(record) for record in store.records(keys)])


def scores(store: Store, keys: Sequence[str], data: Path | None) -> Iterator[pd.DataFrame]:
    """Yield key, index in the test set, truth and score of every sample of every scored row.

    Training samples that were held out of the fit come last, with -1 for the truth.

    Beside them stand `sample`, its row in the data set, counted from 0 (of a table, the lines below
    its head), `source`, the file of an image of the user's own, and `won`, the share of the test
    samples of the other class that it is on the right side of: its mean is the AUROC. Where the
    data are not here, or the row is of other code, sample and source are empty.
    """
    import pandas as pd

    from bench.store.samples import Samples, won

    samples = Samples(data)
    found = sorted(store.as_kept(keys), key=lambda record: samples.place(record))
    for record in found:
        key = record["key"]
        if (scored := store.scores_and_held(key)) is None:
            continue
        truth, values = scored
        sample, source = samples.of(record, truth)
        columns = {
            "key": key,
            "label": record["label"],
            "dataset": record["dataset"],
            "seed": record["seed"],
            "index": np.arange(len(values)),
            "sample": sample,
            "source": source,
            "truth": truth,
            "score": values,
            "won": won(truth, values),
        }
        yield pd.DataFrame(columns).astype({"sample": "Int64"})


def extremes(store: Store, keys: Sequence[str], data: Path | None) -> Iterator[pd.DataFrame]:
    """Yield the lines of `scores` of the samples of each row that were judged worst and best.

    Of samples that won equal shares, the one whose score is further from the median is better.
    """
    for frame in scores(store, keys, data):
        tested = frame[frame["truth"] != HELD]
        above = (tested["score"] - tested["score"].median()) * (2 * tested["truth"] - 1)
        ordered = tested.assign(above=above).sort_values(["won", "above"], kind="stable")
        ordered = ordered.drop(columns="above")
        n = min(N_EXTREMES, len(ordered) // 2)
        for place, part in (("worst", ordered.head(n)), ("best", ordered.tail(n)[::-1])):
            yield part.assign(place=place)


def diagnostics(store: Store, keys: Sequence[str], data: Path | None) -> Iterator[pd.DataFrame]:
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
    for name in ("settings", "effective_settings"):
        plain[name] = canonical(record.get(name) or {})
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


Maker = Callable[["Store", Sequence[str], Path | None], "Iterator[pd.DataFrame]"]
TABLES: dict[str, Maker] = {
    "rows": rows,
    "scores": scores,
    "extremes": extremes,
    "diagnostics": diagnostics,
}
WRITERS: dict[str, Callable[[Iterable[pd.DataFrame], Path], int]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
}
