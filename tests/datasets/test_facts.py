"""Counts on content, against tables small enough to count by eye and against published values."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import datasets
from datasets import Card, DataSet, facts
from datasets.facts import Content, Overlap, content, overlap, row_ids

NAN, INF = math.nan, math.inf


def made(x, y):
    x = np.asarray(x)
    known = {"kind": "tabular", "family": "x", "source": "x", "licence": "x", "citation": "x"}
    sizes = {"n": None, "shape": None, "n_anomalies": None, "duplicates": None}
    card = Card(name="x", sha256="0" * 64, synthetic=True, from_files=True, **known, **sizes)
    return DataSet(card, x, np.asarray(y))


SMALL = made(
    [
        [1.0, 7.0, NAN, 0.0],
        [2.0, 7.0, NAN, -0.0],  # a normal, later an anomaly
        [1.0, 7.0, NAN, -0.0],  # as the first
        [2.0, 7.0, NAN, 0.0],
        [5.0, 7.0, NAN, INF],
        [2.0, 7.0, NAN, 0.0],
    ],
    [0, 0, 0, 1, 1, 1],
)


def test_a_small_table_is_counted_as_by_eye():
    assert content(SMALL) == Content(
        n=6,
        shape=(4,),
        n_anomalies=3,
        dtype="float64",
        minimum=0.0,
        maximum=INF,
        missing_values=6,
        infinite_values=1,
        constant_columns=2,
        duplicates=3,
        conflicting_labels=1,
    )


def test_rows_that_a_split_shows_twice_are_counted():
    told = overlap(SMALL, train=np.array([0, 2]), test=np.array([1, 3, 4, 5]))
    assert told == Overlap(
        2, 1, n_test_normals=1, seen_normals=0, n_test_anomalies=3, seen_anomalies=0
    )

    told = overlap(SMALL, train=np.array([1, 0]), test=np.array([2, 3, 4, 5]))
    assert told == Overlap(
        2, 0, n_test_normals=1, seen_normals=1, n_test_anomalies=3, seen_anomalies=2
    )


def test_integers_and_images_are_counted():
    images = np.zeros((4, 2, 2), dtype=np.uint8)
    images[3, 0, 0] = 255

    told = content(made(images, [0, 0, 1, 1]))

    assert (told.dtype, told.shape, told.constant_columns) == ("uint8", (2, 2), 3)
    assert (told.duplicates, told.conflicting_labels, told.maximum) == (2, 1, 255)


def test_a_table_without_a_value_has_no_extremes():
    told = content(made([[NAN], [NAN]], [0, 1]))

    assert math.isnan(told.minimum)
    assert math.isnan(told.maximum)
    assert (told.constant_columns, told.missing_values) == (1, 2)


def test_pieces_of_a_table_make_no_difference(monkeypatch):
    x = np.random.default_rng(0).integers(0, 3, size=(200, 2)).astype(float)
    data = made(x, np.arange(200) % 2)
    whole = content(data)
    monkeypatch.setattr(facts, "_CHUNK_BYTES", 48)

    assert content(data) == whole


def test_a_column_that_changes_in_a_later_piece_is_not_constant(monkeypatch):
    monkeypatch.setattr(facts, "_CHUNK_BYTES", 8)

    assert content(made([[1.0], [1.0], [2.0]], [0, 0, 1])).constant_columns == 0


VALUES = st.sampled_from([0.0, -0.0, 1.0, NAN, INF])


@given(arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=3), elements=VALUES))
def test_rows_are_distinct_where_their_values_are(x):
    rows = [tuple("nan" if math.isnan(v) else v for v in row.ravel().tolist()) for row in x]
    first = {row: rows.index(row) for row in rows}

    ids = row_ids(np.asfortranarray(x))

    assert [np.flatnonzero(ids == own)[0] for own in ids] == [first[row] for row in rows]


def test_rows_of_a_large_table_are_distinguished_in_little_memory(monkeypatch):
    x = np.random.default_rng(0).normal(size=(100_000, 3))
    monkeypatch.setattr(facts, "_CHUNK_BYTES", 1 << 16)
    tracemalloc.start()
    ids = row_ids(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(np.unique(ids)) == len(x)
    assert peak < 100 * len(x)  # a dictionary takes twice as much


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("adbench/Cardiotocography", {"conflicting_labels": 2}),
        ("adbench/mammography", {"conflicting_labels": 1, "duplicates": 3335}),
        ("adbench/mnist", {"constant_columns": 22}),
        ("adbench/optdigits", {"constant_columns": 2}),
        ("odds/arrhythmia", {"constant_columns": 17}),
    ],
)
def test_known_counts_of_real_sets_are_reproduced(name, expected):
    folder = datasets.data_folder()
    if not datasets.present(name, folder):
        pytest.skip(f"{name} is not in the data folder")
    told = content(datasets.load(name, folder))

    assert {field: getattr(told, field) for field in expected} == expected
