"""Every deep method, besides the contract: it trains, and its seeds train as they do alone."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from detectors.factory import load_class, make_model
from detectors.networks.autoregressive import RowwiseLinear
from detectors.registry import TABLE, find
from detectors.spec import parse
from detectors.training.base import DeepDetector

METHODS = {name: load_class(find(name).target) for name in TABLE if find(name).family == "deep"}
METHODS = {name: cls for name, cls in METHODS.items() if issubclass(cls, DeepDetector)}
GAMES = {name for name in METHODS if make_model(parse(name))._phases()[-1].is_game}
QUICK = {
    "anogan": {"search_steps": 5},
    "dte-c": {"hidden": (32, 32), "batch_size": 16, "learning_rate": 3e-3},
    "goad": {"n_transforms": 8},
}
SHARES_LEFT = {  # of the loss: what they separate overlaps; pixels between 0 and 1 have entropy
    "dte-c": 0.95,
    "lunar": 0.95,
    "vae-bernoulli": 0.995,
}
OFFSETS = {"oc-nn", "oc-nn-pretrained"}  # their loss crosses zero
EVERY = pytest.mark.parametrize("name", METHODS)


def samples(n, d=6, seed=0):
    """Two factors and noise, in [0, 1]: something to learn."""
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((n, 2)) @ np.random.default_rng(99).standard_normal((2, d))
    return 1 / (1 + np.exp(-factors - 0.1 * rng.standard_normal((n, d))))


def samples_for(name, n, seed=0):
    """The same, as images where a method takes nothing else."""
    if find(name).images_only:
        return samples(n, 64, seed).reshape(n, 1, 8, 8)
    return samples(n, seed=seed)


def made(name, **settings):
    return make_model(parse(name), **{**QUICK.get(name, {}), **settings})


def weights(detector):
    return nn.utils.parameters_to_vector(detector.net_.parameters()).detach().numpy()


@pytest.mark.parametrize("name", sorted(set(METHODS) - GAMES))
def test_the_loss_falls(name):
    losses = made(name, epochs=60).fit(samples_for(name, 120)).losses_
    losses = losses - (losses.min() - 0.1 if name in OFFSETS else 0)
    assert losses[-5:].mean() < SHARES_LEFT.get(name, 0.9) * losses[0]


@EVERY
def test_every_parameter_moves(name):
    x = samples_for(name, 120)
    before, after = made(name, epochs=0).fit(x), made(name, epochs=10).fit(x)
    parameters = zip(before.net_.named_parameters(), after.net_.parameters(), strict=True)
    for (key, old), new in parameters:
        assert (old != new).any(), key
    masks = [each.mask for each in before.net_.modules() if isinstance(each, RowwiseLinear)]
    at_rest = sum((~mask).sum().item() for mask in masks) / before.n_parameters_
    assert (weights(before) == weights(after)).mean() < 0.01 + at_rest


@EVERY
def test_the_untrained_twin_has_the_weights_training_starts_from(name):
    x = samples_for(name, 40)
    untrained = make_model(parse(f"untrained-{name}"), **QUICK.get(name, {}), seed=3).fit(x)
    crawling = made(name, seed=3, epochs=1, learning_rate=1e-30).fit(x)
    assert_allclose(weights(untrained), weights(crawling), rtol=0, atol=1e-29)
    assert untrained.epochs_ == 0
    assert untrained.losses_.shape == (0,)
    scores = untrained.score(x)
    assert np.isfinite(scores).all()
    assert (scores != made(name, seed=3, epochs=5).fit(x).score(x)).mean() > 0.9


@EVERY
def test_seeds_trained_together_equal_each_alone_bit_for_bit(name):
    xs = [samples_for(name, n, seed=n) for n in (90, 61, 20)]
    alone = [made(name, seed=s, epochs=3).fit(x) for s, x in enumerate(xs)]
    together = [made(name, seed=s, epochs=3) for s in range(3)]
    assert METHODS[name].fit_together(together, xs) == [None] * 3
    for one, other in zip(alone, together, strict=True):
        assert_array_equal(weights(one), weights(other))
        assert_array_equal(one.losses_, other.losses_)
        assert_array_equal(one.score(xs[0]), other.score(xs[0]))


@EVERY
def test_the_registry_says_what_the_class_does(name):
    entry, cls = find(name), METHODS[name]
    assert entry.readouts == tuple(cls.readouts)
    assert entry.encodes == cls.encodes
    assert entry.trains_together == cls.trains_together
