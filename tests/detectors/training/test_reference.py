"""Distances to reconstructions decoded from the aggregated posterior."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist, pdist
from sklearn.metrics import roc_auc_score

from detectors import Groups, Pooled, make

RNG = np.random.default_rng(0)
CENTRES = np.array([[3.0, 0, 0], [0, 3, 0], [0, 0, 3]])


def draw(n, shares=None):
    return CENTRES[RNG.choice(3, n, p=shares)] + 0.5 * RNG.normal(size=(n, 3))


X, FAR = draw(300), RNG.normal(size=(40, 3)) * 3 - 4


@pytest.fixture(scope="module", params=["vae", "aae"])
def model(request):
    return make(f"{request.param}:reference", epochs=30, latent_dim=2).fit(X)


def references(model):
    with torch.no_grad():
        return model.model._decoded().numpy()


def test_a_sample_is_scored_by_its_nearest_reference_and_far_ones_score_higher(model):
    z = np.concatenate([draw(40), FAR])
    scores = model.score(z)
    nearest = cdist(z, references(model), "sqeuclidean").min(axis=1) / 3

    np.testing.assert_allclose(scores, nearest, rtol=1e-6, atol=1e-9)
    assert len(references(model)) == len(X)
    assert roc_auc_score(np.repeat([0, 1], 40), scores) > 0.9


def test_references_of_a_vae_are_draws_and_those_of_an_aae_are_reconstructions(model):
    restored = model.model.reconstruct(X)
    gaps = cdist(references(model), restored).min(axis=1)

    if type(model.model).__name__ == "AAE":
        assert gaps.max() < 1e-5
    else:
        assert np.median(gaps) > 1e-4


def test_a_group_is_scored_by_its_energy_distance_to_the_references(model):
    groups = [draw(5), draw(9)]
    pooled = Pooled(model=model)
    expected = [2 * cdist(x, references(model)).mean() - pdist(x).mean() for x in groups]

    np.testing.assert_allclose(pooled.score(groups), expected, rtol=1e-9)
    np.testing.assert_allclose(
        Pooled(model=model.model).score(Groups.of(groups), "reference"), expected, rtol=1e-9
    )


def test_a_group_of_ordinary_rows_in_unusual_shares_is_seen_as_a_group_only(model):
    even = [draw(30) for _ in range(20)]
    odd = [draw(30, RNG.permutation([0.8, 0.1, 0.1])) for _ in range(20)]
    labels = np.repeat([0, 1], 20)

    assert roc_auc_score(labels, Pooled(model=model).score([*even, *odd])) > 0.9
    by_row = Groups.of([*even, *odd])
    assert roc_auc_score(labels, by_row.means(model.score(by_row.rows))) < 0.8
