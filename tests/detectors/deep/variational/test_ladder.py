"""Ladder VAE: its merge, its bound, its warm-up and its read-outs against plain computations."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.stats import norm

from detectors.deep.variational.ladder import LadderVAE, divergence, merge
from detectors.networks.likelihoods import VARIANCE_FLOOR, VARIANCE_PACE
from detectors.training.phases import trimmed_mean_of


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((60, 2)) @ rng.standard_normal((2, 6))
    return factors + 0.2 * rng.standard_normal((60, 6))


@pytest.fixture(scope="module")
def fitted(x):
    return LadderVAE(epochs=6, n_draws=3, latent_dim=4, seed=1).fit(x)


def dense(layers, x):
    """Return what dense layers and leaky rectifiers make of x, by their weights alone."""
    for layer in layers:
        if hasattr(layer, "weight"):
            x = x @ layer.weight.detach().double().numpy() + layer.bias.detach().double().numpy()
        else:
            x = np.where(x > 0, x, 0.01 * x)
    return x


def halves(outputs):
    mean, log_variance = np.split(outputs, 2, axis=-1)
    return mean, np.exp(np.clip(log_variance, -10, 10) / 2)


def costs_by_hand(net, x, noise):
    """Return -log p(x|z_1), the divergences of both layers (n,) and the decoded means (n, d)."""
    below = dense(net.encoder, x)
    above = dense(net.ups[0], below)
    mean_2, scale_2 = halves(dense([net.heads[1]], above))
    z_2 = mean_2 + scale_2 * noise[..., 4:]
    mean_p, scale_p = halves(dense(net.downs[0], z_2))
    mean_d, scale_d = halves(dense([net.heads[0]], below))
    total = scale_d**-2 + scale_p**-2
    mean_1, scale_1 = (mean_d * scale_d**-2 + mean_p * scale_p**-2) / total, total**-0.5
    decoded = dense(net.decoder, mean_1 + scale_1 * noise[..., :4])
    variance = VARIANCE_FLOOR + np.exp(VARIANCE_PACE * net.likelihood.variance.detach().numpy())
    nll = -norm.logpdf(x, decoded, np.sqrt(variance)).sum(axis=1)
    kl_2 = kl(mean_2, scale_2, 0, 1)
    return nll, kl(mean_1, scale_1, mean_p, scale_p), kl_2, decoded


def kl(mean, scale, means, scales):
    terms = np.log(scales / scale) + (scale**2 + (mean - means) ** 2) / (2 * scales**2) - 0.5
    return terms.sum(axis=-1)


def test_the_merge_of_two_gaussians_is_their_normalised_product():
    rng = np.random.default_rng(2)
    (mean, log), (means, logs) = moments = rng.normal(0, 3, (2, 2, 50))
    merged, merged_log = (each.numpy() for each in merge(*torch.from_numpy(moments)))
    precision = np.exp(-log) + np.exp(-logs)
    assert_allclose(merged, (mean * np.exp(-log) + means * np.exp(-logs)) / precision)
    assert_allclose(np.exp(merged_log), 1 / precision)
    grid = np.linspace(-40, 40, 200_001)
    product = norm.pdf(grid, 1, 2) * norm.pdf(grid, -2, 1)
    one, other = (torch.tensor([[m], [np.log(v)]]) for m, v in ((1.0, 4.0), (-2.0, 1.0)))
    assert_allclose(merge(one, other)[0].item(), np.average(grid, weights=product), rtol=1e-6)


def test_the_divergence_is_that_of_torch():
    rng = np.random.default_rng(3)
    one, other = torch.from_numpy(rng.normal(size=(2, 2, 5, 3)))
    pair = (torch.distributions.Normal(mean, (0.5 * log).exp()) for mean, log in (one, other))
    torch.testing.assert_close(divergence(one, other), torch.distributions.kl_divergence(*pair))


def test_the_readouts_are_the_bound_and_its_parts_by_hand(x, fitted):
    assert fitted.net_.latent_dims == (4, 2)
    noises = fitted.stream("read-outs").standard_normal((3, 1, 6))
    draws = [costs_by_hand(fitted.net_, x, noise) for noise in noises]
    nll, kl_1, kl_2, _ = (np.mean(each, axis=0) for each in zip(*draws, strict=True))
    assert_allclose(fitted.score(x), nll + kl_1 + kl_2, rtol=1e-4)
    assert_allclose(fitted.score(x, "kl"), kl_1 + kl_2, rtol=1e-4)
    assert_allclose(fitted.score(x, "kl-top"), kl_2, rtol=1e-3, atol=1e-5)
    assert_allclose(fitted.score(x, "kl-bottom"), kl_1, rtol=1e-3, atol=1e-5)
    restored = costs_by_hand(fitted.net_, x, np.zeros(6))[3]
    assert_allclose(fitted.reconstruct(x), restored, rtol=1e-3, atol=1e-5)
    assert_allclose(fitted.score(x, "reconstruction"), ((x - restored) ** 2).mean(1), rtol=1e-3)


def test_the_weight_of_the_divergence_rises_to_one_and_is_that_of_the_loss(x):
    detector = LadderVAE(epochs=20, warm_up=0.2, latent_dim=4)
    net = detector._network((6,))
    (phase,), rows = detector._phases(), torch.from_numpy(x).float()
    noise = np.random.default_rng(0).standard_normal((60, 6)).astype(np.float32)
    nll, kl_1, kl_2, _ = costs_by_hand(net, x, noise)
    for epoch, beta in ((0, 0), (1, 0.25), (3, 0.75), (4, 1), (20, 1)):
        detector._renew(net, rows, phase, epoch)
        losses = detector._losses(net, rows, torch.from_numpy(noise)).detach()
        assert_allclose(losses, nll + beta * (kl_1 + kl_2), rtol=1e-4)
    for settings in ({"warm_up": 0.0}, {"epochs": 0}):
        other = LadderVAE(**settings)
        other._renew(net, rows, other._phases()[0], 0)
        assert net.beta == 1


def test_every_step_of_training_has_the_weight_of_its_epoch_and_is_judged_by_the_whole_bound(x):
    class Held(LadderVAE):
        weight = 0.0

        def _renew(self, net, x, phase, epoch):
            net.beta.fill_(self.weight)

    class Whole(Held):
        weight = 1.0

    resting = {"epochs": 24, "latent_dim": 4, "learning_rate": 1e-30}  # same noise, same weights
    warmed, without, whole = (
        cls(warm_up=0.75, **resting).fit(x) for cls in (LadderVAE, Held, Whole)
    )
    shares = (warmed.losses_ - without.losses_) / (whole.losses_ - without.losses_)
    assert_allclose(shares, np.minimum(1, np.arange(24) / 18), atol=1e-3)
    validation = warmed.curves_["validation"]
    assert_allclose(validation, validation[0], rtol=1e-6)
    rows, noise, weight = torch.from_numpy(x).float(), torch.zeros(60, 6), torch.full((60,), 1 / 60)
    judged = warmed._phases()[0].judge(without.net_, rows, weight, noise)
    assert judged == trimmed_mean_of(whole._losses)(whole.net_, rows, weight, noise)


def test_one_layer_is_a_vae_and_units_of_further_layers_halve(x):
    single = LadderVAE(layers=1, epochs=1).fit(x)
    assert_allclose(single.score(x, "kl"), single.score(x, "kl-bottom"))
    assert_allclose(single.score(x, "kl"), single.score(x, "kl-top"))
    deep = LadderVAE(layers=4, latent_dim=5, epochs=1).fit(x)
    assert deep.net_.latent_dims == (5, 2, 1, 1)
    assert deep.encode(x).shape == (60, 9)
    assert len(deep.active_units_) == 4


def test_a_map_of_the_bound_is_its_gradient(x, fitted):
    step = 1e-3 * np.eye(6)[2]
    slope = (fitted.score(x[:5] + step) - fitted.score(x[:5] - step)) / 2e-3
    assert_allclose(fitted.localize(x[:5])[:, 2], np.abs(slope), rtol=0.05, atol=0.02)


def test_images_score_by_every_readout():
    images = np.random.default_rng(0).normal(size=(40, 1, 8, 8)).astype(np.float32)
    detector = LadderVAE(epochs=1, n_draws=2).fit(images)
    assert detector.reconstruct(images).shape == images.shape
    for readout in detector.readouts:
        assert np.isfinite(detector.score(images, readout)).all()


def test_a_collapsed_model_has_no_active_unit_and_says_so(x):
    detector = LadderVAE(epochs=1).fit(x)
    assert detector.diagnostics_["active_units"] == sum(detector.active_units_) > 0
    assert not detector.remark_
    for each in detector.net_.heads.parameters():
        torch.nn.init.zeros_(each)  # the top layer is its prior
    torch.nn.init.constant_(detector.net_.heads[0].bias, 99)
    with torch.no_grad():
        detector.net_.heads[0].bias[: len(detector.net_.heads[0].bias) // 2] = 0  # no precision
    for each in detector.net_.downs.parameters():
        torch.nn.init.zeros_(each)
    detector._conclude(x)
    assert detector.active_units_ == (0, 0)
    with pytest.warns(UserWarning, match="none of the 4 latent units is active"):
        detector.score(x)
