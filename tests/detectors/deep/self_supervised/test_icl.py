"""ICL: its pairs and its loss against loops."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from detectors import Unsupported, make
from detectors.deep.self_supervised.icl import ICL, contrastive_losses, window_size


def test_the_contrastive_loss_separates_a_pair_from_the_crossed_ones():
    rng = np.random.default_rng(0)
    rest, window = rng.standard_normal((2, 5, 4, 3))
    expected = np.zeros(5)
    for i, j in np.ndindex(5, 4):
        similarities = [np.exp(rest[i, j] @ window[i, other] / 0.5) for other in range(4)]
        expected[i] -= np.log(similarities[j] / sum(similarities)) / 4
    found = contrastive_losses(torch.from_numpy(rest), torch.from_numpy(window), 0.5)
    assert_allclose(found.numpy(), expected)


def test_a_window_and_the_rest_of_a_sample_are_a_pair():
    x = np.arange(1.0, 7)[None]
    net = ICL(window=2, epochs=0).fit(x).net_
    shown = {}
    net.rest.register_forward_pre_hook(lambda _, given: shown.update(rest=given[0][0]))
    net.window.register_forward_pre_hook(lambda _, given: shown.update(window=given[0][0]))
    rest, window = net(torch.from_numpy(x).float())
    assert shown["window"].tolist() == [[1, 2], [2, 3], [3, 4], [4, 5], [5, 6]]
    assert shown["rest"].tolist() == [
        [3, 4, 5, 6],
        [1, 4, 5, 6],
        [1, 2, 5, 6],
        [1, 2, 3, 6],
        [1, 2, 3, 4],
    ]
    for each in (rest, window):
        assert_allclose(each.detach().norm(dim=-1).numpy(), np.ones((1, 5)), rtol=1e-5)


def encoded(encoder, x, statistics):
    """The representations of x (n, m, size) by numpy, with the statistics of each normalisation."""
    activations = [np.tanh] + [lambda h: np.where(h > 0, h, 0.2 * h)] * 2
    if len(encoder.norms) == 1:  # of the windows
        activations[0] = activations[1]
    for i, layer in enumerate(encoder.layers):
        weight, bias = (each.detach().double().numpy() for each in layer.parameters())
        x = activations[i](x @ weight + bias)
        if i < len(encoder.norms):
            norm = encoder.norms[i]
            mean, variance = statistics(norm, x)
            scale, shift = (each.detach().double().numpy() for each in norm.parameters())
            x = (x - mean) / np.sqrt(variance + 1e-5) * scale + shift
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.linalg.norm(x, axis=2, keepdims=True)


def of_the_batch(_, h):
    """One mean and one variance a window, over rows and units."""
    return h.mean(axis=(0, 2))[:, None], h.var(axis=(0, 2))[:, None]


def kept(norm, _):
    return norm.mean.numpy(), norm.variance.numpy()


def pairs(x):
    """The rests (n, m, d - 2) and windows (n, m, 2)."""
    starts = range(x.shape[1] - 1)
    rest = np.stack([np.delete(x, [j, j + 1], axis=1) for j in starts], axis=1)
    return rest, np.stack([x[:, j : j + 2] for j in starts], axis=1)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).standard_normal((40, 6))


@pytest.fixture(scope="module")
def fitted(x):
    return ICL(epochs=3).fit(x)


@pytest.mark.parametrize("of_batch", [True, False])
def test_representations_are_normalised_by_window_then_over_windows_and_units(x, fitted, of_batch):
    rest, window = pairs(x)
    weight = torch.full((40,), 1 / 40) if of_batch else None
    with torch.no_grad():
        found = fitted.net_(torch.from_numpy(x).float(), weight)
    statistics = of_the_batch if of_batch else kept
    assert_allclose(found[0], encoded(fitted.net_.rest, rest, statistics), atol=1e-5)
    assert_allclose(found[1], encoded(fitted.net_.window, window, statistics), atol=1e-5)


def test_padding_of_a_batch_does_not_count_in_its_statistics(x, fitted):
    rows = torch.from_numpy(x).float()
    weight = torch.full((40,), 1 / 30)
    weight[30:] = 0
    with torch.no_grad():
        padded, alone = fitted.net_(rows, weight)[0], fitted.net_(rows[:30], weight[:30])[0]
    assert_allclose(padded[:30], alone, atol=1e-5)


def test_the_kept_statistics_are_those_of_the_training_rows(x):
    fitted = ICL(epochs=2, validation_share=0).fit(x)
    rows = torch.from_numpy(x).float()
    with torch.no_grad():
        of_batch = fitted.net_(rows, torch.full((40,), 1 / 40))[0]
        assert_allclose(fitted.net_(rows)[0], of_batch, atol=1e-5)


def test_the_loss_of_a_window_by_its_position_falls_to_nothing():
    x = np.random.default_rng(0).standard_normal((200, 1)) @ np.ones((1, 6))  # windows are equal
    assert ICL(epochs=30).fit(x).losses_[-1] < 0.05


def test_training_stops_at_a_loss_that_is_low_enough(x):
    fitted = ICL(epochs=30, enough=0.5).fit(x)
    assert fitted.losses_[-1] < 0.5 < fitted.losses_[-2]
    assert fitted.converged_


def test_the_score_is_the_loss_of_the_sample(x, fitted):
    rest, window = pairs(x)
    found = encoded(fitted.net_.rest, rest, kept), encoded(fitted.net_.window, window, kept)
    losses = contrastive_losses(*map(torch.from_numpy, found), 0.1)
    assert_allclose(fitted.score(x), losses, rtol=1e-3)


def test_the_window_follows_the_rule_of_the_paper():
    assert [window_size(d) for d in (2, 3, 40, 41, 160, 161, 500)] == [1, 2, 2, 10, 10, 11, 350]


def test_features_that_belong_together_score_lower_than_shuffled_ones():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 2)) @ rng.standard_normal((2, 8))
    detector = ICL(epochs=30).fit(x[:200])
    shuffled = rng.permuted(x[200:], axis=0)
    assert detector.score(shuffled).mean() > detector.score(x[200:]).mean() + 0.3


def test_too_few_features_for_a_window_are_unsupported():
    with pytest.raises(Unsupported, match=r"needs 2 or more features, .*; there is 1"):
        make("icl").fit(np.ones((40, 1)))
    with pytest.raises(Unsupported, match="window = 5 leaves nothing of 5 features"):
        make("icl", window=5).fit(np.ones((40, 5)))
