"""What is done once in the fork server is not done, or billed, in every child."""

from __future__ import annotations

import bench as harness


def test_no_row_is_billed_for_the_compiler(bench, tmp_path):
    run = bench("run", "--detectors", "pyod:ABOD", "--datasets", "wine", "--seeds", 2,
                "--results", tmp_path)  # fmt: skip
    assert run.wait() == 0
    first, second = harness.rows(tmp_path).sort_values("seed")["fit_seconds"]
    assert first < 20 * second  # compiling takes 200 times as long as a fit


OWN_LOOP = """
import numpy as np
import torch

from detectors import Detector


class Own(Detector):
    def work(self):
        weight = torch.ones(3, requires_grad=True)
        weight.grad = torch.ones(3)
        optimizer = torch.optim.Adam([weight])
        for _ in range(500):
            optimizer.step()

    def _fit(self, x):
        self.work()

    def _score(self, x, readout):
        self.work()
        return np.arange(len(x), dtype=float)
"""


def test_a_users_own_training_loop_is_not_billed_for_what_torch_imports(bench, tmp_path):
    (tmp_path / "own.py").write_text(OWN_LOOP)
    run = bench("run", "--detectors", f"{tmp_path}/own.py:Own", "--datasets", "wine", "--seeds", 1,
                "--results", tmp_path / "results")  # fmt: skip
    assert run.wait() == 0, run.stderr
    (row,) = harness.rows(tmp_path / "results").to_dict("records")
    assert row["fit_seconds"] < 5 * row["score_us"] * row["n_test"] / 1e6  # the same work
