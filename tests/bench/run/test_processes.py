"""The memory limit of jobs: what it applies to, and its default."""

from __future__ import annotations

import pytest

import bench as harness
from bench.run.converse import check_settings
from bench.run.processes import LEAST_MIB, default_limit_mib, most_jobs
from tests.helpers.fault_matrix import DETECTORS

IMPORTED = """
from dataclasses import dataclass
import numpy as np
from detectors import Detector

held = np.ones({mib} * 2**20 // 8)

@dataclass(kw_only=True)
class Large(Detector):
    def _fit(self, x): pass
    def _score(self, x, readout): return x[:, 0]
"""


def large(folder, name, mib):
    path = folder / f"{name}.py"
    path.write_text(IMPORTED.format(mib=mib))
    return f"{path}:Large", {}


@pytest.mark.fault(
    area=DETECTORS,
    kind="fill memory: in an import",
    how="the file of a detector holds 600 MiB when it is imported, limit 250",
    promise="the command names the detector; those which keep the limit by themselves are accepted",
)
def test_the_limit_applies_to_imports_each_by_itself(make_rows, tmp_path):
    pairs = [large(tmp_path, *each) for each in (("a", 100), ("b", 900), ("c", 100), ("d", 100))]
    with make_rows.servers.lend() as server:
        errors = [each.error for each in check_settings(server, pairs, memory_mib=500)]
    (error,) = filter(None, errors)
    assert errors[1] == error
    assert error.startswith(f"cannot create {pairs[1][0]}: used ")
    assert error.endswith(" MiB, limit 500 MiB")


def test_the_default_limit_is_that_of_jobs_which_run_at_once():
    assert default_limit_mib(1) == 8 * 1024 or default_limit_mib(1) == 2 * default_limit_mib(2)
    assert default_limit_mib(most_jobs()) >= LEAST_MIB or most_jobs() == 1


def test_more_jobs_than_there_are_rows_leave_each_its_memory(bench, tmp_path):
    suite, results = tmp_path / "suite.toml", tmp_path / "results"
    spec, _ = large(tmp_path, "large", 300)
    suite.write_text(f'datasets = ["wine"]\nseeds = 1\ndetectors = ["{spec}"]\n')
    assert bench("run", suite, "--results", results, "--jobs", 1000).wait() == 0
    assert harness.rows(results).status.tolist() == ["ok"]
