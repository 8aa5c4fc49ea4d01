"""The working folder of a user may have files of any name, and detectors beside their helpers."""

import os
import subprocess
import sys

import pytest

import bench as harness
from tests.bench.conftest import AWAY

SHADOW = "raise RuntimeError('the file of a user was imported in place of a library')\n"
MINE = """
from dataclasses import dataclass
import numpy as np
from detectors import Detector
import beside

@dataclass(kw_only=True)
class Mine(Detector):
    def _fit(self, x):
        import later
    def _score(self, x, readout):
        return beside.norm(x)
"""


@pytest.mark.fault(
    area="commands and output",
    kind="the working folder is gone",
    how="it is removed before `bench list` starts in it",
    promise="one sentence, exit 2",
)
def test_a_working_folder_that_is_gone_is_one_sentence(tmp_path):
    start = "import bench.__main__ as m, os, sys; os.rmdir(os.getcwd()); m.main()"
    command = [sys.executable, "-P", "-c", start, "list"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "bench: the working folder does not exist any more; go to another one\n"


@pytest.mark.fault(
    area="commands and output",
    kind="files named as libraries",
    how="`bench run` starts in a folder with random.py, bench.py, sklearn.py and numpy.py",
    promise="rows are made with the libraries, and a detector's file imports its neighbours",
)
@pytest.mark.parametrize(
    "how", [("-m", "bench"), ("-P", "-c", "import bench.__main__ as m; m.main()")]
)
@pytest.mark.slow
def test_files_of_the_working_folder_hide_no_library(tmp_path, how):
    module = how[0] == "-m"
    for name in ("random", "sklearn", "numpy", "datasets") + (() if module else ("bench",)):
        (tmp_path / f"{name}.py").write_text(SHADOW)
    mine = tmp_path / "mine" if module else tmp_path
    mine.mkdir(exist_ok=True)
    (mine / "mine.py").write_text(MINE)
    (mine / "beside.py").write_text(
        "import numpy as np\nnorm = lambda x: np.linalg.norm(x, axis=1)\n"
    )
    (mine / "later.py").write_text("")
    command = [sys.executable, *how, "run", "--detectors", f"{mine / 'mine.py'}:Mine,lof"]
    done = subprocess.run(
        [*command, "--datasets", "wine", "--results", "results", "--seeds", "1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "", "MLFLOW_TRACKING_URI": AWAY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert harness.rows(tmp_path / "results").status.tolist() == ["ok", "ok"]
