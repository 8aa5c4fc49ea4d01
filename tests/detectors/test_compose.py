"""Read-outs and heads are the model's scores and the head's scores on its standardised codes."""

import numpy as np
import pytest

from detectors import make
from detectors.compose import Hybrid
from detectors.contract import Detector, Floats
from detectors.deep.variational.vae import VAE

RNG = np.random.default_rng(0)
TRAIN, TEST = RNG.normal(size=(60, 5)), RNG.normal(size=(20, 5))


class Codes(Detector):
    """The first two features, in units a thousand times apart, and a constant third code."""

    encodes = True

    def _fit(self, x: Floats) -> None:
        pass

    def _score(self, x: Floats, readout: str) -> Floats:
        return x[:, 0]

    def _encode(self, x: Floats) -> Floats:
        return np.column_stack([x[:, 0], 1000 * x[:, 1] + 7, np.full(len(x), 0.1)])


@pytest.mark.parametrize("readout", VAE.readouts)
def test_a_read_out_is_the_score_of_the_model(readout):
    model = make("vae", epochs=2, seed=1).model.fit(TRAIN)
    one = make(f"vae:{readout}", epochs=2, seed=1).fit(TRAIN)
    assert np.array_equal(one.score(TEST), model.score(TEST, readout))
    assert one.n_parameters_ == model.n_parameters_ > 0


def test_read_outs_differ_from_each_other():
    model = make("vae", epochs=2).model.fit(TRAIN)
    scores = [tuple(model.score(TEST, readout)) for readout in VAE.readouts]
    assert len(set(scores)) == len(VAE.readouts)


def test_a_head_scores_standardised_codes():
    train = Codes()._encode(TRAIN)
    mean, scale = train.mean(axis=0), np.array([*train.std(axis=0)[:2], 1.0])
    expected = make("knn").fit((train - mean) / scale).score((Codes()._encode(TEST) - mean) / scale)
    hybrid = Hybrid(encoder=Codes(), head=make("knn")).fit(TRAIN)
    assert hybrid.score(TEST) == pytest.approx(expected)


def test_a_head_can_be_fitted_on_a_model_that_is():
    encoder = Codes().fit(TRAIN)
    late = Hybrid(encoder=encoder, head=make("lof")).fit_head(TRAIN)
    whole = Hybrid(encoder=Codes(), head=make("lof")).fit(TRAIN)
    assert np.array_equal(late.score(TEST), whole.score(TEST))


def test_head_settings_and_seed_reach_the_head():
    hybrid = make("ae+iforest", seed=4, head={"n_estimators": 7})
    assert (hybrid.seed, hybrid.encoder.seed, hybrid.head.seed) == (4, 4, 4)
    assert hybrid.head.n_estimators == 7
    assert make("ae+iforest", seed=4, head={"seed": 5}).head.seed == 5


def test_an_unsuitable_head_setting_is_unsupported_with_the_heads_reason():
    with pytest.raises(ValueError, match="n_neighbors = 60 needs at least 61 training samples"):
        make("ae+lof", epochs=1, head={"n_neighbors": 60}).fit(TRAIN)


def test_a_detector_without_codes_says_so():
    with pytest.raises(ValueError, match="KNN has no codes; use a model that encodes"):
        make("knn").fit(TRAIN).encode(TEST)
