"""Deep detectors separate anomalies on real data, and better where training can help."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from detectors.deep.autoencoders.autoencoder import Autoencoder
from detectors.deep.variational.vae import VAE


def one_class(load, normal):
    """Return scaled training normals (half of them), test samples and test labels."""
    x, y = load(return_X_y=True)
    normals = np.random.default_rng(0).permutation(x[y == normal])
    half = len(normals) // 2
    scaler = StandardScaler().fit(normals[:half])
    test = np.r_[normals[half:], x[y != normal]]
    labels = np.repeat([0, 1], [len(normals) - half, (y != normal).sum()])
    return scaler.transform(normals[:half]), scaler.transform(test), labels


@pytest.fixture(scope="module", params=[(load_wine, 1), (load_digits, 1)], ids=["wine", "digits"])
def task(request):
    return one_class(*request.param)


@pytest.mark.parametrize("cls", [Autoencoder, VAE])
def test_anomalies_score_higher_and_training_helps_on_digits(cls, task):
    train, test, labels = task
    untrained, trained = cls(epochs=0).fit(train), cls().fit(train)
    for readout in [*cls.readouts][:3] or (None,):
        auroc = roc_auc_score(labels, trained.score(test, readout))
        assert auroc > 0.85
        if len(train) > 50:
            assert auroc > roc_auc_score(labels, untrained.score(test, readout)) + 0.01
