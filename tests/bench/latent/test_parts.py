"""The parts of a study on arrays: spectra, separability, holes; each against a value by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from bench.latent.holes import N_DRAWS, prior
from bench.latent.separability import separability
from bench.latent.spectrum import plane, spectrum
from bench.latent.units import units
from detectors import make
from detectors.training.latent import Decoded

RNG = np.random.default_rng(0)


def test_a_spectrum_has_the_variances_of_the_principal_components():
    turn = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    codes = np.repeat([[-3.0, 0, 0], [3, 0, 0], [0, -2, 0], [0, 2, 0]], 2, axis=0) @ turn
    assert_allclose(spectrum(codes), [4.5, 2, 0], atol=1e-12)
    assert_allclose(spectrum(codes[:, :1]), [codes[:, 0].var()])
    points, share = plane(codes, codes)
    assert share == pytest.approx(1)
    assert_allclose(points.var(axis=0), [4.5, 2])


def test_other_codes_are_placed_by_the_components_of_the_training_codes():
    codes = RNG.normal(size=(50, 1))
    points, share = plane(codes, codes[:3] + 100)
    assert share == pytest.approx(1)
    assert_allclose(abs(points[:, 0]), abs(codes[:3, 0] + 100 - codes.mean()))
    assert not points[:, 1].any()


def test_units_are_sorted_by_divergence_and_active_by_the_variance_of_the_mean():
    mean = np.array([[0.0, 1.0, -0.05], [0.0, -1.0, 0.05]])
    found = units(np.array([[0.0, 2.0, 3.0], [0.0, 2.0, 3.0]]), mean)
    assert_allclose(found.kl, [3, 2, 0])
    assert_allclose(found.variances, [0.0025, 1, 0])
    assert found.n_active == 1


def test_classes_that_differ_in_the_spread_alone_are_separable_by_it_alone():
    y = np.repeat(np.array([0, 1], np.int8), 60)
    mean, log_scale = RNG.normal(size=(120, 2)), y[:, None] + RNG.normal(size=(120, 1)) / 4
    by_mean, by_both = (separability(c, y, 0) for c in (mean, np.hstack([mean, log_scale])))
    assert by_mean.low < 0.5 < by_mean.high
    assert by_both.low > 0.9
    assert separability(mean[:61], y[:61], 0) is None


class Folded(Decoded):
    """Codes are what they decode to, but for their sign: the negative half is never reached."""

    has_prior = True

    def __init__(self):
        self.model = make("ae")

    def codes(self, x):
        return abs(x)

    def decode(self, z):
        return z


def test_holes_are_draws_that_no_training_sample_leads_to():
    found = prior(Folded(), abs(RNG.normal(size=(100, 1))), lambda x: x)
    assert found.limit == 0
    assert found.n_holes == pytest.approx(N_DRAWS / 2, abs=50)
    assert (found.holes < 0).all()
    assert_allclose(found.holes, np.sort(found.holes, axis=0))
