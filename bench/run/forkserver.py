"""The fork server, a process of its own in whose children detectors run, one child a job.

It imports modules once, then forks a child for every request that comes over its standard input, a
socket. It is started by exec, not forked from the harness, so that no label was ever in its memory.
It ends when the socket closes and kills its child.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import resource
import select
import shutil
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Sequence

import numpy as np

from bench.run import child
from bench.run.messages import CANNOT_GO_ON, KILL, READY, encode_number
from bench.run.processes import children
from detectors.factory import check, make
from detectors.pyod.table import compiling
from detectors.registry import TABLE

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PAUSE_SECONDS = 0.001


def main(modules: Sequence[str], links: str) -> None:
    """Import modules and serve until the harness ends, then remove the folder of its links."""
    try:
        _serve(modules)
    finally:
        shutil.rmtree(links, ignore_errors=True)


def _serve(modules: Sequence[str]) -> None:
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    for module in modules:
        importlib.import_module(module)
    if "torch" in sys.modules:  # its first optimiser imports this: a second, and not of one method
        importlib.import_module("torch._dynamo")
    if "sklearn" in sys.modules:  # its first fit looks up thread pools: once here, not per child
        make("lof", n_neighbors=1).fit(np.eye(3)).score(np.eye(3))
    toy = np.random.default_rng(0).standard_normal((30, 4))
    for name in compiling(modules):  # here once, as no child should be billed for it
        with contextlib.suppress(Exception), warnings.catch_warnings(action="ignore"):
            make(name).fit(toy).score(toy)  # what is wrong with it, the child will report
    for name, method in TABLE.items():  # what all detectors of a class share is read once, here
        if method.target.partition(":")[0] in modules:
            check(name, {})
    gc.collect()
    gc.freeze()  # or each child would copy what its collector looks at
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control.sendall(READY)
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not request:
            return
        if request == KILL:  # of a child that has just ended by itself
            continue
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
        with socket.socket(fileno=channel) as connection:
            # A copy of this process, forked by a detector, must not answer in its place.
            os.register_at_fork(after_in_child=connection.close)
            child.serve(connection)
    except BaseException:  # the last line of defence: the harness reads it in the output
        with contextlib.suppress(Exception):  # the detector may have changed standard error
            traceback.print_exc()
        os._exit(CANNOT_GO_ON)
    os._exit(0)


def _wait(pid: int, control: socket.socket, woken: int) -> int:
    """Wait for the child's end and kill what it leaves behind; return its wait status.

    The child is killed if the harness requests so, or is gone; then this process exits too.
    """
    is_gone = False
    while (status := _reap(pid)) is None:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if control.fileno() in ready:
            is_gone = not _request(control)
            os.kill(pid, signal.SIGKILL)  # not its group, which it may have left
            _, status = os.waitpid(pid, 0)
            break
        os.read(woken, 4096)
    _kill_strays(pid)
    if is_gone:
        sys.exit(1)
    return status


def _request(control: socket.socket) -> bytes:
    """Return what the harness requests; nothing if it is gone."""
    try:
        return control.recv(1)
    except ConnectionResetError:
        return b""


def _reap(pid: int) -> int | None:
    """Wait for the processes that have ended; return the wait status of one if it is among them."""
    status = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == pid:
                status = ended[1]
    return status


def _kill_strays(group: int) -> None:
    """Kill the processes that a child left behind, whatever their group or session.

    On Linux they become children of this process, their subreaper, when their parent dies, and
    keep their numbers until they are waited for here. Elsewhere only the child's group is known.
    """
    if sys.platform != "linux":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        return
    with contextlib.suppress(ChildProcessError):
        while True:
            for pid in children(os.getpid()):
                os.kill(pid, signal.SIGKILL)
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(PAUSE_SECONDS)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)
