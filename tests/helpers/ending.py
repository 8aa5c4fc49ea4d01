"""Detectors that end or occupy their process; used as `tests/helpers/ending.py:CLASS`."""

import ctypes
import os
import sys
import time

import numpy as np

from tests.helpers.companions import Distances


class Leaving(Distances):
    """Ends its process politely."""

    def _fit(self, x):
        sys.exit(0)


class Hanging(Distances):
    """Never ends its fit."""

    def _fit(self, x):
        time.sleep(3600)


class Crashing(Distances):
    """Dies when it scores."""

    def _score(self, x, readout):
        ctypes.string_at(1)


class Ending(Distances):
    """Ends, hangs or fills its process, in another way for each kind of sample."""

    def _fit(self, x):
        if x.shape[1] == 1:
            os._exit(0)
        elif np.ptp(x[:, 0]) == 0 and len(x) > 1:
            ctypes.string_at(0)
        elif len(x) == 1:
            time.sleep(1800)
        elif (x == np.rint(x)).all():
            kept = []
            while True:
                kept.append(np.ones(2**20))
