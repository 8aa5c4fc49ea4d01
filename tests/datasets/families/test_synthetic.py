"""The generated sets show what they were made to show, to detectors trained on half the normals."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from datasets import load
from datasets.families.synthetic import N_ANOMALIES, N_NORMALS, WINE_FEATURES

ADBENCH = ("local", "global", "cluster", "dependency")


def aurocs(name):
    """Return the AUROC of three scores, each a mean over five splits."""
    data = load(name)
    found = []
    for seed in range(5):
        normal = np.random.default_rng(seed).permutation(np.flatnonzero(data.y == 0))
        train, test = normal[:500], np.concatenate([normal[500:], np.flatnonzero(data.y == 1)])
        mean, std = data.x[train].mean(axis=0), data.x[train].std(axis=0)
        a, b = (data.x[train] - mean) / std, (data.x[test] - mean) / std
        scores = {
            "knn": NearestNeighbors(n_neighbors=5).fit(a).kneighbors(b)[0][:, -1],
            "lof": -LocalOutlierFactor(novelty=True).fit(a).score_samples(b),
            "max-abs-z": np.abs(b).max(axis=1),
        }
        found.append({key: roc_auc_score(data.y[test], s) for key, s in scores.items()})
    return {key: float(np.mean([one[key] for one in found])) for key in found[0]}


def test_local_anomalies_are_found_better_by_lof_than_by_extremes():
    found = aurocs("synthetic/local")

    assert found["lof"] > found["max-abs-z"] + 0.04
    assert found["lof"] < 0.95


def test_global_anomalies_are_found_by_all():
    assert min(aurocs("synthetic/global").values()) > 0.95


def test_clustered_anomalies_are_far_from_normals_but_not_perfectly():
    found = aurocs("synthetic/cluster")

    assert min(found.values()) > 0.92
    assert max(found.values()) < 0.99


def test_dependency_anomalies_cannot_be_seen_in_single_features():
    found = aurocs("synthetic/dependency")

    assert abs(found["max-abs-z"] - 0.5) < 0.05
    assert 0.85 < found["knn"] < 0.95


def test_extremes_point_the_wrong_way_on_the_annulus():
    found = aurocs("synthetic/annulus")

    assert found["max-abs-z"] < 0.05
    assert found["knn"] > 0.98


def test_the_adbench_types_share_their_normals():
    normals = [load(f"synthetic/{kind}") for kind in ADBENCH]
    rows = [np.unique(data.x[data.y == 0], axis=0) for data in normals]

    assert rows[0].shape == (N_NORMALS, len(WINE_FEATURES))
    for other in rows[1:]:
        np.testing.assert_array_equal(rows[0], other)


@pytest.mark.parametrize("kind", [*ADBENCH, "annulus"])
def test_values_have_six_decimals(kind):
    x = load(f"synthetic/{kind}").x

    np.testing.assert_array_equal(x, np.round(x, 6))


@pytest.mark.parametrize("kind", [*ADBENCH, "annulus"])
def test_rows_are_not_in_the_order_of_their_labels(kind):
    rows = np.flatnonzero(load(f"synthetic/{kind}").y)

    assert len(rows) == N_ANOMALIES
    assert rows[0] < 100
    assert rows[-1] > N_NORMALS
