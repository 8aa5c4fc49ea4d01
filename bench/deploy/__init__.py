"""A detector in use: fitted, saved, scored with calibrated alarms, explained.

`FathomDetector` is an estimator for scikit-learn; `load` returns what `bench fit` saved.
"""

from bench.deploy.estimator import FathomDetector
from bench.deploy.saving import load

__all__ = ["FathomDetector", "load"]
