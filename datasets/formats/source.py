"""A table's file as names and pieces of columns, whatever its format.

A piece is a list of pyarrow arrays, a column each: of text where the format has nothing else, and
of the file's types otherwise. What they mean is not decided here. Rows of another width than the
names are left out and counted.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from datasets.files import WrongData
from datasets.formats import arff, arrays, cells
from datasets.formats.problems import Problem, listed
from datasets.formats.settings import Settings, tidy
from datasets.record import Array

BLOCK_BYTES = 1 << 24  # of a csv file that are read at a time
BLOCK_ROWS = 1 << 16  # of other files
_SIGNS = {
    b"\x1f\x8b": ("a gzip archive", (), "unpack it (gunzip)"),
    b"BZh": ("a bzip2 archive", (), "unpack it (bunzip2)"),
    b"\xfd7zXZ": ("an xz archive", (), "unpack it (unxz)"),
    b"PK\x03\x04": ("a zip archive, an npz file or a workbook", (".npz",), "save it as csv"),
    b"\xd0\xcf\x11\xe0": ("a workbook of Excel", (), "save it as csv"),
    b"\x93NUMPY": ("an npy file", (), "save X and y with numpy.savez"),
    b"PAR1": ("a parquet file", (".parquet",), "give it the ending .parquet"),
    b"ARROW1": ("a feather file", (".feather",), "give it the ending .feather"),
    b"MATLAB ": ("a MATLAB file", (".mat",), "give it the ending .mat"),
    b"\x89HDF": ("an HDF5 file", (".mat",), "save it as csv"),
}
"""What a file is by its first bytes, the endings that fit, and what to do about others."""


@dataclass
class Table:
    """A table that is open.

    Attributes:
        names: of the columns.
        pieces: (columns) arrays of pyarrow, for some rows each.
        label: the label column of files that name none.
        is_named: whether the file has the names, instead of their being counted.
        problems: what is wrong with its head.
        odd_rows: number and width of rows that are left out, filled in as pieces are read.
        repeated: numbers of rows that repeat the names, or are a second line of them, likewise.
    """

    names: list[str]
    pieces: Iterator[list[Any]] = field(default_factory=lambda: iter(()))
    label: str = ""
    is_named: bool = True
    problems: list[Problem] = field(default_factory=list)
    odd_rows: list[tuple[int, int]] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)


def open_table(path: Path, settings: Settings) -> Table:
    """Return the table of a file.

    Raises:
        WrongData: here, or as pieces are read: it is no complete table of the format that its
            ending names.
    """
    ending = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(8)
    for sign, (what, endings, advice) in _SIGNS.items():
        if start.startswith(sign) and ending not in endings:
            msg = f"{path} is {what}, not {ending[1:]}; {advice}"
            raise WrongData(msg)
    table = _OPENERS[ending](path, settings)
    table.pieces = _guarded(path, table.pieces)
    return table


def _guarded(path: Path, pieces: Iterator[list[Any]]) -> Iterator[list[Any]]:
    import pyarrow as pa

    try:
        yield from pieces
    except (pa.ArrowException, OSError) as error:
        refuse_encoding(path)
        msg = f"{path} is not a complete {path.suffix[1:]} file: {str(error).strip()}"
        raise WrongData(msg) from error


def refuse_encoding(path: Path) -> None:
    """Check that a file of text is encoded in UTF-8.

    Raises:
        WrongData: it is not; the message has the first line that is not.
    """
    if path.suffix.lower() not in (".csv", ".tsv", ".arff"):
        return
    with path.open("rb") as file:
        for n, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = f"byte 0x{line[error.start]:02x} in line {n:,}"
                msg = f"{path} is not encoded in UTF-8 ({byte} cannot be decoded); save it as UTF-8"
                raise WrongData(msg) from error


def _open_delimited(path: Path, settings: Settings) -> Table:
    """Return the table of a csv or tsv file, whose first line is its names or its first row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next((line for line in file if line.strip()), "")
            if re.match(r"sep=.$", first.strip(), re.IGNORECASE):
                msg = f"{path} has a first line for Excel alone, {first.strip()}; remove it"
                raise WrongData(msg)
            separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=first.count)
            file.seek(0)
            lines = csv.reader(file, delimiter=separator, skipinitialspace=True, strict=True)
            head = next((line for line in lines if line), [])
    except UnicodeDecodeError:
        refuse_encoding(path)
        raise
    except csv.Error as error:
        msg = f"{path} has no first line of cells: {error}"
        raise WrongData(msg) from error
    names = [_name(cell, j) for j, cell in enumerate(head)]
    numbers = bool(head) and all(cells.is_number(cell) for cell in head)
    problems = []
    has_names = settings.header == "yes" or (settings.header == "guess" and not numbers)
    if settings.header == "guess" and numbers and _may_be_names(head):
        has_names = head[0].strip() in ("0", "1") or settings.label in names
        shown = listed(head)
        what = f"the first line, {shown}, may be the names of columns (header=yes) or a row (no)"
        problems.append(Problem(what, {"header": "yes" if has_names else "no"}))
    elif settings.header == "guess" and not numbers and any(map(_is_no_name, head)):
        has_names = False
        what = f"the first line, {listed(head)}, has numbers: it may be a row (header=no) or names"
        problems.append(Problem(f"{what} of columns (yes)", {"header": "no"}))
    if not has_names:
        names = [str(j) for j in range(len(head))]
    table = Table(names, problems=problems, is_named=has_names)
    table.pieces = _delimited_pieces(path, table, separator, lines.line_num if has_names else 0)
    return table


def _may_be_names(head: Sequence[str]) -> bool:
    """Whether numbers may be names of columns, too: whole ones that differ."""
    return len(set(head)) == len(head) and all(cell.strip().isdecimal() for cell in head)


def _is_no_name(cell: str) -> bool:
    """Whether a cell is a number that is hardly the name of a column: not a whole one."""
    return cells.is_number(cell) and not cell.strip().isdecimal()


def _delimited_pieces(
    path: Path, table: Table, separator: str, n_skipped: int
) -> Iterator[list[Any]]:
    import pyarrow as pa
    from pyarrow import csv as reader

    in_last = ""
    with path.open("rb") as file:
        blanks = re.search(rb"[,;|\t] +\"", file.read(BLOCK_BYTES))

    def odd(row: Any) -> str:
        nonlocal in_last
        if row.text.strip():
            table.odd_rows.append((row.number - n_skipped, row.actual_columns))
            in_last = row.text
        return "skip"

    columns = [str(j) for j in range(len(table.names))]
    with reader.open_csv(
        path,
        reader.ReadOptions(
            use_threads=False,
            block_size=BLOCK_BYTES,
            skip_rows=n_skipped,
            column_names=columns,
        ),
        reader.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=odd),
        reader.ConvertOptions(column_types=dict.fromkeys(columns, pa.large_string())),
    ) as batches:
        for batch in batches:
            if batch.num_rows:
                in_last = batch.columns[-1][-1].as_py()
                yield [_unquoted(column) for column in batch.columns] if blanks else batch.columns
    if "\n" in in_last and not _ends_in_quote(path):
        msg = f"{path} has a quote that is not closed, before {in_last[:40]!r}; close it"
        raise WrongData(msg)


def _unquoted(column: Any) -> Any:
    """Return cells without quotes that come after blanks, which the reader takes for text."""
    import pyarrow.compute as pc

    return pc.replace_substring_regex(column, r'^ +"(.*)" *$', r"\1")


def _ends_in_quote(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return file.read().rstrip().endswith(b'"')


def _open_arff(path: Path, settings: Settings) -> Table:
    try:
        with path.open(encoding="utf-8-sig") as file:
            table = Table([column.name for column in arff.read_head(file, path)])
    except UnicodeDecodeError:
        refuse_encoding(path)
        raise
    table.names = [_name(name, j) for j, name in enumerate(table.names)]
    table.pieces = _arff_pieces(path, table)
    return table


def _arff_pieces(path: Path, table: Table) -> Iterator[list[Any]]:
    import pyarrow as pa

    n_columns, n_before = len(table.names), 0
    with path.open(encoding="utf-8-sig") as file:
        forms = [column.form for column in arff.read_head(file, path)]
        for rows in arff.read_rows(file, path, BLOCK_ROWS):
            table.odd_rows += [
                (n_before + row, len(line))
                for row, line in enumerate(rows, start=1)
                if len(line) != n_columns
            ]
            n_before += len(rows)
            kept = [line for line in rows if len(line) == n_columns]
            if kept:
                columns = [
                    [arff.dated(cell, form) for cell in column] if form else column
                    for column, form in zip(zip(*kept, strict=True), forms, strict=True)
                ]
                yield [pa.array(column, pa.large_string()) for column in columns]


def _open_parquet(path: Path, settings: Settings) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        msg = f"{path} is not a complete parquet file: {error}"
        raise WrongData(msg) from error
    names = [_name(name, j) for j, name in enumerate(file.schema_arrow.names)]
    return Table(names, (batch.columns for batch in file.iter_batches(BLOCK_ROWS)))


def _open_feather(path: Path, settings: Settings) -> Table:
    import pyarrow as pa
    from pyarrow import feather

    try:
        table = feather.read_table(path, memory_map=False)
    except (pa.ArrowException, OSError) as error:
        msg = f"{path} is not a complete feather file: {error}"
        raise WrongData(msg) from error
    names = [_name(name, j) for j, name in enumerate(table.column_names)]
    return Table(names, (batch.columns for batch in table.to_batches(BLOCK_ROWS)))


def _open_npz(path: Path, settings: Settings) -> Table:
    return _of_arrays(path, arrays.read_some(path, ("X", "y")))


def _open_mat(path: Path, settings: Settings) -> Table:
    found: dict[str, Array | None] = dict(arrays.read_mat(path))
    if not {"X", "y"} <= found.keys():
        from scipy.io import whosmat

        if sparse := [name for name, _, kind in whosmat(path) if kind == "sparse"]:
            msg = f"{path} has {', '.join(sparse)} as a sparse matrix; save it in full (full(X))"
            raise WrongData(msg)
    x = found.get("X")
    if x is not None and x.dtype.kind in "SU":  # a matrix of characters, not of texts
        msg = f"{path} has X as text, which MATLAB keeps as characters; give numbers, or a csv file"
        raise WrongData(msg)
    return _of_arrays(path, found)


_AS_NUMBERS = {
    "c": "numpy.hstack([{0}.real, {0}.imag])",
    "m": "{0} / numpy.timedelta64(1, 's')",
    "V": "numpy.lib.recfunctions.structured_to_unstructured({0})",
}
"""What makes numbers of an array, by the kind of its type."""


def _of_arrays(path: Path, found: Mapping[str, Array | None]) -> Table:
    """Return the table of X and y, whose columns are 0, 1, ... and y."""
    x, y = found.get("X"), found.get("y")
    if x is None or y is None:
        names = ", ".join(sorted(found)) or "no array"
        msg = f"{path} has {names}; give X (n, d) and y (n,)"
        raise WrongData(msg)
    for name, array in (("X", x), ("y", y)):
        if array.dtype.kind not in "biufSUM":
            wanted = _AS_NUMBERS.get(array.dtype.kind, "{0}.astype(float) or {0}.astype(str)")
            what = "objects, such as a cell array" if array.dtype.hasobject else str(array.dtype)
            advice = wanted.format(name)
            msg = f"{path} has {name} of {what}; save it as numbers or text ({advice})"
            raise WrongData(msg)
    if x.ndim != 2 or y.size != len(x):
        msg = f"{path} has X of shape {x.shape} and y of shape {y.shape}; give (n, d) and (n,)"
        raise WrongData(msg)
    columns = [*x.T, y.reshape(-1)]
    pieces = (
        [_of_array(column[start : start + BLOCK_ROWS]) for column in columns]
        for start in range(0, len(x), BLOCK_ROWS)
    )
    return Table([*map(str, range(x.shape[1])), "y"], pieces, label="y", is_named=False)


def _of_array(column: Array) -> Any:
    import pyarrow as pa

    if column.dtype.kind == "M":
        column = column.astype("M8[ns]")
    if column.dtype.kind == "f" and column.itemsize > 8:
        column = column.astype(np.float64)
    column = column.astype(column.dtype.newbyteorder("="), copy=False)
    return pa.array(column.astype(str).tolist() if column.dtype.kind in "SU" else column)


def _name(name: str, j: int) -> str:
    """Return the name of column `j` as it is compared."""
    return tidy(name) or f"Unnamed: {j}"


_OPENERS = {
    ".csv": _open_delimited,
    ".tsv": _open_delimited,
    ".arff": _open_arff,
    ".parquet": _open_parquet,
    ".feather": _open_feather,
    ".npz": _open_npz,
    ".mat": _open_mat,
}
