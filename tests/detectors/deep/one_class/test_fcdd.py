"""Fully convolutional data description: its field, its confetti, its loss and its maps."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from detectors import Unsupported, make
from detectors.deep.one_class.fcdd import FCDD, FCDDNet, painted

RNG = np.random.default_rng(0)
IMAGES = RNG.random((40, 3, 16, 12)).astype(np.float32)


@pytest.mark.parametrize(("side", "field", "jump"), [(32, 18, 4), (160, 38, 8)])
def test_a_cell_sees_its_receptive_field_around_its_centre(side, field, jump):
    net = FCDDNet((1, side, side))
    x = torch.rand(1, 1, side, side, requires_grad=True)
    cells = net(x)
    assert (net.field, net.jump) == (field, jump)
    assert cells.shape[1:] == (side // jump, side // jump)
    (slopes,) = torch.autograd.grad(cells[0, 4, 3], x)
    seen = slopes[0, 0].nonzero()
    low, high = seen.min(0).values.tolist(), seen.max(0).values.tolist()
    centres = [jump * (k + 0.5) - 0.5 for k in (4, 3)]
    for first, last, centre in zip(low, high, centres, strict=True):
        assert centre - field / 2 <= first < centre < last <= centre + field / 2
        assert last - first > field / 2


def test_the_upsampling_is_a_weighted_mean_over_the_cells():
    net = FCDDNet((1, 16, 12))
    cells = RNG.random((2, 4, 3))
    ours = net.upsampled(torch.tensor(cells)).numpy()
    width = 12 / 62 * 18
    for row, column in [(0, 0), (7, 5), (15, 11)]:
        weights = np.array(
            [[np.exp(-((row - 4 * i - 1.5) ** 2 + (column - 4 * j - 1.5) ** 2) / 2 / width**2)
              for j in range(3)] for i in range(4)]
        )  # fmt: skip
        expected = (cells * weights).sum((1, 2)) / weights.sum()
        assert_allclose(ours[:, row, column], expected, rtol=1e-6)


def test_confetti_is_two_squares_of_one_colour_each():
    net, detector = FCDDNet((3, 28, 40)), FCDD()
    squares = torch.from_numpy(detector._noise(net, np.random.default_rng(0), 50))
    confetti = painted(torch.ones(50, 3, 28, 40), squares).numpy()
    assert confetti.shape == (50, 3, 28, 40)
    assert np.abs(confetti).max() <= 1
    for image in confetti:
        colours = {tuple(pixel) for pixel in image.reshape(3, -1).T} - {(0, 0, 0)}
        assert len(colours) in (1, 2)  # one may cover the other
        assert 1 <= (image[0] != 0).sum() <= 2 * 7**2


def test_the_loss_is_that_of_an_image_and_of_it_with_confetti():
    detector = FCDD(epochs=1).fit(IMAGES)
    net = detector.net_
    assert net.low.shape == (3, 1, 1)
    x, confetti = torch.tensor(IMAGES[:2]), torch.zeros(2, 3, 16, 12)
    confetti[0, 0, 2:5, 2:5], confetti[1, :, 9:12, 9:] = 0.5, -0.5
    squares = torch.tensor([[[3, 2, 2, 0.5, 0, 0]] * 2, [[3, 9, 9, -0.5, -0.5, -0.5]] * 2])
    spoiled = IMAGES[:2] + confetti.numpy() * (net.high - net.low).numpy()
    spoiled = np.clip(spoiled, net.low.numpy(), net.high.numpy())
    losses = []
    for image, odd in zip(IMAGES[:2], spoiled, strict=True):
        with torch.no_grad():
            outputs = [net.layers(torch.tensor(each)[None])[0, 0].numpy() for each in (image, odd)]
        normal, anomalous = (np.mean(np.sqrt(each**2 + 1) - 1) for each in outputs)
        losses.append(normal - np.log(1 - np.exp(-anomalous)))
    assert_allclose(detector._losses(net, x, squares).detach(), losses, rtol=1e-4)
    assert_allclose(detector.score(IMAGES[:1]), net(x[:1]).mean().detach().numpy(), rtol=1e-4)


def test_a_spot_stands_out_where_it_is():
    grid = np.arange(16) / 3
    phases = RNG.random((80, 2, 1, 1, 1)) * 6
    waves = np.sin(grid[:, None] + phases[:, 0]) + np.sin(grid + phases[:, 1])
    x = (0.5 + waves / 5).astype(np.float32)
    detector = make("fcdd", epochs=15).fit(x[:60])
    spoiled = x[60:].copy()
    spoiled[:, :, 3:7, 3:7] += 0.5
    assert (detector.score(spoiled) > detector.score(x[60:]).max()).mean() > 0.8
    maps = detector.localize(spoiled).mean(0)
    row, column = np.unravel_index(maps.argmax(), maps.shape)
    assert 2 <= row <= 7
    assert 2 <= column <= 7


@pytest.mark.parametrize(("x", "settings"), [(np.eye(40), {}), (IMAGES, {"flatten": True})])
def test_what_is_no_image_is_unsupported(x, settings):
    with pytest.raises(Unsupported, match="use `deep-svdd` for vectors"):
        make("fcdd", **settings).fit(x)
