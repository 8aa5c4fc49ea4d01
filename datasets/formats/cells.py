"""What a cell means, whatever the format of its file: the one rule for numbers, missing and dates.

Blanks around a text do not count. A number is what `float` reads of plain digits, or infinity. A
text that is almost a number, a date or a number that float64 cannot hold is known as such.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from enum import IntEnum
from fractions import Fraction
from typing import Any

import numpy as np

from datasets.formats.settings import tidy
from datasets.record import Array


class Kind(IntEnum):
    """What a cell is; texts that look like numbers or dates are not any text."""

    MISSING = 0
    NUMBER = 1
    TRUTH = 2
    LARGE = 3  # a number that float64 cannot hold
    DRESSED = 4  # a number with separators, signs or a unit
    DATE = 5  # in ISO form
    OTHER_DATE = 6
    TEXT = 7


NUMERIC = (Kind.NUMBER, Kind.LARGE, Kind.DRESSED)
DATED = (Kind.DATE, Kind.OTHER_DATE)
USUAL = (
    *("", "na", "n/a", "#n/a", "#n/a n/a", "#na", "<na>", "nan", "-nan", "nat", "null", "none"),
    *("-1.#ind", "1.#ind", "-1.#qnan", "1.#qnan"),
)
"""The texts that mean a missing value, in lower case."""

_EXPONENT = r"([eE][+-]?\d+)?"
_GAP = " '\u2019\u00a0\u202f"  # between thousands, besides points or commas
_NUMBERS = {
    "plain": rf"^[+-]?(\d+\.?\d*|\.\d+){_EXPONENT}$",
    "point": rf"^[+-]?((\d{{1,3}}([,{_GAP}]\d{{3}})+|\d+)(\.\d*)?|\.\d+){_EXPONENT}$",
    "comma": rf"^[+-]?((\d{{1,3}}([.{_GAP}]\d{{3}})+|\d+)(,\d*)?|,\d+){_EXPONENT}$",
}
_INFINITE = "^[+-]?(?i:inf(inity)?)$"
_DRESS = rf"[\p{{Z}}\s_,%$€£¥~(){_GAP}]"
_UNIT = r"^(?:[A-Z]{3}\p{Z})?(.*?\d[.,]?)\p{Z}?(?:[\p{L}%°²³/\"'*]+[23]?)?$"  # EUR 12, 12 kg, 5m2
_MONTH = (
    "(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|"
    "nov(ember)?|dec(ember)?)"
)
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
_YEAR = r"(19|20)\d\d"
_DATES = (
    r"^((mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?\.?,? )?"
    r"(([+-]\d{4,6}-|\d{4}[-/.])\d{1,2}[-/.]\d{1,2}(\b|T)|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}\b|"
    rf"\d{{1,2}}[-/]\d{{1,2}}[-/]\d\d\b|\d{{1,2}}[-/.]{_YEAR}$|"
    rf"{_YEAR}-(0[1-9]|1[0-2]|[0-3]\d\d)(T|$| )|{_YEAR}-?W\d\d(-?\d)?(T|$| )|\d{{8}}T\d{{2}}|"
    rf"{_YEAR}[- ]?Q[1-4]$|Q[1-4][-/ ]?{_YEAR}$|"
    r"-?P(\d+[YMWD])+(T[\d.HMS]+)?$|-?PT\d[\d.HMS]*$|"
    rf"\d{{1,2}}\.?[- ]{_MONTH}\.?[- ]\d{{2,4}}\b|{_MONTH}\.?([- ]\d{{1,2}},?)?[- ]\d{{4}}\b|"
    rf"{_MONTH} \d{{1,2}} {_CLOCK}|{_CLOCK}( ?[ap]m)?$|-?\d+ days?,? {_CLOCK}$)"
)
_ISO = re.compile(
    r"((?P<month>\d{4}-\d\d)|(?P<day>\d{4}-?(\d\d-?\d\d|W\d\d(-?\d)?)|(?P<ordinal>\d{4}-\d{3}))"
    r"([T ](?P<h>\d\d)(:?(?P<m>\d\d)(:?(?P<s>\d\d))?)?([.,](?P<fraction>\d+))?"
    r" ?(Z|UTC|(?P<east>[+-])(?P<zone_h>\d\d)(:?(?P<zone_m>\d\d))?)?)?)"
)
_UNPADDED = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_1970 = date(1970, 1, 1).toordinal()
_EXACT = 2**53  # whole numbers up to it are float64


def judge(texts: Any, na: Sequence[str], decimal: str) -> tuple[Array, Array]:
    """Return the (n,) kinds of texts, and their (n,) float64 values, NaN where they have none.

    The value of a date is its seconds since 1970 in UTC, that of true and false 1 and 0.

    Args:
        texts: an array of pyarrow, without nulls.
        na: texts and numbers that mean a missing value too.
        decimal: how numbers are written, see `Settings`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(texts)
    lower = pc.utf8_lower(texts)
    missing = _where(pc.is_in(lower, pa.array(USUAL)))
    values, numbers = _numbers(texts, missing, decimal)
    missing |= numbers & np.isin(values, _numbers_in(na))
    if named := {*map(canonical, na)}:
        others = np.flatnonzero(~numbers & ~missing)
        missing[others] = [canonical(texts[int(row)].as_py()) in named for row in others]
    kinds = np.full(len(texts), Kind.TEXT, np.uint8)
    kinds[numbers] = Kind.NUMBER
    kinds[_are_large(texts, numbers, values)] = Kind.LARGE
    if not (numbers | missing).all():
        truth = _where(pc.is_in(lower, pa.array(["true", "false"])))
        values[truth] = _where(pc.equal(lower, "true"))[truth]
        kinds[truth] = Kind.TRUTH
        bare = pc.replace_substring_regex(texts, _UNIT, r"\1")
        bare = pc.replace_substring(pc.replace_substring_regex(bare, _DRESS, ""), "\u2212", "-")
        dressed = _where(pc.match_substring_regex(bare, _NUMBERS["plain"]))
        kinds[dressed & ~numbers] = Kind.DRESSED
        dates = _where(pc.match_substring_regex(texts, _DATES, ignore_case=True))
        for row in np.flatnonzero(dates & ~numbers & ~missing):
            values[row] = _seconds(texts[row].as_py())
            kinds[row] = Kind.OTHER_DATE if np.isnan(values[row]) else Kind.DATE
    kinds[missing] = Kind.MISSING
    values[missing] = np.nan
    return kinds, values


def judge_typed(column: Any, na: Sequence[str]) -> tuple[Array, Array]:
    """Return what `judge` does, of a pyarrow array of float64 or of truth values, with nulls."""
    import pyarrow as pa

    values = column.to_numpy(zero_copy_only=False).astype(np.float64)
    is_truth = pa.types.is_boolean(column.type)
    kinds = np.full(len(values), Kind.TRUTH if is_truth else Kind.NUMBER, np.uint8)
    missing = np.isnan(values) | np.isin(values, _numbers_in(na))
    kinds[missing] = Kind.MISSING
    values[missing] = np.nan
    return kinds, values


class Unreadable(ValueError):
    """Raised for a column of a type that is neither number, truth value, text nor date."""


def plain(column: Any, *, as_text: bool) -> Any:
    """Return a pyarrow array as one of float64, of truth values, or of text.

    Args:
        column: of any type. Decimals and dates become text, so that one rule reads them, and so
            do whole numbers of which float64 cannot hold one.
        as_text: whether numbers and truth values become text, too.

    Raises:
        Unreadable: of a type that none of these is; the message has it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_dictionary(column.type):
        return plain(column.dictionary_decode(), as_text=as_text)
    of = column.type
    texts = types.is_string, types.is_large_string, types.is_string_view, types.is_null
    written = types.is_decimal, types.is_date, types.is_timestamp, types.is_time
    numbers = types.is_floating, types.is_integer, types.is_boolean
    if not any(is_of(of) for is_of in (*texts, *written, *numbers)):
        raise Unreadable(str(of))
    if types.is_boolean(of) and not as_text:
        return column
    if types.is_floating(of):
        column = pc.if_else(pc.is_nan(column), None, column)
    if any(is_of(of) for is_of in numbers) and not as_text:
        try:
            return pc.cast(column, pa.float64())
        except pa.ArrowInvalid:
            pass
    return pc.cast(column, pa.large_string())


def canonical(text: str) -> str:
    """Return a label or a category as it is compared: tidy, 1.0 as 1, true as True; not 01 as 1."""
    text = tidy(text)
    if text.lower() in ("true", "false"):
        return text.capitalize()
    value = float(text) if _UNPADDED.fullmatch(text) else np.nan
    return str(int(value)) if abs(value) < _EXACT and value == int(value) else text


def is_number(text: str) -> bool:
    """Return whether a text is a number without separators."""
    return bool(re.match(rf"{_NUMBERS['plain']}|{_INFINITE}", text.strip()))


def calendar(seconds: Array) -> dict[str, Array]:
    """Return five (n,) numbers of (n,) seconds since 1970, NaN where a date is missing."""
    known = np.isfinite(seconds)
    times = np.where(known, seconds, 0).astype("M8[s]")
    days, months, years = (times.astype(f"M8[{unit}]") for unit in "DMY")
    parts = {
        "year": years.astype(int) + 1970,
        "month": months.astype(int) % 12 + 1,
        "day of week": (days.astype(int) + 3) % 7,  # 1970 began on a Thursday; Monday is 0
        "hour": (times - days).astype(int) // 3600,
        "seconds": seconds,
    }
    return {name: np.where(known, part, np.nan) for name, part in parts.items()}


def dates_in(numbers: Array) -> Array | None:
    """Return (n,) numbers as seconds since 1970; None if one is no such date.

    They are days such as 20240131, or all of them seconds such as 20240131101500.
    """
    known = numbers[np.isfinite(numbers)]
    if not len(known) or known.min() < 19000101 or known.max() >= 21000101_000000:
        return None
    if (known % 1).any():
        return None
    whole = known.astype(np.int64)
    days, clock = (whole, 0 * whole) if whole.max() <= 20991231 else np.divmod(whole, 10**6)
    if days.min() < 19000101 or days.max() > 20991231:
        return None
    months = (days // 10000 - 1970).astype("M8[Y]").astype("M8[M]") + (days // 100 % 100 - 1)
    dates = months.astype("M8[D]") + (days % 100 - 1)
    h, m, s = clock // 10000, clock // 100 % 100, clock % 100
    if (h > 23).any() or (m > 59).any() or (s > 59).any():
        return None
    if (months.astype("M8[Y]").astype(int) + 1970 != days // 10000).any():
        return None
    if (dates.astype("M8[M]") != months).any():
        return None
    seconds = np.full(len(numbers), np.nan)
    at = dates.astype("M8[s]").astype(np.float64) + h * 3600 + m * 60 + s
    seconds[np.isfinite(numbers)] = at
    return seconds


def _numbers(texts: Any, missing: Array, decimal: str) -> tuple[Array, Array]:
    """Return (n,) float64 values of texts, and (n,) which of them are numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if decimal == "plain":
        with suppress(pa.ArrowInvalid):  # mostly all are numbers
            values = pc.cast(pc.if_else(pa.array(missing), None, texts), pa.float64())
            return np.array(values), ~missing
    infinite = _where(pc.match_substring_regex(texts, _INFINITE))
    numbers = (_where(pc.match_substring_regex(texts, _NUMBERS[decimal])) | infinite) & ~missing
    if decimal != "plain":
        separator = "," if decimal == "point" else "."
        texts = pc.replace_substring_regex(texts, f"[{separator}{_GAP}]", "")
        texts = pc.replace_substring(texts, ",", ".")
    values = pc.cast(pc.if_else(pa.array(numbers), texts, None), pa.float64())
    return np.array(values), numbers


def _numbers_in(na: Sequence[str]) -> list[float]:
    """Return the markers of missing values that are numbers."""
    return [float(text) for text in na if is_number(text)]


def _are_large(texts: Any, numbers: Array, values: Array) -> Array:
    """Return which texts are numbers that float64 cannot hold: too long, or beyond its range."""
    found = np.zeros(len(values), bool)
    for row in np.flatnonzero(numbers & (np.abs(values) >= _EXACT)):
        text = texts[row].as_py()
        if np.isinf(values[row]):
            found[row] = not re.match(_INFINITE, text)
        else:
            found[row] = re.fullmatch(r"[+-]?\d+", text) and int(text) != int(values[row])
    return found


def _seconds(text: str) -> float:
    """Return the seconds since 1970 of a date in ISO form, UTC if it has no offset; else NaN.

    A fraction is one of the last unit: 10:15.5 is half a minute after 10:15. A day ends at 24:00,
    and a leap second, 60, is the first one of the next minute.
    """
    found = _ISO.fullmatch(text.upper().replace("\u2212", "-"))
    if not found:
        return np.nan
    h, m, s, zone_h, zone_m = (
        int(found[part] or 0) for part in ("h", "m", "s", "zone_h", "zone_m")
    )
    unit = 1 if found["s"] else 60 if found["m"] else 3600
    clock = h * 3600 + m * 60 + s + unit * Fraction(f"0.{found['fraction'] or 0}")
    zone = (zone_h * 60 + zone_m) * (-1 if found["east"] == "-" else 1)
    is_leap = s == 60 and (m - zone) % 60 == 59
    is_time = (h < 24 and m < 60 and (s < 60 or is_leap)) or clock == 24 * 3600
    if not is_time or zone_h > 23 or zone_m > 59:
        return np.nan
    try:
        day = _day(found["ordinal"] or found["day"] or f"{found['month']}-01")
    except ValueError:
        return np.nan
    return float((day - _1970) * 24 * 3600 - zone * 60 + clock)


def _day(text: str) -> int:
    """Return the number of a day, such as 2024-01-31, 2024-031 or 2024-W05-3.

    Raises:
        ValueError: it is not in the calendar.
    """
    if not re.fullmatch(r"\d{4}-\d{3}", text):
        return date.fromisoformat(text).toordinal()
    first, of_next = (date(int(text[:4]) + later, 1, 1).toordinal() for later in (0, 1))
    day = first + int(text[5:]) - 1
    if not first <= day < of_next:
        msg = f"no year has a day {text}"
        raise ValueError(msg)
    return day


def _where(mask: Any) -> Array:
    return np.array(mask, bool)
