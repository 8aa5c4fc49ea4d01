"""The fork server, a process of its own in whose children detectors run, one child a job.

`python -m bench.run.forkserver MODULE...` imports the modules once, then forks a child for every
request that comes over its standard input, a socket. It is started by exec, not forked from the
harness, so that no label was ever in its memory. It ends when the socket closes and kills its
child.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import resource
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from bench.run import child
from bench.run.messages import CANNOT_GO_ON, READY, encode_number
from detectors.factory import make

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main(modules: Sequence[str]) -> None:
    """Import the modules, then serve until the harness closes the socket."""
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    for module in modules:
        importlib.import_module(module)
    if "sklearn" in sys.modules:  # its first fit looks up thread pools: once here, not per child
        make("lof", n_neighbors=1).fit(np.eye(3)).score(np.eye(3))
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control.sendall(READY)
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            _become_child(control, *descriptors)
        with contextlib.suppress(OSError):  # the child does the same; whoever comes first
            os.setpgid(pid, pid)
        for descriptor in descriptors:
            os.close(descriptor)
        control.sendall(encode_number(pid))
        status = _wait(pid, control, woken)
        control.sendall(encode_number(status))


def _become_child(control: socket.socket, channel: int, output: int) -> None:
    """Set up the forked child and do what the harness requests; never returns."""
    parent = os.getppid()
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    control.close()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    try:
        with Connection(channel) as connection:
            # A copy of this process, forked by a detector, must not answer in its place.
            os.register_at_fork(after_in_child=connection.close)
            child.serve(connection)
    except BaseException:  # the last line of defence: the harness reads it in the output
        with contextlib.suppress(Exception):  # the detector may have changed standard error
            traceback.print_exc()
        os._exit(CANNOT_GO_ON)
    os._exit(0)


def _wait(pid: int, control: socket.socket, woken: int) -> int:
    """Wait for the child's end; if the harness ends first, kill the child and exit."""
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if control.fileno() in ready:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            _kill_strays()
            sys.exit(1)
        os.read(woken, 4096)
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _kill_strays()
            return status


def _kill_strays() -> None:
    """Kill the processes that a child left behind, whatever their group or session.

    On Linux they became children of this process, their subreaper, when their parent died.
    """
    while strays := _children():
        for pid in strays:
            os.kill(pid, signal.SIGKILL)
        for pid in strays:
            os.waitpid(pid, 0)


def _children() -> list[int]:
    with contextlib.suppress(OSError):
        listed = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
        return [int(pid) for pid in " ".join(listed).split()]
    return []


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


if __name__ == "__main__":
    main(sys.argv[1:])
