"""Fit a detector on generated samples and score as many; print what that took, as JSON.

.venv/bin/python -m tests.perf.growing SPEC ROWS FEATURES
"""

from __future__ import annotations

import json
import re
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from detectors import make


def _peak_mib() -> float:
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def main(spec: str, n: int, n_features: int) -> dict[str, float]:
    """Return CPU seconds of the fit and of the scores, and the peak memory above the samples."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (5, n_features))
    x = centres[rng.integers(0, 5, n)] + rng.standard_normal((n, n_features))
    warnings.simplefilter("ignore")
    make(spec).fit(x[:100]).score(x[:100])  # imports, and what compiles
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _peak_mib()
    detector = make(spec)
    times = [time.process_time()]
    detector.fit(x)
    times.append(time.process_time())
    detector.score(x)
    times.append(time.process_time())
    fit, score = np.diff(times)
    return {"fit": fit, "score": score, "mib": _peak_mib() - before}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
