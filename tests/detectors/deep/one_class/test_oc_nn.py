"""OC-NN: equation 4, its quantile, and collapse distinguished from success."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.stats import spearmanr
from sklearn.datasets import load_digits

from detectors import Collapsed
from detectors.deep.one_class.oc_nn import OCNN


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x[y == 3] / 16


@pytest.mark.parametrize("nu", [0.05, 0.1, 0.3])
@pytest.mark.parametrize("pretrained", [False, True])
def test_about_nu_of_the_training_samples_are_on_the_anomalous_side_with_spread(
    digits, nu, pretrained
):
    settings = {"nu": nu, "pretrained": pretrained, "epochs": 60, "validation_share": 0.0}
    scores = OCNN(**settings).fit(digits).score(digits)
    assert (scores > 0).mean() == pytest.approx(nu, abs=0.02)
    assert len(np.unique(scores)) > 0.9 * len(digits)
    assert scores.std() > 1e-3


def test_the_loss_is_equation_4(digits):
    detector = OCNN(epochs=2, nu=0.2).fit(digits)
    net, x = detector.net_, torch.tensor(digits, dtype=torch.float32)
    with torch.no_grad():
        ours = detector._losses(net, x, torch.empty(len(x), 0)).mean().item()
    w, v = net.w.weight.detach().numpy().ravel(), net.v.weight.detach().numpy()
    u = (digits - net.low.numpy()) / net.extent.numpy()
    outputs, r = np.tanh(u @ v) @ w, float(net.r)
    hinge = np.maximum(0, r - outputs).mean() / 0.2
    assert_allclose(ours, 0.5 * w @ w + 0.5 * (v**2).sum() + hinge - r, rtol=1e-5)
    assert_allclose(detector.score(digits), r - outputs, rtol=1e-4, atol=1e-5)


def test_the_score_is_nearly_a_projection_so_that_it_rises_on_one_side_only(digits):
    detector = OCNN().fit(digits)
    net = detector.net_
    direction = (net.v.weight @ net.w.weight).detach().numpy().ravel()
    projected = ((digits - net.low.numpy()) / net.extent.numpy()) @ direction
    assert spearmanr(detector.score(digits), -projected).statistic > 0.99
    with pytest.warns(UserWarning, match="nearly a projection on one direction"):
        assert detector.score(np.ones((1, 64))) < detector.score(digits).min()


def test_r_is_the_quantile_of_the_outputs_at_the_last_weights(digits):
    detector = OCNN(epochs=80, validation_share=0.0).fit(digits)
    outputs = float(detector.net_.r) - detector.score(digits)
    assert_allclose(float(detector.net_.r), np.quantile(outputs, 0.1), rtol=1e-4)


def test_equation_4_falls_and_the_encoder_stays_as_it_was_pretrained(digits):
    one, other = (OCNN(pretrained=True, epochs=25, nu=nu).fit(digits) for nu in (0.1, 0.5))
    assert one.losses_[-1] < one.losses_[0]
    restored = one.curves_["loss of pretraining"]
    assert restored[-1] < 0.7 * restored[0]
    for ours, theirs in zip(
        one.net_.encoder.parameters(), other.net_.encoder.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)
    assert not torch.equal(one.net_.v.weight, other.net_.v.weight)


def test_a_fit_reports_whether_it_converged(digits):
    settings = {"patience": 3, "learning_rate": 0.02}
    assert OCNN(epochs=200, **settings).fit(digits).diagnostics_["converged"] == 1
    assert OCNN(epochs=2, **settings).fit(digits).diagnostics_["converged"] == 0


def test_outputs_without_spread_are_reported_and_not_scored():
    # Centred features in both directions, and many steps: w and V go to 0 together.
    x = np.sign(np.random.default_rng(0).standard_normal((200, 3)))
    with pytest.raises(Collapsed, match="the outputs of the training samples are all"):
        OCNN(epochs=200, nu=0.9, learning_rate=0.03, units=2, validation_share=0.0).fit(x)


def test_equal_training_rows_are_no_collapse():
    assert np.isfinite(OCNN(epochs=3).fit(np.ones((9, 4))).score(np.eye(4))).all()
