"""Quantiles of Student's t against scipy, within the range that the module states."""

import numpy as np
import pytest
from scipy.stats import t

from bench.stats import student


@pytest.mark.parametrize("level", [0.5, 0.95, 0.97, 0.99, 0.9999, 0.99997])
def test_quantiles_are_those_of_scipy(level):
    freedom = np.array([1, 1.2, 1.5, 1.8, 2, 2.5, 4, 12, 100, 1000])
    held = np.ones(len(freedom), bool) if level <= 0.97 else freedom >= 2
    found = student.quantile(level, freedom[held])
    np.testing.assert_allclose(found, t.ppf((1 + level) / 2, freedom[held]), rtol=6e-4)
