"""ICL: its pairs and its loss against loops."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from detectors import Unsupported, make
from detectors.deep.icl import ICL, contrastive_losses, window_size


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


def test_the_score_is_the_loss_of_the_sample():
    x = np.random.default_rng(0).standard_normal((40, 6))
    detector = ICL(epochs=3).fit(x)
    rows = torch.from_numpy(x).float()
    with torch.no_grad():
        losses = detector._losses(detector.net_, rows, torch.empty(40, 0)).numpy()
    assert_allclose(detector.score(x), losses, rtol=1e-4)


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
