"""Detectors that go for the sandbox itself; used as `tests/helpers/hostile.py:Hostile`.

They score the distance to the origin.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import multiprocessing
import os
import shutil
import signal
import stat
import struct
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Client, Listener
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np

from detectors.contract import Detector

MIB = 2**20
MARK = b"fathom\r\n"
kept: list[Any] = []


def channel() -> int:
    """Return the descriptor of the sandbox channel, the one socket of a child."""
    for number in range(3, 64):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return number
    raise LookupError


def say(content: bytes, size: int | None = None) -> None:
    """Send a message, whose length is said to be `size`."""
    os.write(channel(), struct.pack("<8sQ", MARK, len(content) if size is None else size))
    os.write(channel(), content)


def say_and_hang(content: bytes, size: int | None = None) -> None:
    say(content, size)
    time.sleep(1800)


def say_slowly() -> None:
    os.write(channel(), struct.pack("<8sQ", MARK, MIB))
    while True:
        os.write(channel(), b"x")
        time.sleep(0.01)


def outcome(**changed: object) -> bytes:
    """Return a message of one fitted model, in part changed."""
    costs = {"cpu_seconds": 0.0, "wall_seconds": 0.0, "peak_mib": 0.0, "parameters": None}
    fitted = {**costs, "diagnostics": {}, "warnings": [], **changed}
    return json.dumps({"file_sha256": None, "outcomes": [fitted]}).encode()


def join_the_group_of_the_server() -> None:
    os.setpgid(0, os.getpgid(os.getppid()))
    time.sleep(1800)


def start_a_session() -> None:
    if os.fork() == 0:
        os.setsid()  # not possible for the leader of a group
        time.sleep(1800)
    time.sleep(1800)


def daemonise() -> None:
    """Go on as a daemon: in a session of its own, with a parent that has ended."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(1800)
        os._exit(0)


def daemonise_and_hang() -> None:
    daemonise()
    time.sleep(1800)


def multiply() -> None:
    """Hop from process to process: each forks the next and ends."""
    if os.fork() == 0:
        os.setsid()
        while True:
            if os.fork():
                os._exit(0)
    time.sleep(1800)


def daemonise_and_kill_the_server() -> None:
    daemonise()
    time.sleep(0.5)  # until it was seen
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1800)


def stop_the_server() -> None:
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(1800)


def share_anonymous_memory() -> None:
    kept.append(mmap.mmap(-1, 600 * MIB))
    for _ in range(600):
        kept[0].write(b"x" * MIB)
    time.sleep(1800)


def share_a_segment() -> None:
    kept.append(SharedMemory(create=True, size=600 * MIB))
    for i in range(600):
        kept[0].buf[i * MIB : (i + 1) * MIB] = b"x" * MIB
    time.sleep(1800)


def write(descriptor: int, mib: int) -> None:
    for _ in range(mib):
        os.write(descriptor, b"x" * MIB)


def write_a_memfd() -> None:
    write(os.memfd_create("kept"), 600)
    time.sleep(1800)


def write_shared_files() -> None:
    """Write files in a folder of /dev/shm, none of which stays open."""
    folder = tempfile.mkdtemp(dir="/dev/shm")
    for i in range(6):
        with open(f"{folder}/{i}", "wb") as file:
            write(file.fileno(), 100)
    time.sleep(1800)


def leave_a_segment(mib: int = 1) -> None:
    """Fill a segment of System V, print its number, and let it go without removing it."""
    system = ctypes.CDLL(None)
    system.shmat.restype = ctypes.c_void_p
    segment = system.shmget(0, mib * MIB, 0o1600)  # a new one
    place = ctypes.c_void_p(system.shmat(segment, None, 0))
    for n in range(mib):
        ctypes.memset(place.value + n * MIB, 1, MIB)
        time.sleep(0.001)
    system.shmdt(place)
    print(segment)  # noqa: T201
    if mib > 1:
        time.sleep(1800)


def remove_its_folder(above: int) -> None:
    """Remove the folder that the harness made for this child's samples, or one above it."""
    shutil.rmtree(Path(tempfile.gettempdir()).resolve().parents[above])


def map_a_memfd() -> None:
    """Hold 250 MiB, written to a memfd, mapped, and mapped by a copy of itself."""
    write(descriptor := os.memfd_create("kept"), 250)
    kept.append(mmap.mmap(descriptor, 250 * MIB))
    kept.append(kept[0][::4096])
    copy = multiprocessing.get_context("fork").Process(target=time.sleep, args=(0.5,))
    copy.start()
    copy.join()


def share_with_copies_of_itself() -> None:
    """Hold 150 MiB, and fork four processes that share them."""
    kept.append(np.ones(150 * MIB // 8))
    context = multiprocessing.get_context("fork")
    copies = [context.Process(target=time.sleep, args=(0.5,)) for _ in range(4)]
    for copy in copies:
        copy.start()
    for copy in copies:
        copy.join()


def leave_shared_memory() -> None:
    kept.append(SharedMemory(create=True, size=MIB))
    print(kept[-1].name)  # noqa: T201
    time.sleep(0.5)


def leave_shared_memory_and_die() -> None:
    leave_shared_memory()
    os.kill(os.getpid(), signal.SIGSEGV)


def leave_temporary_files() -> None:
    folder = tempfile.mkdtemp()
    Path(folder, "file").write_text("left")
    print(folder)  # noqa: T201


def listen_in_the_temporary_folder() -> None:
    with Listener(family="AF_UNIX") as listener, Client(listener.address):
        print(listener.address)  # noqa: T201


def warn_of_megabytes() -> None:
    for i in range(40):
        warnings.warn(f"{i} " + "x" * MIB, RuntimeWarning, stacklevel=1)


def raise_megabytes() -> None:
    raise ValueError("x" * 10 * MIB)


def forge_the_clock() -> None:
    time.perf_counter = lambda: float("nan")  # type: ignore[assignment]


ACTS: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "send less than promised": lambda: say(b"x", MIB),
    "send less than promised and hang": lambda: say_and_hang(b"x", MIB),
    "send half a head": lambda: os.write(channel(), MARK),
    "send byte by byte": say_slowly,
    "promise 8 EiB": lambda: say_and_hang(b"", 2**63),
    "promise 1 GiB": lambda: say_and_hang(b"", 2**30),
    "send deep nesting": lambda: say(b"[" * MIB),
    "send a number of 10,000 digits": lambda: say(b'{"outcomes": ' + b"9" * 10_000 + b"}"),
    "send infinite costs": lambda: say(outcome(cpu_seconds=float("inf"))),
    "send negative costs": lambda: say(outcome(peak_mib=-1.0)),
    "send too many parameters": lambda: say(outcome(parameters=10**400)),
    "send a lone surrogate": lambda: say(outcome(warnings=["\ud800"])),
    "send megabytes of a warning": lambda: say(outcome(warnings=["x" * MIB])),
    "send an empty name": lambda: say(outcome(diagnostics={"": 1.0})),
    "send two outcomes for one": lambda: say(
        json.dumps(
            {"file_sha256": None, "outcomes": [{"status": "error", "reason": ""}] * 2}
        ).encode()
    ),
    "send a failure that is ok": lambda: say(
        json.dumps({"file_sha256": None, "outcomes": [{"status": "ok", "reason": ""}]}).encode()
    ),
    "join the group of the server": join_the_group_of_the_server,
    "start a session": start_a_session,
    "daemonise and hang": daemonise_and_hang,
    "multiply": multiply,
    "daemonise and kill the server": daemonise_and_kill_the_server,
    "stop the server": stop_the_server,
    "fill a segment of System V": lambda: leave_a_segment(600),
    "leave a segment of System V": leave_a_segment,
    "leave a segment of System V and die": lambda: (leave_a_segment(), os._exit(3)),
    "remove its folder": lambda: remove_its_folder(0),
    "remove the folders of all": lambda: remove_its_folder(1),
    "share anonymous memory": share_anonymous_memory,
    "share a segment": share_a_segment,
    "write a memfd": write_a_memfd,
    "write shared files": write_shared_files,
    "map a memfd": map_a_memfd,
    "share with copies of itself": share_with_copies_of_itself,
    "leave shared memory": leave_shared_memory,
    "leave shared memory and die": leave_shared_memory_and_die,
    "leave temporary files": leave_temporary_files,
    "listen in the temporary folder": listen_in_the_temporary_folder,
    "warn of megabytes": warn_of_megabytes,
    "raise megabytes": raise_megabytes,
    "forge the clock": forge_the_clock,
}


@dataclass(kw_only=True)
class Hostile(Detector):
    """Acts in `fit`.

    Attributes:
        fitting: what it does, a key of ACTS.
        segment: shared memory of somebody else to attach to before; "" for none.
    """

    fitting: str = "nothing"
    segment: str = ""

    def _fit(self, x: np.ndarray) -> None:
        if self.segment:
            # SharedMemory would remove what it attaches to.
            kept.append(os.open(f"/dev/shm/{self.segment}", os.O_RDONLY))
            time.sleep(0.5)
        ACTS[self.fitting]()

    def _score(self, x: np.ndarray, readout: str) -> np.ndarray:
        return np.linalg.norm(x, axis=1)


COUNTS: dict[str, Callable[[], Any]] = {
    "10**400": lambda: 10**400,
    "negative": lambda: -1,
    "NaN": lambda: float("nan"),
    "a text": lambda: "many",
    "an error": raise_megabytes,
}


@dataclass(kw_only=True)
class Counted(Hostile):
    """Has a number of parameters that cannot be kept, a key of COUNTS."""

    counted: str = "10**400"

    @property
    def n_parameters_(self) -> Any:
        return COUNTS[self.counted]()
