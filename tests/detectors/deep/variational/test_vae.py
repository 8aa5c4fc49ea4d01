"""The VAE: its loss, its decoders and its read-outs against independent computations."""

import copy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import mahalanobis
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal, norm

from detectors import Unsupported, make
from detectors.deep.variational.vae import VAE
from detectors.networks.likelihoods import VARIANCE_FLOOR

DECODERS = ("gaussian", "gaussian-fixed", "gaussian-sample", "bernoulli")


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    return rng.standard_normal((60, 2)) @ rng.standard_normal((2, 6)) + 0.2 * rng.standard_normal(
        (60, 6)
    )


@pytest.fixture(scope="module")
def fitted(x):
    return VAE(epochs=40, seed=2).fit(x)


def as_read(detector, **settings):
    """Return the same fitted model, read with other settings."""
    other = VAE(**settings)
    vars(other).update({k: v for k, v in vars(detector).items() if k.endswith("_")})
    return other


def spread_of(detector):
    """Return the learned standard deviations (d,) of a model with one variance a feature."""
    with torch.no_grad():
        outputs = detector.net_.decode(torch.zeros(1, detector.net_.latent_dim))
        return detector.net_.likelihood.parameters_of(outputs)[1].sqrt().numpy()


def posterior_of(detector, x):
    """Return mu and sigma, (n, k) each, in float32."""
    with torch.no_grad():
        mean, log_variance = detector.net_.posterior(torch.from_numpy(x).float())
    return mean.numpy(), np.exp(0.5 * log_variance.numpy())


def decoded(detector, z):
    """Return the decoder's outputs (n, width * d)."""
    with torch.no_grad():
        return detector.net_.decode(torch.as_tensor(z).float()).numpy().astype(np.float64)


def draws_of(detector):
    return detector.stream("read-outs").standard_normal((detector.n_draws, 1, 3))


def log_densities(detector, x):
    """Return log p(x|z_l) and z_l of every draw, by scipy; one variance a feature."""
    mean, scale = posterior_of(detector, x)
    z = mean + scale * draws_of(detector)
    spread = spread_of(detector)
    densities = [norm.logpdf(x, decoded(detector, each), spread).sum(axis=1) for each in z]
    return np.array(densities), z


def test_the_loss_sums_both_terms_over_features_and_latent_units(x, fitted):
    rows = torch.from_numpy(x).float()
    noise = torch.from_numpy(fitted._noise(fitted.net_, np.random.default_rng(0), len(x)))
    mean, scale = posterior_of(fitted, x)
    kl = 0.5 * (mean**2 + scale**2 - 1 - 2 * np.log(scale)).sum(axis=1)
    restored = decoded(fitted, mean + scale * noise.numpy())
    nll = -norm.logpdf(x, restored, spread_of(fitted)).sum(axis=1)
    for settings, expected in (
        ({}, nll + kl),
        ({"beta": 4.0}, nll + 4 * kl),
        ({"averaged": True}, nll / 6 + kl),
    ):
        with torch.no_grad():
            losses = VAE(**settings)._losses(fitted.net_, rows, noise).numpy()
        assert_allclose(losses, expected, rtol=1e-4, atol=1e-4)


def test_the_reconstruction_probabilities_are_what_their_names_say(x, fitted):
    logs, z = log_densities(fitted, x)
    mean_decoding = np.mean([decoded(fitted, each) for each in z], axis=0)
    expected = {
        "reconstruction-probability": -logs.mean(axis=0),
        "log-mean-probability": -(logsumexp(logs, axis=0) - np.log(len(logs))),
        "mean-decoding-probability": -norm.logpdf(x, mean_decoding, spread_of(fitted)).sum(axis=1),
    }
    for readout, scores in expected.items():
        assert_allclose(fitted.score(x, readout), scores, rtol=1e-4, atol=1e-4)


def means_of_decodings(detector, x):
    _, z = log_densities(detector, x)
    return np.array([decoded(detector, each) for each in z])


def test_a_density_of_unit_variance_orders_samples_as_the_squared_error_does(x, fitted):
    mean = means_of_decodings(fitted, x).mean(axis=0)
    scores = fitted.score(x, "unit-variance-probability")
    assert_allclose(scores, -norm.logpdf(x, mean).sum(axis=1), rtol=1e-5)
    assert_array_equal(scores.argsort(), ((x - mean) ** 2).sum(axis=1).argsort())


@pytest.mark.parametrize("n_draws", [3, 32])  # fewer and more than features
def test_the_density_of_sample_covariance_is_that_of_the_regularised_covariance(x, fitted, n_draws):
    model = as_read(fitted, n_draws=n_draws)
    draws = means_of_decodings(model, x)
    expected = [
        -multivariate_normal(
            draws[:, i].mean(axis=0), np.cov(draws[:, i].T) + VARIANCE_FLOOR * np.eye(6)
        ).logpdf(row)
        for i, row in enumerate(x)
    ]
    assert_allclose(model.score(x, "sample-covariance-probability"), expected, rtol=1e-3)


def test_a_sample_covariance_of_one_draw_is_refused(x, fitted):
    with pytest.raises(Unsupported, match="needs an n_draws of at least 2"):
        as_read(fitted, n_draws=1).score(x, "sample-covariance-probability")


def test_the_importance_weights_are_the_ratio_of_the_joint_to_the_posterior(x, fitted):
    logs, z = log_densities(fitted, x)
    mean, scale = posterior_of(fitted, x)
    log_ratio = (norm.logpdf(z) - norm.logpdf(z, mean, scale)).sum(axis=-1)
    expected = -(logsumexp(logs + log_ratio, axis=0) - np.log(len(logs)))
    assert_allclose(fitted.score(x, "importance-weighted"), expected, rtol=1e-4, atol=1e-4)


def test_the_importance_weighted_bound_tightens_with_draws_and_exceeds_the_elbo(x, fitted):
    def bounds(readout, n_draws):  # means over the samples, for 150 sets of draws
        models = [as_read(fitted, n_draws=n_draws, seed=seed) for seed in range(150)]
        return np.array([-model.score(x, readout).mean() for model in models])

    levels = [bounds("elbo", 1), *(bounds("importance-weighted", n) for n in (1, 5, 25))]
    errors = [level.std() / np.sqrt(150) for level in levels]
    means = [level.mean() for level in levels]
    assert abs(means[0] - means[1]) < 4 * np.hypot(errors[0], errors[1])  # one draw is the ELBO
    for i in (1, 2):
        assert means[i + 1] > means[i] + 2 * np.hypot(errors[i], errors[i + 1])


def linear(x, **settings):
    """Return a linear VAE, trained until it is factor analysis."""
    return VAE(hidden=(), latent_dim=2, epochs=150, patience=150, **settings).fit(x)


def test_the_likelihood_of_a_linear_vae_is_that_of_factor_analysis():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((300, 2)) @ rng.standard_normal((2, 5)) + rng.standard_normal((300, 5))
    model = as_read(linear(x), n_draws=2000, n_prior_draws=200_000)
    loadings = decoded(model, np.eye(2)) - decoded(model, np.zeros((1, 2)))
    covariance = loadings.T @ loadings + np.diag(spread_of(model) ** 2)
    exact = -multivariate_normal(decoded(model, np.zeros(2)[None])[0], covariance).logpdf(x)
    assert_allclose(model.score(x[:50], "importance-weighted"), exact[:50], atol=0.05)
    assert_allclose(model.score(x[:50], "prior-likelihood"), exact[:50], atol=0.15)
    assert (model.score(x, "elbo") > exact - 0.05).all()
    assert (model.score(x, "elbo") - exact).mean() < 0.2  # the posterior is in the family


def test_jacodeco_adds_the_volume_of_the_decoder_at_the_code(x, fitted):
    z, _ = posterior_of(fitted, x[:5])
    score = -norm.logpdf(x[:5], decoded(fitted, z), spread_of(fitted)).sum(axis=1)
    score -= norm.logpdf(z).sum(axis=1)
    net, step = copy.deepcopy(fitted.net_).double(), 1e-6 * torch.eye(3, dtype=torch.float64)
    for i, code in enumerate(torch.from_numpy(z)):
        with torch.no_grad():
            jacobian = (net.decode(code + step) - net.decode(code - step)).numpy() / 2e-6
        score[i] += np.linalg.slogdet(jacobian @ jacobian.T)[1]
    assert_allclose(fitted.score(x[:5], "jacodeco"), score, atol=1e-3)


def test_mahalanobis_is_the_distance_of_the_codes_to_their_centre(x, fitted):
    codes = fitted.encode(x)
    inverse = np.linalg.inv(np.cov(codes.T, ddof=0))
    expected = [mahalanobis(code, codes.mean(axis=0), inverse) ** 2 for code in codes]
    assert_allclose(fitted.score(x, "mahalanobis"), expected, rtol=1e-2)


@pytest.mark.parametrize("readout", ["symmetric-kl", "fisher-rao"])
def test_the_nearest_posteriors_are_those_of_training_samples(x, fitted, readout):
    assert_allclose(fitted.score(x, readout), 0, atol=1e-6)  # itself
    second = as_read(fitted, n_neighbors=2).score(x, readout)
    assert (second > 0).all()
    assert (as_read(fitted, n_neighbors=60).score(x, readout) > second).all()
    with pytest.raises(Unsupported, match="n_neighbors = 61 needs as many training samples, there"):
        as_read(fitted, n_neighbors=61).score(x, readout)


def test_the_wasserstein_score_is_the_median_over_the_posteriors_of_training_samples(x, fitted):
    mean, scale = posterior_of(fitted, x)
    both = np.c_[mean, scale].astype(float)
    squares = ((both[:, None] - both) ** 2).sum(axis=-1)
    lower_median = np.sort(squares, axis=1)[:, 29]
    assert_allclose(fitted.score(x, "wasserstein"), lower_median, rtol=1e-4, atol=1e-6)


def test_at_most_2000_posteriors_are_kept_and_drawn_by_the_seed():
    x = np.random.default_rng(0).standard_normal((2500, 3))
    kept = [VAE(epochs=0, seed=seed).fit(x).references_ for seed in (0, 0, 1)]
    assert [len(each) for each in kept] == [2000] * 3
    assert_array_equal(kept[0], kept[1])
    assert (kept[0] != kept[2]).any()


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_trains_and_scores_vectors_and_images_on_every_read_out(x, decoder):
    squashed = expit(3 * x)
    for samples in (squashed, squashed[:, :, None, None] * np.ones((4, 4))):
        untrained = VAE(decoder=decoder, epochs=0).fit(samples)
        model = VAE(decoder=decoder, epochs=10).fit(samples)
        before = dict(untrained.net_.named_parameters())
        assert all((each != before[name]).any() for name, each in model.net_.named_parameters())
        assert model.losses_[-1] < model.losses_[0]
        for readout in VAE.readouts:
            scores = model.score(samples, readout)
            assert np.isfinite(scores).all()
            assert_array_equal(model.score(samples[:7], readout), scores[:7])


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_likelihood_of_pairs_is_that_of_each(x, decoder):
    model = VAE(decoder=decoder, epochs=2, n_prior_draws=9).fit(expit(x))
    likelihood, rows = model.net_.likelihood, torch.from_numpy(expit(x))
    outputs = torch.from_numpy(decoded(model, np.random.default_rng(0).normal(size=(9, 3))))
    with torch.no_grad():
        each = torch.stack([likelihood.nll(rows, one) for one in outputs], dim=1)
        assert_allclose(likelihood.nll_of_pairs(rows, outputs), each, rtol=1e-10)
        at = likelihood.nll_at(rows[:9], *likelihood.parameters_of(outputs))
        assert_allclose(at, likelihood.nll(rows[:9], outputs), rtol=1e-10)


def test_a_bernoulli_decoder_refuses_what_lies_outside_0_and_1(x):
    inside = expit(x)
    model = make("vae-bernoulli", epochs=1)
    with pytest.raises(
        Unsupported, match=r"takes values in \[0, 1\], these are in \[-.*\]; divide"
    ):
        model.fit(x)
    model.fit(inside)
    with pytest.raises(Unsupported, match=r"these are in \[.*, 2\]"):
        model.score(np.full((1, 6), 2.0))
    assert np.isfinite(model.score(np.c_[inside[:, :5], np.full(60, 1 + 1e-9)])).all()


def test_the_variance_of_a_sample_follows_the_code():
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((400, 1))
    x = np.c_[factor, factor, 0.1 * np.exp(factor) * rng.standard_normal((400, 3))]
    sample, shared = (
        VAE(decoder=name, epochs=40).fit(x).losses_[-1] for name in ("gaussian-sample", "gaussian")
    )
    assert sample < shared - 0.5


def test_codes_are_posterior_means_and_on_demand_their_scales(x, fitted):
    mean, scale = posterior_of(fitted, x)
    both = as_read(fitted, codes="mean-and-scale").encode(x)
    assert_array_equal(fitted.encode(x), both[:, :3])
    assert_allclose(both, np.c_[mean, np.log(scale)], rtol=1e-5, atol=1e-5)
    assert make("vae+knn", epochs=1, codes="mean-and-scale").fit(x).score(x).shape == (60,)


def test_the_bound_is_the_reconstruction_probability_plus_the_divergence(x, fitted):
    parts = fitted.score(x, "reconstruction-probability") + fitted.score(x, "kl")
    assert_allclose(fitted.score(x, "elbo"), parts, rtol=1e-12)
    assert (fitted.score(x, "kl") > 0).all()


def test_reconstruction_decodes_the_posterior_mean_which_is_the_code(x, fitted):
    restored = decoded(fitted, fitted.encode(x))
    assert_allclose(
        fitted.score(x, "reconstruction"), ((x - restored) ** 2).mean(axis=1), rtol=1e-5
    )


def test_a_score_that_samples_is_the_same_each_time_and_close_under_other_draws(x, fitted):
    first = fitted.score(x, "elbo")
    assert_array_equal(fitted.score(x, "elbo"), first)
    many = VAE(epochs=40, seed=2, n_draws=2000).fit(x).score(x, "elbo")
    assert (first != many).all()
    assert np.corrcoef(first, many)[0, 1] > 0.95


def test_the_learned_variance_approaches_that_of_the_noise():
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((600, 1))
    x = factor @ np.ones((1, 6)) + [0.2, 0.2, 0.2, 0.6, 0.6, 0.6] * rng.standard_normal((600, 6))
    assert_allclose(spread_of(VAE().fit(x)), [0.2, 0.2, 0.2, 0.6, 0.6, 0.6], rtol=0.25)


def test_the_variance_of_a_constant_feature_stays_above_its_floor():
    x = np.c_[np.random.default_rng(0).standard_normal((60, 3)), np.zeros(60)]
    detector = VAE().fit(x)
    variance = spread_of(detector) ** 2
    assert VARIANCE_FLOOR <= variance[3] < 0.3 < variance[:3].min()
    shifted = x + np.array([0, 0, 0, 1])
    assert (detector.score(shifted, "elbo") > detector.score(x, "elbo")).all()


def test_far_samples_have_finite_scores(x, fitted):
    for readout in VAE.readouts:
        scores = fitted.score(1e4 * x, readout)
        assert np.isfinite(scores).all()
        assert scores.min() > fitted.score(x, readout).max()


def test_a_healthy_model_counts_its_active_units_without_a_word(x, fitted):
    active = (fitted.encode(x).var(axis=0) > 0.01).sum()
    assert fitted.remark_ == ""
    assert active >= 2  # two factors made the samples
    assert fitted.diagnostics_["active_units"] == active
    assert fitted.diagnostics_["latent_units"] == 3


def test_a_row_far_from_all_others_does_not_end_the_training_when_it_is_held_out(x):
    detector = VAE(epochs=60, patience=20)
    far = x.copy()
    held = detector.stream("validation split").permutation(60)[0]
    far[held] = 30 * np.array([1, -1, 1, -1, 1, -1])
    assert detector.fit(far).epochs_ == 60


def test_the_averaged_recipe_collapses_where_the_sums_do_not_and_says_so():
    rng = np.random.default_rng(0)
    strokes = rng.standard_normal((5, 784)) * (rng.random((5, 784)) < 0.2)
    x = rng.standard_normal((300, 5)) @ strokes + 0.3 * rng.standard_normal((300, 784))
    settings = {"hidden": (64,), "latent_dim": 8, "epochs": 30}
    healthy = make("vae", **settings).fit(x)
    assert healthy.diagnostics_["active_units"] >= 5
    averaged = make("vae-averaged", **settings).fit(x)
    assert averaged.diagnostics_["active_units"] == 0
    with pytest.warns(UserWarning, match="none of the 8 latent units is active"):
        scores = averaged.score(x)
    distances = ((x - x.mean(axis=0)) ** 2).mean(axis=1)
    assert np.corrcoef(scores, distances)[0, 1] > 0.99


def test_maps_are_gradients_by_finite_differences(x, fitted):
    """And those of the bound are the same read draw by draw."""
    some, step = x[:4], 1e-2
    for readout in ("elbo", "kl", "mahalanobis"):
        expected = np.empty_like(some)
        for j in range(some.shape[1]):
            moved = step * np.eye(some.shape[1])[j]
            high, low = (fitted.score(some + sign * moved, readout) for sign in (1, -1))
            expected[:, j] = np.abs(high - low) / (2 * step)
        found = fitted.localize(some, readout)
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99, readout


def test_the_combined_map_is_the_error_times_the_gradient_of_the_divergence(x, fitted):
    errors = np.sqrt(fitted.localize(x, "reconstruction"))
    expected = errors * fitted.localize(x, "kl")
    assert_allclose(fitted.localize(x, "reconstruction-kl"), expected, rtol=1e-6)
    assert_allclose(fitted.score(x, "reconstruction-kl"), expected.mean(axis=1), rtol=1e-6)
    assert_allclose(
        fitted.reconstruct(x),
        fitted.net_.restore(fitted.net_.posterior(torch.tensor(x).float())[0]).detach().numpy(),
        atol=1e-5,
    )
