"""Networks for images: every size is halved down and restored, and scores depend on no company."""

import numpy as np
import pytest
import torch
from torch import nn

from detectors.deep.autoencoders.autoencoder import Autoencoder
from detectors.networks.images import BatchNorm, at_once, decoder, encoder, take_statistics


@pytest.mark.parametrize(
    "shape",
    [(1, 4, 3), (1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 33, 50), (3, 64, 64), (3, 128, 96)],
)
def test_a_decoder_restores_the_shape_that_its_encoder_took(shape):
    codes = encoder(shape, None, 7)(torch.zeros(2, *shape))
    assert codes.shape == (2, 7)
    assert decoder(7, None, shape)(codes).shape == (2, *shape)


def test_up_to_32_pixels_it_is_the_lenet_of_deep_svdd():
    for shape, channels in {(1, 28, 28): [8, 4], (3, 32, 32): [32, 64, 128]}.items():
        layers = [each for each in encoder(shape, None, 32) if isinstance(each, nn.Conv2d)]
        assert [each.out_channels for each in layers] == channels
        assert {each.kernel_size for each in layers} == {(5, 5)}


def test_without_biases_an_image_of_zeros_has_a_code_of_zeros():
    assert (encoder((1, 28, 28), None, 3, bias=False)(torch.zeros(1, 1, 28, 28)) == 0).all()
    assert (encoder((5,), (4,), 3, bias=False)(torch.zeros(1, 5)) == 0).all()


def with_torchs_norms(net):
    """Return the same layers with torch's batch normalisation."""
    layers = []
    for layer in net:
        if isinstance(layer, BatchNorm):
            layer = nn.BatchNorm2d(len(layer.mean), eps=1e-4, momentum=None, affine=False)
        layers.append(layer)
    return nn.Sequential(*layers)


def test_batch_normalisation_is_torchs_with_the_statistics_of_all_training_rows():
    x = torch.randn(2100, 1, 9, 9)
    net = encoder((1, 9, 9), None, 3, bias=False, normalise=True)
    reference = with_torchs_norms(net)
    with torch.no_grad():
        for rows in (x[:700], x[700:1400], x[1400:]):
            torch.testing.assert_close(net(rows), reference(rows))
        take_statistics(net, x)
        torch.testing.assert_close(net.eval()(x[:5]), reference.eval()(x[:5]), rtol=1e-4, atol=1e-5)


def test_images_train_seed_by_seed_as_alone_and_score_alike_in_any_company():
    x = np.random.default_rng(0).normal(size=(60, 1, 8, 8)).astype(np.float32)
    together = [Autoencoder(seed=seed, epochs=2) for seed in (0, 3)]
    assert Autoencoder.fit_together(together, [x, x]) == [None, None]
    alone = Autoencoder(seed=3, epochs=2).fit(x)
    scores = alone.score(x)
    assert np.array_equal(together[1].score(x), scores)
    order = np.random.default_rng(1).permutation(60)
    assert np.array_equal(alone.score(x[order]), scores[order])
    assert np.array_equal([alone.score(row[None])[0] for row in x[:9]], scores[:9])


def test_training_lowers_the_loss_of_images_and_moves_every_parameter():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(90, 2)) @ rng.normal(size=(2, 256))).reshape(90, 1, 16, 16)
    untrained, trained = Autoencoder(epochs=0).fit(x), Autoencoder(epochs=40).fit(x)
    assert trained.losses_[-1] < 0.7 * trained.losses_[0]
    before = dict(untrained.net_.named_parameters())
    for name, parameter in trained.net_.named_parameters():
        assert (parameter != before[name]).any(), name


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        *(((30,), 128), ((10**6,), 128), ((1, 28, 28), 128), ((3, 128, 128), 128)),
        *(((3, 256, 256), 32), ((1, 256, 256), 96), ((3, 4000, 4000), 1)),
    ],
)
def test_of_large_images_fewer_are_computed_at_once(shape, expected):
    assert at_once(128, shape) == expected
