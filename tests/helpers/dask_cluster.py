"""A Dask cluster of processes on this machine."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.helpers.marked import MARK, processes

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Cluster:
    """A scheduler and its workers, whose files are in a new folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.workers: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", port)

    def _start(self, kind: str, *args: str, cwd: Path = ROOT) -> subprocess.Popen[bytes]:
        count = str(len(list(self.folder.iterdir())))
        scratch = self.folder / count
        scratch.mkdir()
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *args, "--no-dashboard"]
        with open(scratch / "log", "wb") as log:
            return subprocess.Popen(
                command,
                cwd=cwd,
                env={**os.environ, MARK: str(self.folder), "TMPDIR": str(scratch)},
                stdout=log,
                stderr=log,
            )

    def add_worker(
        self, *more: str, cwd: Path = ROOT, nanny: str = "--no-nanny"
    ) -> subprocess.Popen[bytes]:
        told = ("--nthreads", "1", nanny, "--host", "127.0.0.1", *more)
        worker = self._start("worker", self.address, *told, cwd=cwd)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self) -> None:
        from distributed import Client

        with Client(self.address, timeout=30) as client:
            client.wait_for_workers(len(self.workers), timeout=60)

    def processes(self) -> set[int]:
        """Return the processes of this cluster, those in its sandboxes included."""
        return processes(str(self.folder))

    def end_workers(self) -> None:
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(30)

    def close(self) -> None:
        self.end_workers()
        self.scheduler.terminate()
        self.scheduler.wait(30)
