"""Generated employees: usual column by column, unusual together."""

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from datasets import load
from datasets.families.employees import CITIES, JOBS, SEXES


def encoded():
    """Return one-hot and standardised halves: normals to train, the rest to test, and labels."""
    data = load("employees")
    normals = np.flatnonzero(data.y == 0)
    train = normals[: len(normals) // 2]
    test = np.setdiff1d(np.arange(len(data.y)), train)
    a, b = data.codes.encode(data.x[train], data.x[test])
    mean, std = a.mean(axis=0), a.std(axis=0)
    return (a - mean) / std, (b - mean) / std, data.y[test]


def test_columns_of_text_are_codes_of_the_texts():
    data = load("employees")

    assert data.codes.texts == {0: SEXES, 2: CITIES, 4: JOBS}
    for column, texts in data.codes.texts.items():
        assert set(data.x[:, column]) == set(range(len(texts)))


def test_one_hot_has_a_column_a_text():
    a, b, _ = encoded()

    assert a.shape[1] == b.shape[1] == 2 + len(SEXES) + len(CITIES) + len(JOBS)


def test_anomalies_are_seen_together_and_hardly_in_single_columns():
    a, b, y = encoded()
    neighbours = NearestNeighbors(n_neighbors=5).fit(a).kneighbors(b)[0][:, -1]

    assert roc_auc_score(y, neighbours) > 0.8
    assert roc_auc_score(y, np.abs(b).max(axis=1)) < 0.75
