"""What a cell means: numbers, missing values, dates, and what only looks like them."""

import math
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.formats.cells import Kind, calendar, canonical, dates_in, judge, plain

KINDS = {
    Kind.NUMBER: "1 +1 -2.5 .5 5. 1e5 1E-3 007 inf -Infinity \u00a03 9007199254740993.0",
    Kind.MISSING: "NA N/A nan NaN null NULL None <NA> #N/A NaT",
    Kind.TRUTH: "True false TRUE",
    Kind.LARGE: "9007199254740993 -1180591620717411303425 1e400",
    Kind.DRESSED: "1_000 1,000 1.000,5 12,5 12% $5 5€ 1'000 \u22125 12.3kg 5m2 9°C (12.5) ~3 1e",
    Kind.DATE: (
        "2024-01-31 2024-01-31T10:15 2024-01-31T10:15:30.123456789Z 2024-01-31T10:15:00+02:00 "
        "20240131T1015 2024-W05-3 2024W053 2024-01 2024-031 2024-031T10:15 2024-01-31T24:00:00 "
        "2016-12-31T23:59:60Z 2024-01-31T10:15:00\u221205:00 20240131T101500Z 2024-01-31t10:15z"
    ),
    Kind.OTHER_DATE: (
        "1/31/24 31.01.2024 10:15 10:15:30 3-Jan-2024 2024-13-01 2023-366 2024-01-31T24:30 "
        "2024-01-31T23:58:60Z 2024-01-31T10:15+25 12/2024 2024-Q1 P1DT2H PT5M +2024-01-31 "
        "2024-01-01/2024-01-31"
    ),
    Kind.TEXT: "abc 10.10.10.1 3-4-500 1.2.10 0x1F a1 ABC12 12-a 4711-93 yes - ?",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_of_one_kind_whatever_its_format(kind):
    texts = KINDS[kind].split(" ")
    kinds, values = judge(pa.array(texts, pa.large_string()), (), "plain")

    assert dict(zip(texts, map(Kind, kinds), strict=True)) == dict.fromkeys(texts, kind)
    assert np.isnan(values).all() != (kind in (Kind.NUMBER, Kind.TRUTH, Kind.LARGE, Kind.DATE))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Jan 3, 2024", Kind.OTHER_DATE),
        ("Wed, 03 Jan 2024", Kind.OTHER_DATE),
        ("Wed Aug 27 13:08:45 +0000 2008", Kind.OTHER_DATE),
        ("1 days 02:00:00", Kind.OTHER_DATE),
        ("January 2024", Kind.OTHER_DATE),
        ("2024-01-31 10:15:00", Kind.DATE),
        ("2024-01-31 10:15:00 +0200", Kind.DATE),
        ("2024-01-31 10:15:00 UTC", Kind.DATE),
        ("2024-01-31 10:15:00 CET", Kind.OTHER_DATE),
        ("1 000", Kind.DRESSED),
        ("12 %", Kind.DRESSED),
        ("12.3 EUR", Kind.DRESSED),
        ("USD 1,234.50", Kind.DRESSED),
        ("1,234.50 $", Kind.DRESSED),
        ("45.5 km/h", Kind.DRESSED),
        ("12\u00a0m²", Kind.DRESSED),
        ("12 Main Street", Kind.TEXT),
        ("Room 12", Kind.TEXT),
        ("", Kind.MISSING),
        ("  ", Kind.MISSING),
        ("deck 12, 2024", Kind.TEXT),
    ],
)
def test_a_cell_may_hold_blanks(text, kind):
    assert judge(pa.array([text], pa.large_string()), (), "plain")[0] == [kind]


@given(st.floats(allow_nan=False) | st.integers(-(2**53), 2**53))
def test_a_number_is_read_as_python_reads_it(number):
    kinds, values = judge(pa.array([f" {number!r}"], pa.large_string()), (), "plain")

    assert (kinds[0], values[0]) == (Kind.NUMBER, float(number))


@given(st.text(max_size=8))
def test_what_is_a_number_here_is_one_for_python(text):
    kinds, values = judge(pa.array([text], pa.large_string()), (), "plain")

    if kinds[0] == Kind.NUMBER:
        assert values[0] == float(text)


@given(st.floats(-1e15, 1e15).map(lambda value: round(value, 3)))
def test_separators_are_read_as_they_are_declared(number):
    point = f"{number:,}"
    comma = point.translate(str.maketrans(",.", ".,"))
    for text, decimal in ((point, "point"), (comma, "comma"), (point.replace(",", "'"), "point")):
        if "e" not in text:
            _, values = judge(pa.array([text], pa.large_string()), (), decimal)
            assert values[0] == number, text


def test_separators_that_do_not_group_thousands_are_refused_under_either_declaration():
    for decimal, texts in (("point", ["1,5", "10,00", "1,0000"]), ("comma", ["1.5", "1.50,0"])):
        kinds, _ = judge(pa.array(texts, pa.large_string()), (), decimal)
        assert Kind.NUMBER not in kinds


def test_a_date_has_the_seconds_of_utc_and_five_numbers():
    texts = ["2024-02-29T10:30", "2024-02-29T12:30+02:00", "2024-W09-4", "soon"]
    _, seconds = judge(pa.array(texts, pa.large_string()), (), "plain")

    assert seconds[:3].tolist() == [1709202600, 1709202600, 1709164800]
    parts = calendar(seconds)
    assert [part[0] for part in parts.values()] == [2024, 2, 3, 10, 1709202600]
    assert all(math.isnan(part[3]) for part in parts.values())
    assert [part[0] for part in calendar(np.array([-1.5])).values()] == [1969, 12, 2, 23, -1.5]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2024-060", "2024-02-29"),
        ("2023-365T24:00", "2024-01-01"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00"),
        ("2017-01-01T05:29:60.5+05:30", "2017-01-01T00:00:00.5"),
        ("2024-01-31T10:15.5", "2024-01-31T10:15:30"),
        ("2024-01-31T10,25", "20240131T1015"),
        ("2024-01-31T10:15:00\u221205:30", "2024-01-31T15:45:00"),
        ("2024-01-31 10:15:00 +0200", "2024-01-31T08:15Z"),
        ("0001-01-01T00:00+01:00", "0001-01-01T00:00:00+0100"),
    ],
)
def test_two_forms_of_one_time_have_the_same_seconds(text, same):
    _, seconds = judge(pa.array([text, same], pa.large_string()), (), "plain")

    assert seconds[0] == seconds[1]


@given(st.datetimes(), st.sampled_from(["", "Z", "+02:00", "-0330"]))
def test_a_date_is_read_as_python_reads_it(time, zone):
    _, seconds = judge(pa.array([f"{time.isoformat()}{zone}"], pa.large_string()), (), "plain")

    meant = datetime.fromisoformat(f"{time.isoformat()}{zone or 'Z'}")
    assert seconds[0] == (meant - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def test_numbers_are_dates_only_if_all_are_days_of_the_calendar():
    assert dates_in(np.array([20240229, np.nan])).tolist()[0] == 1709164800
    assert dates_in(np.array([20240229103000.0])).tolist() == [1709202600]
    for wrong in (
        [20240229246000],
        [20240229, 20240229103000],
        [20240230],
        [20240131, 7],
        [20240131.5],
        [np.nan],
        [],
        [2024],
        [20241301],
        [2.0**63],
    ):
        assert dates_in(np.array(wrong, float)) is None


@pytest.mark.parametrize(
    ("text", "form"),
    [(" a  b\u00a0", "a b"), ("1.0", "1"), ("1.000e+00", "1"), ("01", "01"), ("1.10", "1.10"),
     ("TRUE", "True"), ("e\u0301", "\u00e9"), ("-0.0", "0"), ("1e400", "1e400")],
)  # fmt: skip
def test_labels_and_categories_have_one_form(text, form):
    assert canonical(text) == form


def test_types_of_a_file_are_numbers_truth_values_or_text():
    large = plain(pa.array([1, 2**60 + 1]), as_text=False)
    assert pa.types.is_large_string(large.type)
    assert plain(pa.array([1, None]), as_text=False).to_pylist() == [1.0, None]
    assert plain(pa.array([1.0, math.nan]), as_text=True).to_pylist() == ["1", None]
    assert plain(pa.array(["a", "b"]).dictionary_encode(), as_text=False).to_pylist() == ["a", "b"]
