"""The posteriors and bounds of the VAE: their order, their gradients and what is refused."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal

from detectors import Unsupported, make
from detectors.deep.variational.vae import VAE
from detectors.factory import check
from detectors.networks.posteriors.families import GAUSSIAN

REPEATS = 80


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).standard_normal((20, 5))


def linear(x, **settings):
    """Return an untrained linear-Gaussian model, whose likelihood is known."""
    return VAE(decoder="gaussian-fixed", hidden=(), latent_dim=2, epochs=0, **settings).fit(x)


def exact(model, x):
    """Return log p(x) (n,)."""
    with torch.no_grad():
        weight, bias = model.net_.decode(torch.eye(2)), model.net_.decode(torch.zeros(1, 2))
    loadings = (weight - bias).numpy()
    return multivariate_normal(bias.numpy()[0], loadings.T @ loadings + np.eye(5)).logpdf(x)


def bounds(model, x, **settings):
    """Return the bound (REPEATS,) by independent draws, as training maximises it, in the mean."""
    trained = VAE(decoder="gaussian-fixed", latent_dim=2, **settings)
    rng, net = np.random.default_rng(3), model.net_
    rows = torch.tensor(x, dtype=torch.float32)
    with torch.no_grad():
        losses = [
            trained._losses(net, rows, torch.from_numpy(trained._noise(net, rng, len(x)))).mean()
            for _ in range(REPEATS)
        ]
    return -np.array(losses, dtype=np.float64)


@pytest.mark.parametrize("posterior", ["diagonal", "planar"])
def test_the_bounds_stand_in_their_order_below_the_likelihood(x, posterior):
    model = linear(x, posterior=posterior)
    shared = {"posterior": posterior, "n_bound_draws": 8}
    levels = [
        bounds(model, x, bound="elbo", **shared),
        bounds(model, x, bound="renyi", alpha=0.8, **shared),
        bounds(model, x, bound="renyi", alpha=0.2, **shared),
        bounds(model, x, bound="iwae", **shared),
    ]
    more = bounds(model, x, bound="iwae", posterior=posterior, n_bound_draws=64)
    for low, high in pairwise(levels):
        assert low.mean() < high.mean()  # of the same draws
    errors = [each.std() / np.sqrt(REPEATS) for each in (levels[-1], more)]
    assert more.mean() > levels[-1].mean() - 4 * np.hypot(*errors)
    assert -0.3 < more.mean() - exact(model, x).mean() < 4 * errors[1]


def test_alpha_0_is_the_importance_weighted_bound_and_near_1_the_elbo(x):
    model = linear(x)
    iwae, renyi = (
        bounds(model, x, n_bound_draws=8, **each)
        for each in ({"bound": "iwae"}, {"bound": "renyi", "alpha": 0.0})
    )
    assert_allclose(renyi, iwae)
    near = bounds(model, x, bound="renyi", alpha=0.999, n_bound_draws=8)
    assert_allclose(near.mean(), bounds(model, x, n_bound_draws=8).mean(), atol=0.02)


@pytest.mark.parametrize("settings", [{"bound": "iwae"}, {"bound": "renyi", "beta": 0.7}])
def test_the_doubly_reparameterised_gradient_is_the_same_on_average_with_less_noise(x, settings):
    model = linear(x, posterior="chain")
    net, rows = model.net_, torch.tensor(x, dtype=torch.float32)
    means, errors = [], []
    for doubly in (False, True):
        trained = VAE(
            decoder="gaussian-fixed", n_bound_draws=4, doubly_reparameterised=doubly, **settings
        )
        rng, found = np.random.default_rng(0), []
        for _ in range(4 * REPEATS):
            noise = torch.from_numpy(trained._noise(net, rng, len(x)))
            loss = trained._losses(net, rows, noise).mean()
            parts = torch.autograd.grad(
                loss, [*net.encoder.parameters(), *net.decoder.parameters()]
            )
            found.append(torch.cat([part.flatten() for part in parts]).numpy())
        means.append(np.mean(found, axis=0))
        errors.append(np.std(found, axis=0) / np.sqrt(len(found)))
    deviations = np.abs(means[0] - means[1]) / np.hypot(*errors)
    assert deviations.max() < 4.5
    n = sum(each.numel() for each in net.encoder.parameters())
    assert errors[1][:n].mean() < 0.8 * errors[0][:n].mean()


@pytest.mark.parametrize(
    "posterior",
    [
        "chain",
        "planar",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("full", "radial", "iaf")),
    ],
)
def test_a_posterior_trains_and_has_every_read_out_that_is_defined(x, posterior):
    model = VAE(posterior=posterior, epochs=2, latent_dim=2, n_flows=2, n_draws=64).fit(x)
    before = dict(
        VAE(posterior=posterior, epochs=0, latent_dim=2, n_flows=2).fit(x).net_.named_parameters()
    )
    assert all((each != before[name]).any() for name, each in model.net_.named_parameters())
    for readout in VAE.readouts:
        try:
            scores = model.score(x, readout)
        except Unsupported:
            with pytest.raises(Unsupported, match=f"{readout} (needs a div|has a closed)"):
                check(f"vae:{readout}", {"posterior": posterior})
            continue
        assert np.isfinite(scores).all()
        assert_array_equal(model.score(x[:3], readout), scores[:3])
    if posterior in GAUSSIAN:
        gap = model.score(x, "kl") - model.score(x, "kl-monte-carlo")
        assert np.abs(gap).mean() < 0.5
        assert (model.score(x, "symmetric-kl") < 1e-6).all()  # itself
    assert np.isfinite(model.localize(x, "elbo")).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"doubly_reparameterised": True}, "is for the bounds 'iwae' and 'renyi', not for 'elbo'"),
        (
            {"doubly_reparameterised": True, "bound": "iwae", "posterior": "iaf"},
            "needs the density of any code: a Gaussian posterior",
        ),
        ({"codes": "mean-and-scale", "posterior": "radial"}, "needs scales in closed form"),
    ],
)
def test_settings_that_exclude_each_other_are_refused_when_they_are_made(settings, message):
    with pytest.raises(Unsupported, match=message):
        make("vae", **settings)


def test_the_signal_of_the_encoder_is_a_diagnostic_of_several_draws(x):
    assert "encoder_signal_to_noise" not in VAE(epochs=1).fit(x).diagnostics_
    plain, doubly = (
        VAE(epochs=1, bound="iwae", n_bound_draws=16, doubly_reparameterised=each).fit(x)
        for each in (False, True)
    )
    found = [each.diagnostics_["encoder_signal_to_noise"] for each in (plain, doubly)]
    assert 0 <= found[0] < found[1]
