"""The harness's side: start a fork server, watch a child's time and memory, end it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.plan.job import Limits
from bench.run.memory import memory_mib
from bench.run.messages import (
    CANNOT_GO_ON,
    FORK,
    NUMBER_BYTES,
    READY,
    M,
    Message,
    decode,
    decode_number,
    decode_scores,
    encode,
)
from bench.run.scoring import ONE_THREAD
from bench.store.records import Status

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 1.0  # for a process to end after it was requested to
MAX_OUTPUT_BYTES = 32 * 2**20  # of a child; beyond it, earlier output is dropped
KEPT_OUTPUT_BYTES = 8192
SIGNALS = {member.value: member.name for member in signal.Signals}


class Death(Exception):
    """Raised when a child ended before its work was done: by a limit, a signal or its own exit."""

    def __init__(self, *, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status: Status = status
        self.reason = reason


class ServerDied(Death):
    """Raised when the fork server ended, which no job causes."""


class Interrupted(Exception):
    """Raised in a worker when the run is being ended."""


class ForkServer:
    """A fork server with the given modules imported; one child at a time."""

    def __init__(self, tmp: Path, modules: Sequence[str], stop: threading.Event) -> None:
        """Prepare; the server starts at `start`, or with the first child.

        Args:
            tmp: folder for arrays and output in flight.
            modules: what the server imports before it forks.
            stop: set from outside to end the running child.
        """
        self._tmp, self._modules, self._stop = tmp, list(modules), stop
        self._server: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._control: socket.socket

    def close(self) -> None:
        """End the server and its child, if any; from any thread."""
        if (server := self._server) is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)  # also wakes a thread that reads
            try:
                server.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:  # it still imports, so it has no child
                server.kill()
                server.wait()
            self._control.close()

    @contextlib.contextmanager
    def child(self, limits: Limits) -> Iterator[Child]:
        """Fork a child for the `with` block; at its end, kill the child and its descendants.

        Raises:
            ServerDied: the server itself cannot start, or ended.
            Interrupted: the run is being ended.
        """
        self.start()
        if not self._ready:
            self._receive(len(READY))
            self._ready = True
        folder = Path(tempfile.mkdtemp(dir=self._tmp))
        try:
            ours, theirs = socket.socketpair()
            with ours, theirs, open(folder / "output", "ab") as output:
                with contextlib.suppress(OSError):  # then nothing will be received
                    socket.send_fds(self._control, [FORK], [theirs.fileno(), output.fileno()])
                theirs.close()
                pid = decode_number(self._receive(NUMBER_BYTES))
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

    def child_ended(self, seconds: float, *channel: Connection) -> bool:
        """Wait for the child's end, or a message if that comes first; return True for its end.

        A descendant of the child may hold the channel open, so a silent channel proves nothing.
        """
        try:
            return self._control in wait([*channel, self._control], seconds)
        except (OSError, ValueError):  # closed by another thread
            raise Interrupted from None

    def exit_status(self) -> int:
        """Wait for the child's end and return its wait status."""
        return decode_number(self._receive(NUMBER_BYTES))

    def start(self) -> None:
        """Start the server if it is not running; do not wait until it is ready.

        Raises:
            Interrupted: the run is being ended.
        """
        if self.stopped():
            raise Interrupted
        if self._server is not None and self._server.poll() is None:
            return
        if self._server is not None:
            self._control.close()
        self._ready = False
        self._control, theirs = socket.socketpair()
        self._log = self._tmp / f"server-{os.getpid()}-{id(self)}.log"
        with theirs, open(self._log, "wb") as log:
            self._server = subprocess.Popen(
                # -u: what a detector prints is in the file also when it dies
                [sys.executable, "-u", "-m", "bench.run.forkserver", *self._modules],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                env={**os.environ, **ONE_THREAD},
                start_new_session=True,
            )

    def _receive(self, n_bytes: int) -> bytes:
        answer = b""
        while len(answer) < n_bytes:
            part = b""
            with contextlib.suppress(OSError):
                part = self._control.recv(n_bytes - len(answer))
            if self.stopped():
                raise Interrupted
            if not part:
                raise self._server_died()
            answer += part
        return answer

    def _server_died(self) -> ServerDied:
        status = self._server.wait() if self._server else None
        last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
        reason = f"the fork server ended with status {status}: {''.join(last)}"
        return ServerDied(status="crashed", reason=reason)


class Child:
    """A running child, seen from the harness."""

    def __init__(
        self, server: ForkServer, pid: int, channel: Connection, folder: Path, limits: Limits
    ) -> None:
        self._server, self._pid, self._channel = server, pid, channel
        self.folder, self._limits = folder, limits
        self._base_mib = memory_mib(pid)
        self._ended = False
        self._output_start = 0

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            Death: the child is gone.
        """
        try:
            self._channel.send_bytes(encode(message))
        except (BrokenPipeError, ConnectionResetError):
            raise self._death() from None

    def receive(self, kind: type[M], allowances: float = 1.0) -> M:
        """Return the child's next message.

        Args:
            kind: the message that is due.
            allowances: how many times the time limit applies.

        Raises:
            Death: a limit was exceeded, or the child ended or sent something else.
            Interrupted: the run is being ended.
        """
        content = self._receive_bytes(allowances)
        try:
            return decode(kind, content)
        except ValueError:
            raise self._unexpected() from None

    def receive_scores(self, n: int) -> NDArray[np.float64]:
        """Return (n,) scores, the child's next message; raises as `receive`."""
        content = self._receive_bytes()
        try:
            return decode_scores(content, n)
        except ValueError:
            raise self._unexpected() from None

    def _receive_bytes(self, allowances: float = 1.0) -> bytes:
        seconds = self._limits.seconds * allowances
        deadline = time.monotonic() + seconds
        try:
            while not self._channel.poll():
                if self._server.child_ended(POLL_SECONDS, self._channel):
                    break
                if self._server.stopped():
                    raise Interrupted
                used = memory_mib(self._pid) - self._base_mib
                if used > self._limits.memory_mib:
                    msg = f"used {used:.0f} MiB, limit {self._limits.memory_mib:.0f} MiB"
                    raise Death(status="memory", reason=msg)
                self._limit_output()
                if time.monotonic() > deadline:
                    msg = f"not finished after {seconds:g} s; raise --time-limit to allow more"
                    raise Death(status="timeout", reason=msg)
            if not self._channel.poll():
                raise self._death()
            return self._channel.recv_bytes()
        except (EOFError, ConnectionResetError):
            raise self._death() from None

    def forget_output(self) -> None:
        """Drop what the child has printed so far from `output`."""
        self._output_start = (self.folder / "output").stat().st_size

    def output(self) -> str:
        """Return the end of what the child has printed."""
        with open(self.folder / "output", "rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = self._output_start if self._output_start <= size else 0
            file.seek(max(start, size - KEPT_OUTPUT_BYTES))
            return file.read(KEPT_OUTPUT_BYTES).decode(errors="replace")

    def _limit_output(self) -> None:
        """Empty the file of a child that prints without end, before it fills the disk."""
        path = self.folder / "output"
        if path.stat().st_size > MAX_OUTPUT_BYTES:
            os.truncate(path, 0)

    def end(self) -> None:
        """Kill the child and its descendants, unless they have ended."""
        self._channel.close()
        if not self._ended:
            self._kill()
            with contextlib.suppress(Death, Interrupted):
                self._server.exit_status()
        self._ended = True

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)

    def _unexpected(self) -> Death:
        reason = "unexpected data on the sandbox channel"
        return Death(status="crashed", reason=reason)

    def _death(self) -> Death:
        if not self._server.child_ended(PATIENCE_SECONDS):
            reason = "the detector closed the sandbox channel, a descriptor that it did not open"
            return Death(status="crashed", reason=reason)
        self._kill()  # its descendants
        status = self._server.exit_status()
        self._ended = True
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            name = SIGNALS.get(number, f"signal {number}")
            hint = "; the kernel sends it when memory runs out" if number == signal.SIGKILL else ""
            return Death(status="crashed", reason=f"killed by {name}{hint}")
        if (code := os.WEXITSTATUS(status)) == CANNOT_GO_ON:
            reason = "the detector left its process unable to continue; see its output"
        else:
            reason = f"the process exited with status {code} before it was done"
        return Death(status="crashed", reason=reason)
