"""Localisation of detectors in general: shapes, poolings, read-outs and occlusion."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_allclose

from detectors import Localizer, localisation, make
from detectors.localisation import POOLINGS, falls

RNG = np.random.default_rng(0)
IMAGES = RNG.random((20, 3, 12, 10)).astype(np.float32)


@dataclass(kw_only=True)
class Given(Localizer):
    """Returns what it is given as a map."""

    localizes: ClassVar[dict[str, str]] = {"": "mean"}

    def _fit(self, x):
        self.map_ = None

    def _score(self, x, readout):
        return x.sum(axis=1)

    def _localize(self, x, readout):
        return self.map_


@pytest.mark.parametrize(
    ("name", "pool"), [("mean-distance", np.mean), ("max-abs-z", np.max), ("pca", np.mean)]
)
def test_channels_are_pooled_as_the_map_is_to_its_score(name, pool):
    detector = make(name).fit(IMAGES)
    maps = detector.localize(IMAGES)
    assert maps.shape == (20, 12, 10)
    order = np.argsort(pool(maps, axis=(1, 2)))
    assert (np.diff(detector.score(IMAGES)[order]) >= 0).all()


def test_vectors_have_a_number_for_each_feature():
    x = RNG.random((20, 4))
    assert_allclose(make("mean-distance").fit(x).localize(x), (x - x.mean(0)) ** 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((20, 12, 9)), r"Given returned a map of shape \(20, 12, 9\) with 0 values"),
        (np.full((20, 12, 10), np.nan), r"with 2400 values that are not finite; expected finite"),
        (np.ma.masked_equal(np.zeros((20, 12, 10)), 0), "Given localized as a masked array"),
    ],
)
def test_a_map_of_another_shape_or_without_numbers_is_refused_in_a_sentence(given, message):
    detector = Given().fit(IMAGES)
    detector.map_ = given
    with pytest.raises(ValueError, match=message):
        detector.localize(IMAGES)


def test_a_read_out_without_a_map_is_refused_with_those_that_have_one():
    model = make("vae", epochs=0).fit(RNG.random((20, 4))).model
    with pytest.raises(ValueError, match="no map for the read-out 'jacodeco'; with maps: 'elbo'"):
        model.localize(RNG.random((2, 4)), "jacodeco")
    hybrid = make("ae:reconstruction", epochs=0).fit(RNG.random((20, 4)))
    assert hybrid.localize(RNG.random((2, 4))).shape == (2, 4)


def test_the_top_percent_is_the_mean_of_the_highest_pixels():
    assert_allclose(POOLINGS["top-1%"](np.arange(300.0)[None]), [298])
    assert_allclose(POOLINGS["top-1%"](np.arange(9.0)[None]), [8])


def test_scores_fall_by_what_a_filled_place_added_however_many_are_scored_at_once(monkeypatch):
    x = np.arange(12.0).reshape(3, 4)
    for rows in (4096, 7, 1):
        monkeypatch.setattr(localisation, "ROWS", rows)
        found = falls(lambda x: (x**2).sum(1), x, np.ones(4), range(4))
        np.testing.assert_array_equal(found, x**2 - 1)
    pairs = falls(lambda x: (x**2).sum(1), x, np.zeros(4), [[0, 1], [2, 3]])
    np.testing.assert_array_equal(pairs, (x**2).reshape(3, 2, 2).sum(2))
