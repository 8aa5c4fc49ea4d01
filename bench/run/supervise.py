"""The harness's side: start a fork server, watch a child's time and memory, end it."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from bench.plan.job import Limits
from bench.run.messages import (
    CANNOT_GO_ON,
    FORK,
    KILL,
    MAX_BYTES,
    NUMBER_BYTES,
    READY,
    Incoming,
    M,
    Message,
    decode,
    decode_number,
    decode_scores,
    encode,
    framed,
)
from bench.run.processes import Descendants
from bench.run.scoring import ONE_THREAD
from bench.store.records import Status
from detectors.source import HOME

POLL_SECONDS = 0.05
GAP_SECONDS = 1.0  # more between two looks is time in which this process did not run
PATIENCE_SECONDS = 1.0  # for a process to end that should have ended
KILL_SECONDS = 30.0  # for killed processes to end and give back their memory
MAX_OUTPUT_BYTES = 32 * 2**20  # of a child; beyond it, earlier output is dropped
KEPT_OUTPUT_BYTES = 8192
# Of glibc, which else keeps what arrays of up to 32 MiB held: those from 16 MiB on go back at once.
ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": f"{2**24}", "MALLOC_TRIM_THRESHOLD_": f"{2**26}"}
# -P leaves the working folder out, whose files may have the names of libraries.
BOOT = """import sys
home, links, *modules = sys.argv[1:]
if home not in sys.path:
    sys.path.insert(0, home)
from bench.run.forkserver import main
main(modules, links)
"""
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
        self._server_pid = 0
        self._links = ""  # a folder of a short path, for the one child's link to its TMPDIR
        self._ready = False
        self._control: socket.socket

    def close(self) -> None:
        """End the server and its child, if any; from any thread."""
        if (server := self._server) is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)  # also wakes a thread that reads
            try:  # while it still imports it has no child
                server.wait(KILL_SECONDS if self._ready else PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            self._control.close()
            shutil.rmtree(self._links, ignore_errors=True)

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
        with contextlib.ExitStack() as closing:
            self._tmp.mkdir(exist_ok=True)  # which a detector may have removed
            folder = Path(tempfile.mkdtemp(dir=self._tmp))
            closing.callback(shutil.rmtree, folder, ignore_errors=True)
            output = closing.enter_context(open(folder / "output", "a+b"))
            ours, theirs = map(closing.enter_context, socket.socketpair())
            ours.setblocking(False)
            descendants = Descendants(self._server_pid)
            closing.callback(descendants.end)
            with contextlib.suppress(OSError):  # then nothing will be received
                socket.send_fds(self._control, [FORK], [theirs.fileno(), output.fileno()])
            theirs.close()
            descendants.seen.add(decode_number(self._receive(NUMBER_BYTES)))
            child = Child(self, ours, output, descendants, limits, folder, self._tmp_in(folder))
            closing.callback(child.end)
            yield child

    def _tmp_in(self, folder: Path) -> Path:
        """Return a new folder for temporary files in another one, by a path of the system's length.

        Libraries have sockets there, and the name of a socket has at most some 100 bytes.
        """
        (folder / "tmp").mkdir()
        link = Path(self._links) / "tmp"
        with contextlib.suppress(FileNotFoundError):  # the server has ended, which shows soon
            link.unlink(missing_ok=True)
            link.symlink_to(folder / "tmp")
        return link

    def stopped(self) -> bool:
        """Whether the run is being ended."""
        return self._stop.is_set()

    def wait(
        self, seconds: float, channel: socket.socket | None = None, events: int = select.POLLIN
    ) -> tuple[bool, bool]:
        """Wait for the child's end or events of its channel; return which of both came.

        A descendant of the child may hold the channel open, so a silent channel proves nothing.
        """
        polling = select.poll()
        try:
            polling.register(self._control, select.POLLIN)
            if channel is not None:
                polling.register(channel, events)
        except ValueError:  # closed by another thread
            raise Interrupted from None
        ready = dict(polling.poll(1000 * seconds))
        return self._control.fileno() in ready, len(ready) > (self._control.fileno() in ready)

    def exit_status(self) -> int:
        """Wait for the end of the child and its descendants, and return its wait status."""
        ended, _ = self.wait(KILL_SECONDS)
        if not ended and self._server:
            self._server.kill()
        return decode_number(self._receive(NUMBER_BYTES))

    def kill_child(self) -> None:
        """Request the end of the child and its descendants."""
        with contextlib.suppress(OSError):
            self._control.sendall(KILL)

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
            shutil.rmtree(self._links, ignore_errors=True)
        self._links = tempfile.mkdtemp(prefix="fathom-")
        self._ready = False
        self._control, theirs = socket.socketpair()
        self._log = self._tmp / f"server-{os.getpid()}-{id(self)}.log"
        with theirs, open(self._log, "wb") as log:
            self._server = subprocess.Popen(
                # -u: what a detector prints is in the file also when it dies
                [sys.executable, "-P", "-u", "-c", BOOT, str(HOME), self._links, *self._modules],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                env={**ALLOCATION, **os.environ, **ONE_THREAD},
                start_new_session=True,
            )
        self._server_pid = self._server.pid

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
    """A running child, seen from the harness.

    Attributes:
        folder: for arrays that are handed over.
        tmp: the child's own folder for temporary files.
    """

    def __init__(
        self,
        server: ForkServer,
        channel: socket.socket,
        output: IO[bytes],
        descendants: Descendants,
        limits: Limits,
        folder: Path,
        tmp: Path,
    ) -> None:
        self._server, self._channel, self._output = server, channel, output.fileno()
        self._descendants, self._limits = descendants, limits
        self.folder, self.tmp = folder, str(tmp)
        self._ended = False
        self._output_start = 0

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            Death: a limit was exceeded, or the child is gone.
            Interrupted: the run is being ended.
        """
        left = memoryview(framed(encode(message)))

        def write() -> bool:
            nonlocal left
            left = left[self._channel.send(left) :]
            return not left

        self._attend(write, select.POLLOUT)

    def receive(self, kind: type[M], n_units: int = 1) -> M:
        """Return the child's next message.

        Args:
            kind: the message that is due.
            n_units: of how many fits or read-outs; limits of time and length are for each.

        Raises:
            Death: a limit was exceeded, or the child ended or sent something else.
            Interrupted: the run is being ended.
        """
        content = self._receive_bytes(MAX_BYTES * n_units, n_units)
        try:
            return decode(kind, content)
        except ValueError:
            raise self.unexpected() from None

    def receive_scores(self, n: int) -> NDArray[np.float64]:
        """Return (n,) scores, the child's next message; raises as `receive`."""
        content = self._receive_bytes(8 * n)
        try:
            return decode_scores(content, n)
        except ValueError:
            raise self.unexpected() from None

    def _receive_bytes(self, most: int, n_units: int = 1) -> bytes:
        incoming = Incoming(most)
        try:
            self._attend(lambda: incoming.read(self._channel), select.POLLIN, n_units)
        except ValueError:
            raise self.unexpected() from None
        except Death as death:
            if death.status == "timeout" and incoming.begun:
                raise self.unexpected() from None
            raise
        return bytes(incoming.content)

    def _attend(self, step: Callable[[], bool], events: int, n_units: int = 1) -> None:
        """Repeat a step, which moves some bytes, until it returns True, and watch the limits.

        Time in which this process did not run, as it was stopped or the machine slept, does not
        count, and the channel is looked at once more before a verdict.
        """
        seconds = self._limits.seconds * n_units
        used, last = 0.0, time.monotonic()
        while True:
            now = time.monotonic()
            used, last = used + min(now - last, GAP_SECONDS), now
            late = used > seconds
            ended, ready = self._server.wait(0 if late else POLL_SECONDS, self._channel, events)
            try:
                if ready and step():
                    return
            except (EOFError, ConnectionError):
                raise self._death() from None
            if ended and not ready:
                raise self._death()
            if self._server.stopped():
                raise Interrupted
            if mib := self._descendants.exceed(self._limits.memory_mib):
                msg = f"used {mib:.0f} MiB, limit {self._limits.memory_mib:.0f} MiB"
                raise Death(status="memory", reason=msg)
            if late:
                msg = f"not finished after {seconds:g} s; raise --time-limit to allow more"
                raise Death(status="timeout", reason=msg)
            self._limit_output()

    def forget_output(self) -> None:
        """Drop what the child has printed so far from `output`."""
        self._output_start = os.fstat(self._output).st_size

    def output(self) -> str:
        """Return the end of what the child has printed."""
        size = os.fstat(self._output).st_size
        start = self._output_start if self._output_start <= size else 0
        start = max(start, size - KEPT_OUTPUT_BYTES)
        return os.pread(self._output, KEPT_OUTPUT_BYTES, start).decode(errors="replace")

    def _limit_output(self) -> None:
        """Empty the file of a child that prints without end, before it fills the disk."""
        if os.fstat(self._output).st_size > MAX_OUTPUT_BYTES:
            os.ftruncate(self._output, 0)

    def end(self) -> None:
        """Kill the child and its descendants, unless they have ended."""
        if not self._ended:
            self._descendants.look()
            self._server.kill_child()
            with contextlib.suppress(Death, Interrupted):
                self._server.exit_status()
        self._ended = True

    def unexpected(self) -> Death:
        """Return the death of a child that said something else than it was to say."""
        reason = "unexpected data on the sandbox channel"
        return Death(status="crashed", reason=reason)

    def _death(self) -> Death:
        ended, _ = self._server.wait(PATIENCE_SECONDS)
        if not ended:
            reason = "the detector closed the sandbox channel, a descriptor that it did not open"
            return Death(status="crashed", reason=reason)
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
