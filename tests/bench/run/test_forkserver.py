"""What is done once in the fork server is not done, or billed, in every child."""

from __future__ import annotations

import bench as harness


def test_no_row_is_billed_for_the_compiler(bench, tmp_path):
    run = bench("run", "--detectors", "pyod:ABOD", "--datasets", "wine", "--seeds", 2,
                "--results", tmp_path)  # fmt: skip
    assert run.wait() == 0
    first, second = harness.rows(tmp_path).sort_values("seed")["fit_seconds"]
    assert first < 20 * second  # compiling takes 200 times as long as a fit
