"""Counts of what misleads, on rows made for it and on published sets with known figures."""

import numpy as np
import pytest

from datasets import Card, DataSet, OfficialSplit, find, load, present
from datasets.describe import count

NAN = np.nan


def record(x, y, split=None):
    card = Card(
        name="toy",
        kind="tabular",
        family="toy",
        source="written here",
        licence="MIT",
        citation="none",
        sha256="0" * 64,
        n=None,
        shape=None,
        n_anomalies=None,
        duplicates=None,
        synthetic=True,
        from_files=True,
        has_official_split=split is not None,
    )
    return DataSet(card, np.asarray(x), np.asarray(y), split)


def test_every_count_is_right_on_rows_made_for_it():
    x = [[1, 2.0, 0], [1, 2, -0.0], [1, NAN, 5], [1, NAN, 5], [1, np.inf, 6], [1, 2, 0]]
    found = count(record(x, [0, 0, 0, 1, 0, 1], OfficialSplit([0, 2], [1, 3, 4, 5])))

    assert found.dtype == "float64"
    assert (found.missing, found.infinite, found.constant) == (2, 1, 1)
    assert found.duplicates == 3
    assert found.conflicts == 2
    assert found.anomalies_like_normals == 2
    assert found.seen_in_training == 3


def test_images_are_counted_by_pixel():
    x = np.zeros((3, 1, 2, 2), np.uint8)
    x[2, 0, 1, 1] = 7
    found = count(record(x, [0, 0, 1]))

    assert (found.duplicates, found.constant, found.seen_in_training) == (1, 3, None)


@pytest.mark.parametrize(
    ("name", "duplicates", "conflicts", "constant", "dtype"),
    [
        ("adbench/http", 345598, 2, 0, "float64"),
        ("adbench/celeba", 88616, 1132, 0, "int64"),
        ("adbench/letter", 2, 0, 0, "uint8"),
        ("adbench/mnist", 0, 0, 22, "float64"),
        ("odds/arrhythmia", 0, 0, 17, "float64"),
    ],
)
def test_published_sets_have_their_known_figures(name, duplicates, conflicts, constant, dtype):
    if not present(name):
        pytest.skip(f"{find(name).files[0].path} is not in the data folder")
    found = count(load(name))

    assert (found.duplicates, found.conflicts) == (duplicates, conflicts)
    assert (found.constant, found.dtype) == (constant, dtype)


def test_most_anomalies_of_http_equal_a_normal():
    if not present("adbench/http"):
        pytest.skip("adbench/Classical/16_http.npz is not in the data folder")

    assert count(load("adbench/http")).anomalies_like_normals == 2092  # of 2211
