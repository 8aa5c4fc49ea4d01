"""Published sets have the copies, contradictions and constant columns they are known for."""

import pytest

from datasets import find, load, present
from datasets.facts import content


@pytest.mark.parametrize(
    ("name", "duplicates", "conflicts", "constant", "dtype"),
    [
        ("adbench/http", 345598, 2, 0, "float64"),
        ("adbench/celeba", 88616, 1132, 0, "int64"),
        ("adbench/skin", 193624, 11, 0, "float64"),
        ("adbench/letter", 2, 0, 0, "uint8"),
        ("adbench/mnist", 0, 0, 22, "float64"),
        ("odds/arrhythmia", 0, 0, 17, "float64"),
        ("adbench-cv/MVTec-AD_bottle", 0, 0, 170, "float32"),
    ],
)
def test_counts_are_the_known_ones(name, duplicates, conflicts, constant, dtype):
    if not present(name):
        pytest.skip(f"{find(name).files[0].path} is not in the data folder")
    found = content(load(name))

    assert (found.duplicates, found.conflicting_labels) == (duplicates, conflicts)
    assert (found.constant_columns, found.dtype) == (constant, dtype)
