"""Generated groups: what a row tells, and what a group tells, in each of the sets."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from datasets import load
from datasets.grouping import labels_of_groups
from detectors import Groups, Pooled, make

NAMES = ("bags/mixture", "bags/rotated-digits", "bags/tabular")


def aurocs(name, *specs):
    """Return the AUROC of detectors over groups, after training on half of the normal groups."""
    data = load(name)
    group, labels = labels_of_groups(data)
    normals, odd = (np.flatnonzero(labels == kind) for kind in (0, 1))
    train, test = normals[::2], np.concatenate([normals[1::2], odd])
    rows = (data.x - data.x.mean(axis=0)) / np.maximum(data.x.std(axis=0), 1e-9)
    groups = Groups.of([rows[group == number] for number in range(len(labels))])
    made = {spec: make(spec) for spec in specs}
    found = {
        spec: (each if hasattr(each, "takes_groups") else Pooled(model=each))
        .fit(groups[train]).score(groups[test])
        for spec, each in made.items()
    }  # fmt: skip
    return {spec: roc_auc_score(labels[test], scores) for spec, scores in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_size_of_a_group_says_nothing_of_its_label(name):
    data = load(name)
    _, labels = labels_of_groups(data)
    sizes = np.bincount(data.bags)

    assert sizes.min() >= 15
    assert labels.sum() == len(labels) / 5
    assert abs(roc_auc_score(labels, sizes) - 0.5) < 0.07


def test_rows_of_the_mixture_are_ordinary_and_their_mixture_is_not():
    found = aurocs("bags/mixture", "knn", "gmm", "mmd", "ocsmm", "mean-embedding+knn")

    assert max(abs(found[spec] - 0.5) for spec in ("knn", "gmm")) < 0.1
    assert min(found[spec] for spec in ("mmd", "ocsmm", "mean-embedding+knn")) > 0.8


def test_no_image_is_in_two_groups_and_rows_that_are_upside_down_are_found():
    data = load("bags/rotated-digits")

    assert len(np.unique(data.x, axis=0)) == len(data.x)
    assert 0.8 < aurocs("bags/rotated-digits", "knn")["knn"] < 0.98


def test_features_of_the_tabular_groups_are_ordinary_one_by_one():
    found = aurocs("bags/tabular", "ecod", "knn")

    assert abs(found["ecod"] - 0.5) < 0.1
    assert found["knn"] > 0.9
