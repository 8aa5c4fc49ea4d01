"""What the note of `dte-2024-semi` on copies of training rows says, counted again."""

import os

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from bench.metrics.scored import auroc
from bench.protocols.named import split
from datasets import load
from detectors import make

PRINTED = {"bottle": 0.963, "pill": 0.682, "screw": 0.651, "transistor": 0.780}


@pytest.mark.slow
@pytest.mark.skipif("BENCH_DATA" not in os.environ, reason="needs ADBench's features of MVTec AD")
@pytest.mark.parametrize("name", PRINTED)
def test_most_normal_test_rows_are_copies_and_an_honest_neighbour_has_less(name):
    data = load(f"adbench-cv/MVTec-AD_{name}")
    copied = split("dte-2024-semi", data, 0)
    train = {row.tobytes() for row in data.x[copied.train]}
    normal = data.x[copied.test][data.y[copied.test] == 0]
    assert 0.63 <= np.mean([row.tobytes() in train for row in normal]) <= 1
    values = []
    for seed in range(5):
        honest = split("one-class", data, seed)
        scale = StandardScaler().fit(data.x[honest.train]).transform
        nearest = make("knn", n_neighbors=1).fit(scale(data.x[honest.train]))
        values.append(auroc(data.y[honest.test], nearest.score(scale(data.x[honest.test]))))
    assert np.mean(values) == pytest.approx(PRINTED[name], abs=0.001)
