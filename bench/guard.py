"""The harness's side of the sandbox: starting it, watching a child's time and memory, ending it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from bench.records import Status

POLL_SECONDS = 0.05
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


class Death(Exception):
    """Raised when a child ended before its work: by a limit, a signal or its own exit."""

    def __init__(self, *, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status: Status = status
        self.reason = reason


class Interrupted(Exception):
    """Raised in a worker when the run is being ended."""


@dataclass(frozen=True)
class Limits:
    """What a detector may use.

    Attributes:
        seconds: wall seconds of a fit (a seed) and of a read-out.
        memory_mib: anonymous memory of the child and its descendants, above the start, in MiB.
    """

    seconds: float
    memory_mib: float


class Sandbox:
    """A fork server with the given modules imported; one child at a time."""

    def __init__(self, tmp: Path, modules: Sequence[str], stop: threading.Event) -> None:
        """Prepare; the server starts at the first child.

        Args:
            tmp: folder for arrays and output in flight.
            modules: what the server imports before it forks.
            stop: set from outside to end the running child.
        """
        self._tmp, self._modules, self._stop = tmp, list(modules), stop
        self._server: subprocess.Popen[bytes] | None = None

    def close(self) -> None:
        """End the server; its child, if any, goes with it."""
        if self._server is not None:
            self._control.close()
            self._server.wait()
            self._server = None

    @contextlib.contextmanager
    def child(self, limits: Limits) -> Iterator[Child]:
        """Fork a child for the `with` block; it is gone, with its descendants, at the end.

        Raises:
            Death: the server itself cannot start.
        """
        self._start()
        ours, theirs = socket.socketpair()
        folder = Path(tempfile.mkdtemp(dir=self._tmp))
        try:
            with open(folder / "output", "w+b") as output:
                socket.send_fds(self._control, [b"F"], [theirs.fileno(), output.fileno()])
                theirs.close()
                pid = int.from_bytes(self._receive(8), "little")
                child = Child(self, pid, Connection(ours.detach()), folder, limits)
                try:
                    yield child
                finally:
                    child.end()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stopped(self) -> bool:
        """Whether the run is being ended."""
        return self._stop.is_set()

    def child_ended(self, seconds: float, channel: Connection) -> bool:
        """Wait for a message or the child's end, whichever comes first; True for its end.

        A descendant of the child may hold the channel open, so its silence proves nothing.
        """
        return self._control in wait([channel, self._control], seconds)

    def exit_status(self) -> int:
        """Wait for the child's end and return its wait status."""
        return int.from_bytes(self._receive(8), "little")

    def _start(self) -> None:
        if self._server is not None and self._server.poll() is None:
            return
        ours, theirs = socket.socketpair()
        self._log = self._tmp / f"server-{os.getpid()}-{threading.get_ident()}.log"
        with theirs, open(self._log, "wb") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "bench.sandbox", *self._modules],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                env={**os.environ, **ONE_THREAD},
                start_new_session=True,
            )
        self._control = ours
        self._receive(1)

    def _receive(self, n_bytes: int) -> bytes:
        answer = b""
        while len(answer) < n_bytes:
            part = self._control.recv(n_bytes - len(answer))
            if not part:
                tail = self._log.read_text(errors="replace").strip().splitlines()[-1:]
                status = self._server.wait() if self._server else 0
                self._server = None
                msg = f"the sandbox's server ended with status {status}: {''.join(tail)}"
                raise Death(status="crashed", reason=msg)
            answer += part
        return answer


class Child:
    """A running child, seen from the harness."""

    def __init__(
        self, sandbox: Sandbox, pid: int, channel: Connection, folder: Path, limits: Limits
    ) -> None:
        self._sandbox, self._pid, self._channel = sandbox, pid, channel
        self.folder, self._limits = folder, limits
        self._base_mib = memory_mib(pid)
        self._ended = False

    def send(self, message: object) -> None:
        """Send a JSON message.

        Raises:
            Death: the child is gone.
        """
        try:
            self._channel.send_bytes(json.dumps(message).encode())
        except (BrokenPipeError, ConnectionResetError):
            raise self._death() from None

    def receive(self, allowances: float = 1.0) -> dict[str, Any]:
        """Return the child's next message.

        Args:
            allowances: how many times the time limit applies.

        Raises:
            Death: a limit was passed, or the child ended.
            Interrupted: the run is being ended.
        """
        return dict(json.loads(self.receive_bytes(allowances)))

    def receive_bytes(self, allowances: float = 1.0) -> bytes:
        """Return the child's next message as bytes; raises as `receive`."""
        seconds = self._limits.seconds * allowances
        deadline = time.monotonic() + seconds
        try:
            while not self._channel.poll():
                if self._sandbox.child_ended(POLL_SECONDS, self._channel):
                    break
                if self._sandbox.stopped():
                    raise Interrupted
                used = memory_mib(self._pid) - self._base_mib
                if used > self._limits.memory_mib:
                    msg = f"used {used:.0f} MiB, limit {self._limits.memory_mib:.0f} MiB"
                    raise Death(status="memory", reason=msg)
                if time.monotonic() > deadline:
                    msg = f"not done after {seconds:g} s; raise --time-limit to wait longer"
                    raise Death(status="timeout", reason=msg)
            if not self._channel.poll():
                raise self._death()
            return self._channel.recv_bytes()
        except (EOFError, ConnectionResetError):
            raise self._death() from None

    def output(self) -> str:
        """Return the end of what the child has printed so far."""
        return (self.folder / "output").read_bytes()[-8192:].decode(errors="replace")

    def end(self) -> None:
        """Kill the child and its descendants, if they are still there."""
        self._channel.close()
        if not self._ended:
            self._kill()
            with contextlib.suppress(Death):
                self._sandbox.exit_status()
        self._ended = True

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)

    def _death(self) -> Death:
        self._kill()  # descendants, or a child that closed its channel
        status = self._sandbox.exit_status()
        self._ended = True
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            name = signal.Signals(number).name
            hint = ", as the kernel does when memory runs out" if number == signal.SIGKILL else ""
            return Death(status="crashed", reason=f"killed by {name}{hint}")
        reason = f"the process ended with exit status {os.WEXITSTATUS(status)} before its work did"
        return Death(status="crashed", reason=reason)


def memory_mib(pid: int) -> float:
    """Return the anonymous memory of a process and its descendants in MiB; 0 if it is gone."""
    if sys.platform != "linux":
        listed = subprocess.run(
            ["ps", "-o", "rss=", "-g", str(pid)], capture_output=True, text=True, check=False
        )
        return sum(int(kib) for kib in listed.stdout.split()) / 1024
    total, waiting = 0, [pid]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        with contextlib.suppress(OSError):
            anonymous = re.search(r"RssAnon:\s*(\d+)", (process / "status").read_text())
            total += int(anonymous[1]) if anonymous else 0  # a zombie has none
            for task in (process / "task").iterdir():
                waiting += [int(p) for p in (task / "children").read_text().split()]
    return total / 1024


def default_memory_mib(workers: int) -> float:
    """Return the default memory limit: the smaller of 8 GiB and 80 % of RAM over workers."""
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    return min(8 * 1024, 0.8 * ram / workers)


def check_in_sandbox(sandbox: Sandbox, pairs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return what is wrong with (spec, settings) pairs, tried in a child; empty if nothing.

    Raises:
        Death: importing one of the detectors ended the process or took too long.
    """
    with sandbox.child(Limits(seconds=120, memory_mib=default_memory_mib(1))) as child:
        child.send({"check": pairs})
        errors: list[str | None] = child.receive()["errors"]
    return [error for error in errors if error]
