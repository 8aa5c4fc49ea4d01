"""Every deep model takes images: by convolutions where it has them, otherwise as pixels."""

import numpy as np
import pytest
import torch

from detectors import Unsupported, make
from detectors.factory import load_class, make_model
from detectors.registry import TABLE, find
from detectors.spec import parse
from tests.helpers.quick import QUICK

DEEP = [name for name in TABLE if find(name).takes_epochs]
VAES = [name for name in DEEP if find(name).target == find("vae").target]
FEW = QUICK | {name: {"n_draws": 3, "n_prior_draws": 9} for name in VAES}


def images(n, seed=0):
    """Smooth images (n, 1, 8, 8) in [0, 1] of two factors; the last five are noise."""
    rng = np.random.default_rng(seed)
    grid = np.arange(8) / 8
    waves = np.sin(2 * np.pi * (grid[:, None] + rng.random((n, 1, 1)))) * rng.random((n, 1, 1))
    x = 0.5 + 0.4 * waves * np.cos(2 * np.pi * grid)
    x[-5:] = rng.random((5, 8, 8))
    return x[:, None].astype(np.float32)


@pytest.mark.parametrize("name", DEEP)
def test_a_deep_model_scores_images_alike_in_any_company_and_on_every_call(name):
    train, test = images(64)[:48], images(24, seed=1)
    model = make_model(parse(name), epochs=2, **FEW.get(name, {})).fit(train)
    order = np.random.default_rng(0).permutation(24)
    for readout in find(name).readouts or (None,):
        scores = model.score(test, readout)
        assert scores.shape == (24,)
        assert np.isfinite(scores).all()
        assert np.array_equal(model.score(test[order], readout), scores[order])
    if find(name).encodes:
        codes = model.encode(test)
        assert codes.ndim == 2
        assert np.array_equal(model.encode(test[order]), codes[order])


@pytest.mark.parametrize("name", DEEP)
def test_images_of_another_size_are_refused(name):
    model = make(name, epochs=0).fit(images(32))
    with pytest.raises(Unsupported, match=r"shape \(1, 7, 8\), training samples had \(1, 8, 8\)"):
        model.score(images(6)[:, :, 1:])


DENSE = {"cae", "oc-nn"}
CONVOLUTIONAL = [n for n in DEEP if load_class(find(n).target).takes_images and n not in DENSE]


@pytest.mark.parametrize("name", [n for n in CONVOLUTIONAL if not find(n).images_only])
def test_convolutions_and_flattened_pixels_are_different_models(name):
    model, flat = (
        make_model(parse(name), epochs=0, flatten=flatten).fit(images(32))
        for flatten in (False, True)
    )
    assert any(p.ndim == 4 for p in model.net_.parameters())
    assert not any(p.ndim == 4 for p in flat.net_.parameters())


def unmoved(before, after):
    """Return the names of the parameters that are the same in two models."""
    start = dict(before.net_.named_parameters())
    return [key for key, p in after.net_.named_parameters() if torch.equal(p, start[key])]


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_every_convolution_moves_and_the_loss_falls(name):
    x = images(48)
    model, before = (make_model(parse(name), epochs=epochs).fit(x) for epochs in (4, 0))
    assert unmoved(before, model) == []
    if not model._phases()[-1].is_game:
        assert model.losses_[-1] < model.losses_[0]


@pytest.mark.parametrize(
    ("name", "side"),
    [
        *(pytest.param(name, 64, marks=pytest.mark.slow) for name in CONVOLUTIONAL),
        pytest.param("ae", 128, marks=pytest.mark.slow),
        ("ae", 28),
        ("vae", 48),
    ],
)
def test_images_of_larger_sides_train(name, side):
    x = np.random.default_rng(0).random((12, 3, side, side), dtype=np.float32)
    quick = {"anogan": {"search_steps": 2}, "mae": {"rounds": 1}}.get(name, {})
    model, before = (
        make_model(parse(name), epochs=epochs, **quick).fit(x[:8]) for epochs in (1, 0)
    )
    assert unmoved(before, model) == []
    readout = "reconstruction" if "reconstruction" in model.readouts else None  # the quickest
    scores = model.score(x, readout)
    assert np.isfinite(scores).all()
    assert np.array_equal(model.score(x[3:4], readout), scores[3:4])
