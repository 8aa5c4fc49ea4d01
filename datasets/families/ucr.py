"""Time series of the UCR archive as vectors: one line for each, the class in the first column.

Dau et al., "The UCR time series archive", IEEE/CAA Journal of Automatica Sinica 6(6), 2019,
doi:10.1109/JAS.2019.1911747. Values are separated by spaces, tabs or commas; files may be packed.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from datasets.entry import Archive, Entry, Facts, File
from datasets.files import WrongData
from datasets.formats.arrays import read_npy
from datasets.formats.cells import is_number
from datasets.record import Array, Card, DataSet, OfficialSplit

_ECG = ("ECG5000_TRAIN.txt", "ECG5000_TEST.txt")
_ECG_ARRAYS = ("ecg_signals.npy", "ecg_labels.npy")
_ECG_N_TRAIN = 500
_LARGEST = float(np.finfo(np.float32).max)


def ecg5000(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return heart beats (140,) as float32; class 1 is normal, classes 2 to 5 are anomalous.

    Args:
        card: of the data set.
        paths: the folder with ECG5000_TRAIN.txt and ECG5000_TEST.txt, packed or not, or else
            with ecg_signals.npy and ecg_labels.npy, the same rows with 1 for an anomaly.

    Raises:
        WrongData: neither pair is in the folder, or a file has another format.
    """
    folder = paths[0]
    texts = [_find(folder, name) for name in _ECG]
    if all(texts):
        return series(card, [path for path in texts if path], normal="1")
    if not all((folder / name).is_file() for name in _ECG_ARRAYS):
        msg = f"{folder} has no {' or no '.join(_ECG)}; run `bench data fetch {card.name}`"
        raise WrongData(msg)
    x, y = (read_npy(folder / name) for name in _ECG_ARRAYS)
    return DataSet(card, x, y, OfficialSplit.at(_ECG_N_TRAIN, y))


def series(card: Card, paths: Sequence[Path], normal: str) -> DataSet:
    """Return series (d,) as float32; one class is normal, the others are anomalous.

    Args:
        card: of the data set.
        paths: one file, or the training and the test file, which give the official split.
        normal: the class that is normal; "" for a file with the classes 0 and 1.

    Raises:
        WrongData: a file is not a table of numbers, the two do not fit, or no row has that class.
    """
    tables = [read(path) for path in paths]
    widths = [table.shape[1] for table in tables]
    if len(set(widths)) > 1:
        msg = f"{card.name}: the two files have {widths[0]} and {widths[1]} columns; give a pair"
        raise WrongData(msg)
    table = np.concatenate(tables)
    classes = table[:, 0]
    chosen = _class(card, classes, normal)
    y = (classes != chosen).astype(np.int8)
    split = OfficialSplit.at(len(tables[0]), y) if len(tables) == 2 else None
    return DataSet(card, table[:, 1:].astype(np.float32), y, split)


def own_series(card: Card, paths: Sequence[Path], normal: str) -> DataSet:
    """Return what `series` does, of files whose lines and values are checked one by one.

    Raises:
        WrongData: as `series`; the message has all that is wrong with a file.
    """
    for path in paths:
        _refuse_odd_lines(path)
    return series(card, paths, normal)


def _refuse_odd_lines(path: Path) -> None:
    """Check that all lines have the same number of values, and that all of them are numbers."""
    content = path.read_bytes()
    with suppress(EOFError, zlib.error, gzip.BadGzipFile):  # of which `read` says what is wrong
        content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    if content.startswith(codecs.BOM_UTF8):
        msg = f"{path} begins with a byte order mark; save it as UTF-8 without one"
        raise WrongData(msg)
    lines = [line.strip(", \t") for line in content.decode("ascii", "replace").splitlines()]
    rows = [(n, re.split(r"\s*,\s*|\s+", line)) for n, line in enumerate(lines, 1) if line]
    width = len(rows[0][1]) if rows else 0
    found = []
    if odd := [(n, len(row)) for n, row in rows if len(row) != width]:
        few = "1 line has" if len(odd) == 1 else f"{len(odd):,} lines have"
        line, n = odd[0]
        found.append(
            f"{few} another number of values than the first, {width}, such as {n} in line {line}"
        )
    signs = [{sign.strip() for sign in re.findall(r"\s*,\s*|\s+", line)} for line in lines]
    if mixed := [n for n, found_in in enumerate(signs, 1) if len(found_in) > 1]:
        found.append(
            f"{len(mixed):,} lines have commas and blanks between their values, such as line "
            f"{mixed[0]}, so that commas may be decimal ones"
        )
    wrong = [
        (n, j, cell)
        for n, row in rows
        for j, cell in enumerate(row, 1)
        if not is_number(cell) and (cell.lower() != "nan" or j == 1)
    ]
    large = [
        (n, cell)
        for n, row in rows
        for cell in row[1:]
        if is_number(cell) and abs(float(cell)) > _LARGEST and "inf" not in cell.lower()
    ]
    if large:
        few = "1 value is" if len(large) == 1 else f"{len(large):,} values are"
        line, text = large[0]
        found.append(f"{few} beyond the range of float32, such as {text} in line {line}")
    if wrong:
        few = "1 value is no number" if len(wrong) == 1 else f"{len(wrong):,} values are no numbers"
        line, place, text = wrong[0]
        found.append(f"{few}, such as {text!r} at place {place} of line {line}")
    if found:
        msg = f"{path}: {'; '.join(found)}; give a line of numbers for each series, NaN for none"
        raise WrongData(msg)


def read(path: Path) -> Array:
    """Return the (n, 1 + d) float64 numbers of a file, the class first.

    Raises:
        WrongData: lines of different lengths, or a value that is not a number.
    """
    content = path.read_bytes()
    try:
        text = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
        lines = text.decode("ascii").replace(",", " ").splitlines()
        table = np.loadtxt(lines, ndmin=2)
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"{path} is not a table of numbers with a line for each series: {error}"
        raise WrongData(msg) from error
    if table.shape[1] < 2:
        msg = f"{path} has {table.shape[1]} column; give the class and the values of each series"
        raise WrongData(msg)
    return table


def _class(card: Card, classes: Array, normal: str) -> float:
    found = ", ".join(f"{value:g}" for value in np.unique(classes)[:10])
    try:
        chosen = float(normal or "0")
    except ValueError:
        chosen = np.nan
    if chosen not in classes:
        msg = (
            f"{card.name}: no series has the class {normal or '0'!r}; name the normal one, such "
            f"as ?normal={classes[0]:g}; found: {found}"
        )
        raise WrongData(msg)
    return chosen


def _find(folder: Path, name: str) -> Path | None:
    """Return the path of a file, packed or not; None if it is not there."""
    places = (folder / name, folder / f"{name}.gz")
    return next((path for path in places if path.is_file()), None)


_ECG5000 = Entry(
    name="ecg5000",
    kind="tabular",
    family="ecg5000",
    source="UCR archive, https://www.timeseriesclassification.com/description.php?Dataset=ECG5000",
    licence="none stated; to be cited",
    citation=(
        "Dau et al., The UCR time series archive, 2019, doi:10.1109/JAS.2019.1911747 [dau2019ucr]; "
        "Goldberger et al., PhysioBank, Circulation 101(23), 2000, record chf07 "
        "[goldberger2000physiobank]"
    ),
    loader="datasets.families.ucr:ecg5000",
    known_issues=(
        "easy: the largest absolute z-score has an AUROC of .98, the same as kNN",
        "42 % anomalies: a random score has that average precision",
        "all beats are of one patient: a split separates beats that follow each other",
    ),
    has_official_split=True,
    folders=("ecg5000",),
    archives=(
        Archive(
            File(
                "ECG5000.zip",
                ("https://www.timeseriesclassification.com/aeon-toolkit/ECG5000.zip",),
            ),
            into="ecg5000",
        ),
    ),
    facts=Facts(n=5000, shape=(140,), n_anomalies=2081, duplicates=0),
)

ENTRIES = (_ECG5000,)
