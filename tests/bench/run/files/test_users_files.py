"""A file of a user: errors when its class is created, and edits while a run goes on."""

from __future__ import annotations

import pytest

from bench.plan import planning
from bench.run.converse import NotRun
from tests.helpers.fault_matrix import DETECTORS


def test_an_error_in_making_or_counting_a_model_is_the_detectors_own(make_rows, tmp_path):
    file = tmp_path / "odd.py"
    file.write_text(ODD)
    made = make_rows(f"{file}:Picky", f"{file}:Counted", seeds=2)
    told = {(row.wanted.label, row.wanted.seed): row for row in made}
    assert told[f"{file}:Picky", 0].status == "ok"
    assert told[f"{file}:Picky", 1].status == "error"
    assert told[f"{file}:Picky", 1].reason == "ValueError: not this seed"
    assert "__post_init__" in told[f"{file}:Picky", 1].details["traceback"]
    assert told[f"{file}:Counted", 0].costs["parameters"] == 3


@pytest.mark.fault(
    area=DETECTORS,
    kind="file edited during the run",
    how="the file of a detector is changed after planning",
    promise="no row is stored under the old key",
)
def test_a_file_that_changes_during_the_run_makes_no_rows(make_rows, tmp_path, monkeypatch):
    file = tmp_path / "odd.py"
    file.write_text(ODD)
    monkeypatch.setattr(
        "bench.plan.planning.jobs",
        edited(planning.jobs, lambda: file.write_text(ODD.replace("3", "4"))),
    )
    with pytest.raises(NotRun, match=r"odd.py was changed during the run; run again"):
        make_rows(f"{file}:Counted")


ODD = """
from dataclasses import dataclass
import numpy as np
from detectors import Detector

@dataclass(kw_only=True)
class Counted(Detector):
    n_parameters_ = np.int64(3)
    def _fit(self, x): pass
    def _score(self, x, readout): return x[:, 0]

@dataclass(kw_only=True)
class Picky(Counted):
    def __post_init__(self):
        if self.seed == 1:
            raise ValueError("not this seed")
"""


def edited(plan_jobs, edit):
    """Return `plan_jobs` with an edit of somebody's right after the planning."""

    def jobs(*args):
        planned = plan_jobs(*args)
        edit()
        return planned

    return jobs
