"""Anomaly detectors, deep and shallow, behind one interface.

    from detectors import make, names
    scores = make("vae+lof", latent_dim=4).fit(x_train).score(x_test)

Larger scores are more anomalous. Importing this package imports no method.
"""

from detectors.contract import Collapsed, Detector, Diverged, Unsupported
from detectors.registry import UnknownDetector, make, names

__all__ = ["Collapsed", "Detector", "Diverged", "UnknownDetector", "Unsupported", "make", "names"]
