"""The targets of the Makefile, as make would run them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from bench.plan.suite import read, select
from detectors.spec import parse


def commands(*given):
    """Return the commands that make would run, without running them."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    found = subprocess.run(
        ("make", "-n", *given), cwd=Path(__file__).parents[1], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return [line.split("bench ", 1)[1].split() for line in found.stdout.splitlines()
            if "/bench " in line]  # fmt: skip


def test_the_default_suite_comes_with_boards_of_images_and_pixels_and_is_the_last_run():
    run, board, audit, last = commands("bench")
    assert (run[:2], board[:2]) == (["run", "textures"], ["board", "textures"])
    assert board[-2:] == ["--metric", "aupro"]
    given = dict(zip(run[2::2], run[3::2], strict=True))
    part = select(read("textures"), given["--detectors"].split(","), given["--datasets"].split(","))
    assert part.pixels
    assert {"deep", "shallow", "control"} == {parse(one.spec).family for one in part.detectors}
    assert audit[:3] == ["data", "audit", "default"]
    assert last[:2] == ["run", "default"]


def test_any_other_suite_runs_alone():
    assert [command[:2] for command in commands("bench", "SUITE=smoke")] == [["run", "smoke"]]
