"""Anomaly detectors, deep and shallow, with one interface.

    from detectors import make, names
    scores = make("vae+lof", latent_dim=4).fit(x_train).score(x_test)

Larger scores are more anomalous. Importing this package imports no method.
"""

from detectors.contract import Collapsed, Detector, Diverged, Unsupported
from detectors.entry import UnknownDetector
from detectors.factory import make
from detectors.grouped import Groups, Pooled
from detectors.localisation import Localizer
from detectors.registry import names

__all__ = [
    "Collapsed",
    "Detector",
    "Diverged",
    "Groups",
    "Localizer",
    "Pooled",
    "UnknownDetector",
    "Unsupported",
    "make",
    "names",
]
