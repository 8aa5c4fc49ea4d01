"""What tests of whole runs share: the command in a process of its own, and jobs in this one.

Importing the libraries takes longer than most runs, so `bench` runs here as a fork of a process
that has them imported already; all else is as a user has it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.plan import planning
from bench.plan.job import Limits
from bench.plan.stages import Stages
from bench.plan.suite import build
from bench.run.converse import run_job
from bench.run.local import ForkServers
from bench.run.workspace import prepare_tmp
from bench.store.records import Row
from tests.helpers.marked import MARK, processes

ROOT = Path(__file__).parents[2]
AWAY = "http://127.0.0.1:9"  # nothing listens there, so that tracking costs nothing
SKLEARN = build(
    {"name": "x", "title": "", "detectors": ["knn", "lof", "pca"], "datasets": ["wine"]}, "x"
)

ZYGOTE = """
import json, os, signal, sys, warnings
warnings.simplefilter("ignore")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
import bench.cli.app, bench.cli.common.running, mlflow
import sklearn.datasets, sklearn.metrics, sklearn.preprocessing
for line in sys.stdin:
    told = json.loads(line)
    between = os.fork()
    if between:
        os.waitpid(between, 0)
        continue
    if os.fork():
        os._exit(0)
    run = os.fork()
    if run:
        _, status = os.waitpid(run, 0)
        with open(told["out"] + "/status.draft", "w") as file:
            file.write(str(os.waitstatus_to_exitcode(status)))
        os.rename(told["out"] + "/status.draft", told["out"] + "/status")
        os._exit(0)
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it for us
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(told["out"] + "/" + name, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(told["env"])
    sys.argv = ["bench", *told["args"]]
    with open(told["out"] + "/pid.draft", "w") as file:
        file.write(str(os.getpid()))
    os.rename(told["out"] + "/pid.draft", told["out"] + "/pid")
    try:
        bench.cli.app.main()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(99)
"""


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Return whether something comes to hold within some seconds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@dataclass
class Running:
    """A `bench` that runs: its process, its output so far, and how it ends."""

    out: Path
    mark: str

    @property
    def pid(self) -> int:
        assert wait_until((self.out / "pid").exists, 120)  # the first also waits for imports
        return int((self.out / "pid").read_text())

    @property
    def stdout(self) -> str:
        return (self.out / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.out / "stderr").read_text()

    def ended(self) -> bool:
        return (self.out / "status").exists()

    def wait(self, seconds: float = 120) -> int:
        """Return the exit status, negative for a signal."""
        assert wait_until(self.ended, seconds), f"still running: {self.stdout} {self.stderr}"
        return int((self.out / "status").read_text())

    def sandboxes(self) -> set[int]:
        """Return the servers and children of this run, and what descends from them."""
        return processes(self.mark)


class Bench:
    """The command `bench`; a call starts it."""

    wait_until = staticmethod(wait_until)

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._zygote = subprocess.Popen(
            [sys.executable, "-c", ZYGOTE], stdin=subprocess.PIPE, cwd=ROOT, text=True
        )

    def __call__(self, *args: object, **env: str) -> Running:
        out = self._folder / uuid.uuid4().hex
        out.mkdir()
        told = {
            "args": [str(arg) for arg in args],
            "out": str(out),
            "env": {"MLFLOW_TRACKING_URI": AWAY, MARK: out.name, **env},
        }
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(json.dumps(told) + "\n")
        self._zygote.stdin.flush()
        return Running(out, out.name)

    def close(self) -> None:
        assert self._zygote.stdin is not None
        self._zygote.stdin.close()
        self._zygote.wait()


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The command, run as `bench("run", "smoke", ...)` in a process of its own."""
    command = Bench(tmp_path_factory.mktemp("bench"))
    yield command
    command.close()


class Maker:
    """Makes rows in sandboxes of this process, and knows which processes are left."""

    def __init__(self, folder: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.cache = folder / "cache"  # of what children keep
        os.environ.pop("PYTHONUNBUFFERED", None)  # which not everybody has set
        self.tmp = prepare_tmp(folder)
        modules = planning.modules(row.spec for row in planning.wanted_rows(SKLEARN, "cpu"))
        self.servers = ForkServers(self.tmp, modules)
        with pytest.MonkeyPatch.context() as inherited:  # by the fork server
            inherited.setenv(MARK, self.mark)
            inherited.setenv("XDG_CACHE_HOME", str(self.cache))
            with self.servers.lend() as server, server.child(Limits(60, 4096)):
                pass
        (self.server,) = processes(self.mark)

    def __call__(
        self,
        *detectors: object,
        dataset: str = "wine",
        seeds: object = 1,
        seconds: float = 60,
        memory_mib: float = 4096,
        scaler: str = "standard",
        protocol: str = "one-class",
        volumes: bool = False,
    ) -> list[Row]:
        """Return the rows of detectors (names, or tables of a suite), as run_job gives them."""
        suite = build(
            {
                "name": "test",
                "title": "test",
                "detectors": list(detectors),
                "datasets": [dataset],
                "seeds": seeds,
                "scaler": scaler,
                "protocol": protocol,
                "volumes": volumes,
            },
            "test",
        )
        jobs = planning.jobs(
            planning.wanted_rows(suite, "cpu"), None, Limits(seconds, memory_mib), "test"
        )
        with self.servers.lend() as server:
            return [row for job in jobs for row in run_job(job, server, Stages())]

    def left_behind(self) -> set[int]:
        """Return processes that still run though no job does."""
        return processes(self.mark) - {self.server}


@pytest.fixture(scope="session")
def make_rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """A function from detectors to rows, made in a sandbox that the tests share."""
    maker = Maker(tmp_path_factory.mktemp("rows"))
    yield maker
    maker.servers.close()


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
