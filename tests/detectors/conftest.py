"""A detector in a file of its own, as a user writes one."""

import pytest

MINE = """
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from detectors.contract import Detector, Family, Floats

IMPORTED = True


@dataclass(kw_only=True)
class Mine(Detector):
    family: ClassVar[Family] = "deep"
    readouts: ClassVar[tuple[str, ...]] = ("norm", "first")
    encodes = True

    power: Annotated[float, Gt(0)] = 2.0

    def _fit(self, x: Floats) -> None:
        self.mean_ = x.mean(axis=0)

    def _encode(self, x: Floats) -> Floats:
        return x - self.mean_

    def _score(self, x: Floats, readout: str) -> Floats:
        codes = np.abs(self._encode(x)) ** self.power
        return codes[:, 0] if readout == "first" else codes.sum(axis=1)


class NoDetector:
    pass
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path
