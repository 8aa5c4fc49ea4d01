"""The flow: a density that integrates to one, with the determinant of its own Jacobian."""

import copy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.stats import norm

from detectors.deep.density.flow import Flow

SMALL = {"hidden": (16,), "epochs": 25}


def test_the_density_integrates_to_one_over_a_line():
    x = np.random.default_rng(0).normal(2, 0.5, size=(200, 1))
    grid = np.linspace(-8, 12, 4001)[:, None]
    density = np.exp(-Flow(**SMALL).fit(x).score(grid))
    assert density.sum() * 20 / 4000 == pytest.approx(1, abs=1e-3)


def test_the_density_integrates_to_one_over_a_plane():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, np.pi, 300)
    x = 2 * np.c_[np.cos(angle), np.sin(angle)] + 0.3 * rng.standard_normal((300, 2))
    detector = Flow(**SMALL).fit(x)
    side = np.linspace(-10, 10, 401)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    density = np.exp(-detector.score(grid))
    assert density.sum() * 0.05**2 == pytest.approx(1, abs=0.01)


def test_the_score_is_that_of_the_code_and_the_determinant_of_the_jacobian():
    x = np.random.default_rng(0).standard_normal((60, 4)) @ np.triu(np.ones((4, 4)))
    detector = Flow(**SMALL).fit(x)
    flow = copy.deepcopy(detector.net_).double()
    codes, scores = detector.encode(x[:5]), detector.score(x[:5])
    for row, code, score in zip(torch.from_numpy(x), codes, scores, strict=False):
        jacobian = torch.autograd.functional.jacobian(flow().transform, row).numpy()
        expected = -norm.logpdf(code).sum() - np.linalg.slogdet(jacobian)[1]
        assert_allclose(score, expected, rtol=1e-6)


def test_training_approaches_the_entropy_of_a_normal():
    rng = np.random.default_rng(0)
    mixing = np.tril(np.ones((3, 3))) * 0.7
    train, test = rng.standard_normal((2, 400, 3)) @ mixing.T
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * mixing @ mixing.T)[1]
    assert Flow(epochs=25).fit(train).score(test).mean() == pytest.approx(entropy, abs=0.2)
