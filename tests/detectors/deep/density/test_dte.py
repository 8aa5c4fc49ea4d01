"""DTE-C: its noise follows the schedule, and its score is the expected bin."""

import numpy as np
import torch
from numpy.testing import assert_allclose
from scipy.special import softmax

from detectors.deep.density.dte import DTECategorical, kept_units, noise_scales

SMALL = {"hidden": (32, 32)}


def test_the_noise_has_the_variance_of_its_time():
    detector = DTECategorical(n_times=4, n_bins=4, epochs=0, **SMALL).fit(np.eye(3))
    noise = detector._noise(detector.net_, np.random.default_rng(0), 40_000)
    alphas = 1 - np.linspace(1e-4, 1e-2, 4)
    for time in range(4):
        steps = noise[noise[:, 3] == time, :3]
        assert 9_000 < len(steps) < 11_000
        assert_allclose(steps.var(axis=0), 1 - np.prod(alphas[: time + 1]), rtol=0.06)
        assert abs(steps.mean()) < 3 * steps.std() / np.sqrt(steps.size)


def test_the_schedule_ends_near_the_variance_of_standardised_features():
    scales = noise_scales(400)
    assert (np.diff(scales) > 0).all()
    assert_allclose(scales[0] ** 2, 1e-4)
    assert 0.8 < scales[-1] ** 2 < 1


def test_bins_are_equal_stretches_of_time():
    detector = DTECategorical(epochs=0, **SMALL).fit(np.eye(3))
    bins = detector._noise(detector.net_, np.random.default_rng(0), 70_000)[:, 3]
    assert_allclose(np.bincount(bins.astype(int)), np.full(7, 10_000), rtol=0.05)


def test_the_score_is_the_expected_bin():
    x = np.random.default_rng(0).standard_normal((60, 4))
    detector = DTECategorical(epochs=5, **SMALL).fit(x)
    with torch.no_grad():
        logits = detector.net_(torch.from_numpy(x).float()).double().numpy()
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(detector.score(x), shares @ np.arange(7), rtol=1e-5)


def test_the_loss_drops_half_the_units_of_the_later_layers_and_penalises_the_weights():
    x = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
    detector = DTECategorical(epochs=0, hidden=(32, 16, 40), penalty=0.1).fit(x)
    noise = detector._noise(detector.net_, np.random.default_rng(1), 9)
    weights, biases = zip(
        *(map(of_numpy, layer.parameters()) for layer in detector.net_[::2]), strict=True
    )
    words = noise[:, 5:].astype(int)
    bits = np.array([[word >> i & 1 for word in row for i in range(24)] for row in words])
    kept = [1, 2 * bits[:, :16], 2 * bits[:, 16:56]]  # nothing of the first layer is dropped
    h = (x + noise[:, :4]).astype(float)
    for weight, bias, mask in zip(weights[:-1], biases[:-1], kept, strict=True):
        h = h @ weight + bias
        h = np.where(h > 0, h, 0.01 * h) * mask
    shares = softmax(h @ weights[-1] + biases[-1], axis=1)
    expected = -np.log(shares[np.arange(9), noise[:, 4].astype(int)])
    expected += 0.05 * sum((each**2).sum() for each in weights + biases)
    with torch.no_grad():
        losses = detector._losses(detector.net_, torch.from_numpy(x), torch.from_numpy(noise))
    assert_allclose(losses.numpy(), expected, rtol=1e-5)


def of_numpy(parameter):
    return parameter.detach().double().numpy()


def test_half_of_the_units_are_dropped():
    detector = DTECategorical(epochs=0, **SMALL).fit(np.eye(3))
    noise = detector._noise(detector.net_, np.random.default_rng(0), 2000)
    kept = kept_units(torch.from_numpy(noise[:, 4:]), 32)
    assert set(np.unique(kept)) == {0, 2}
    assert_allclose(kept.mean(0), np.ones(32), atol=0.1)


def test_held_out_samples_are_judged_without_dropout_and_penalty():
    x = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
    detector = DTECategorical(epochs=0, **SMALL).fit(x)
    noise = detector._noise(detector.net_, np.random.default_rng(1), 9)
    given = torch.from_numpy(x), torch.from_numpy(noise)
    with torch.no_grad():
        losses = detector._judged(detector.net_, *given).numpy()
        logits = detector.net_(torch.from_numpy(x + noise[:, :4])).double().numpy()
    shares = softmax(logits, axis=1)
    assert_allclose(losses, [-np.log(shares[i, int(noise[i, 4])]) for i in range(9)], rtol=1e-5)


def test_a_distant_held_out_sample_does_not_choose_the_epoch():
    x = np.random.default_rng(0).standard_normal((100, 4))
    held = DTECategorical(**SMALL).stream("validation split").permutation(100)[:10]
    far = x.copy()
    far[held[0]] = 1000
    settings = {"epochs": 60, "learning_rate": 3e-3, **SMALL}
    assert DTECategorical(**settings).fit(far).curves_["validation"][-1] < 2


def test_noised_samples_score_higher_the_further_they_are_noised():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 1)) @ np.ones((1, 8))
    detector = DTECategorical(epochs=100, **SMALL).fit(x)
    noise = rng.standard_normal(x.shape)
    means = [detector.score(x + scale * noise).mean() for scale in (0, 0.3, 0.6, 0.9)]
    assert (np.diff(means) > 0.4).all(), means
