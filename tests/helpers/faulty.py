"""Detectors that do not behave; used as `tests/helpers/faulty.py:Faulty` with a setting.

Where nothing else is asked for they score the distance to the origin.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from detectors.contract import Detector

MIB = 2**20
kept: list[Any] = []


class Unprintable(Exception):
    """An exception that cannot be put in words."""

    def __str__(self) -> str:
        raise RuntimeError


class Outside(BaseException):
    """An exception that is not an Exception."""


def raises(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def hold_the_gil() -> None:
    ctypes.PyDLL(None).sleep(1800)  # half an hour in C, and no other thread of Python runs


def fill_with_arrays() -> None:
    while True:
        kept.append(np.ones(16 * MIB // 8))


def fill_with_lists() -> None:
    while True:
        kept.append(list(range(100_000, 200_000)))


def fill_in_a_grandchild() -> None:
    code = "a = []\nwhile True: a.append(bytearray(b'x' * 2**22))"
    subprocess.run([sys.executable, "-c", code], check=False)


def leave_a_sleeper(**options: Any) -> None:
    kept.append(subprocess.Popen(["sleep", "600"], **options))


def leave_a_sleeper_that_holds_the_channel() -> None:
    for number in range(3, 64):
        with suppress(OSError):
            os.set_inheritable(number, True)
    leave_a_sleeper(close_fds=False)


def leave_a_sleeper_and_die() -> None:
    leave_a_sleeper_that_holds_the_channel()
    os._exit(3)


def leave_a_daemon() -> None:
    """Start a process that goes to a session of its own, as daemons do, and a zombie."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "600"])
        os._exit(0)


def return_twice() -> None:
    os.fork()


def print_megabytes() -> None:
    for _ in range(4):
        print("\x1b[31m" + "python " * 150_000)  # noqa: T201
        sys.stderr.write("stderr " * 150_000)
        os.write(1, b"\xff\x00 descriptor " * 75_000)
    print("the end")  # noqa: T201


def print_without_end() -> None:
    while True:
        os.write(1, b"x" * MIB)


def print_and_die() -> None:
    print("last words")  # noqa: T201
    ctypes.string_at(0)


def close_descriptors() -> None:
    os.closerange(0, 64)


def close_descriptors_and_hang() -> None:
    close_descriptors()
    time.sleep(1800)


def close_standard_streams() -> None:
    sys.stdout.close()
    sys.stderr.close()
    with suppress(OSError):
        os.close(0)


def exhaust_descriptors() -> None:
    while True:
        kept.append(open(os.devnull))  # noqa: SIM115


def exhaust_descriptors_quietly() -> None:
    with suppress(OSError):
        exhaust_descriptors()


def write_to_every_descriptor() -> None:
    for number in range(3, 64):
        with suppress(OSError):
            os.write(number, b"\x00\x00\x00\x05hello")


def go_elsewhere() -> None:
    os.chdir("/")


def disturb_globals() -> None:
    os.chdir("/")
    os.environ.clear()
    np.seterr(all="raise")
    np.random.seed(0)  # noqa: NPY002
    warnings.simplefilter("error")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def warn() -> None:
    warnings.warn("converged to nothing", RuntimeWarning, stacklevel=1)


def signal_itself(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


ACTS: dict[str, Callable[[], object]] = {
    "nothing": lambda: None,
    "raise": raises(ValueError("no such luck")),
    "raise SystemExit": raises(SystemExit(0)),
    "raise KeyboardInterrupt": raises(KeyboardInterrupt()),
    "raise outside Exception": raises(Outside("out of reach")),
    "raise the unprintable": raises(Unprintable()),
    "raise with odd characters": raises(ValueError("red \x1b[31m\x00 \ud800 " + "long " * 1000)),
    "sys.exit": lambda: sys.exit(3),
    "os._exit(0)": lambda: os._exit(0),
    "os._exit(3)": lambda: os._exit(3),
    "nap": lambda: time.sleep(0.4),
    "nap longer": lambda: time.sleep(2),
    "hang": lambda: time.sleep(1800),
    "hang with the GIL": hold_the_gil,
    "stop": signal_itself(signal.SIGSTOP),
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "SIGKILL": signal_itself(signal.SIGKILL),
    "an odd signal": signal_itself(signal.SIGRTMIN + 7),
    "fill memory with arrays": fill_with_arrays,
    "fill memory with lists": fill_with_lists,
    "fill memory in a grandchild": fill_in_a_grandchild,
    "ask for too much memory": lambda: np.ones(2**50),
    "leave a sleeper": leave_a_sleeper,
    "leave a sleeper that holds the channel": leave_a_sleeper_that_holds_the_channel,
    "leave a sleeper and die": leave_a_sleeper_and_die,
    "leave a daemon": leave_a_daemon,
    "return twice": return_twice,
    "print megabytes": print_megabytes,
    "print without end": print_without_end,
    "print and die": print_and_die,
    "close descriptors": close_descriptors,
    "close descriptors and hang": close_descriptors_and_hang,
    "close standard streams": close_standard_streams,
    "exhaust descriptors": exhaust_descriptors,
    "exhaust descriptors quietly": exhaust_descriptors_quietly,
    "write to every descriptor": write_to_every_descriptor,
    "go elsewhere": go_elsewhere,
    "disturb globals": disturb_globals,
    "warn": warn,
}

ANSWERS: dict[str, Callable[[np.ndarray], Any]] = {
    "as it is": lambda scores: scores,
    "one NaN": lambda scores: np.where(np.arange(len(scores)) == 1, np.nan, scores),
    "one inf": lambda scores: np.where(np.arange(len(scores)) == 1, np.inf, scores),
    "one too many": lambda scores: np.append(scores, 0.0),
    "a column": lambda scores: scores[:, None],
    "a constant": lambda scores: np.full_like(scores, 0.25),
    "one number": lambda scores: 0.25,
    "None": lambda scores: None,
    "text": lambda scores: ["high"] * len(scores),
    "complex": lambda scores: scores + 1j,
    "objects": lambda scores: np.array([object()] * len(scores)),
    "masked": lambda scores: np.ma.masked_greater(scores, np.median(scores)),
    "masked integers": lambda scores: np.ma.masked_equal(scores.astype(int), 3),
    "a list with a masked value": lambda scores: [*scores[1:], np.ma.masked],
    "missing in pandas": lambda scores: pd.Series([*scores[1:], pd.NA], dtype="Float64"),
    "an array with NA": lambda scores: np.array([*scores[1:], pd.NA], dtype=object),
    "an array with None": lambda scores: np.array([*scores[1:], None], dtype=object),
    "decimals": lambda scores: np.array([*map(Decimal, scores[1:]), Decimal("NaN")]),
    "dates": lambda scores: np.full(len(scores), np.datetime64("NaT")),
    "a list": lambda scores: scores.tolist(),
    "float32": lambda scores: scores.astype(np.float32),
}


@dataclass(kw_only=True)
class Faulty(Detector):
    """Misbehaves as its settings say.

    Attributes:
        fitting: what `fit` does, a key of ACTS.
        scoring: what `score` does, a key of ACTS.
        answer: what `score` returns, a key of ANSWERS.
        only_seed: the seed to misbehave for; -1 for all.
    """

    fitting: str = "nothing"
    scoring: str = "nothing"
    answer: str = "as it is"
    only_seed: int = -1

    def _fit(self, x: np.ndarray) -> None:
        if self.only_seed in (-1, self.seed):
            ACTS[self.fitting]()

    def _score(self, x: np.ndarray, readout: str) -> Any:
        scores = np.linalg.norm(x, axis=1)
        if self.only_seed not in (-1, self.seed):
            return scores
        ACTS[self.scoring]()
        return ANSWERS[self.answer](scores)


@dataclass(kw_only=True)
class Raw(Faulty):
    """Goes round the checks of `Detector.score`."""

    def score(self, x: Any, readout: str | None = None) -> Any:
        return self._score(x, "")


@dataclass(kw_only=True)
class Mutating(Detector):
    """Overwrites its training samples, and tries to overwrite what it scores."""

    test_too: bool = False

    def _fit(self, x: np.ndarray) -> None:
        x[:] = 0.0

    def _score(self, x: np.ndarray, readout: str) -> np.ndarray:
        if self.test_too:
            x[:] = 0.0
        return np.linalg.norm(x, axis=1)


@dataclass(kw_only=True)
class Model(Detector):
    """A model with read-outs and codes, one of which misbehaves."""

    readouts: ClassVar[tuple[str, ...]] = ("first", "second", "third")
    encodes: ClassVar[bool] = True

    bad: str = "second"
    scoring: str = "nothing"

    def _fit(self, x: np.ndarray) -> None:
        print("fitted")  # noqa: T201

    def _score(self, x: np.ndarray, readout: str) -> np.ndarray:
        if readout == self.bad:
            ACTS[self.scoring]()
        return np.linalg.norm(x, axis=1) * (1 + self.readouts.index(readout))

    def _encode(self, x: np.ndarray) -> np.ndarray:
        return x[:, :3]


TOLD: dict[str, Callable[[], Any]] = {
    "figures and curves": lambda: {
        "epochs": 3,
        "converged": np.True_,
        "loss": np.array([2.0, 1.0, np.nan], dtype=np.float32),
        "sizes": (4, 2),
    },
    "nothing": lambda: None,
    "an error": lambda: ACTS["raise"](),
    "an exit": lambda: ACTS["sys.exit"](),
    "the unprintable": lambda: ACTS["raise the unprintable"](),
    "odd values": lambda: {"text": "high", "matrix": np.eye(2), "none": None, "loss": [1.0]},
    "odd names": lambda: {"\ud800\n": 1.0, 3: 2.0},
    "too much": lambda: {f"curve {i}": range(10_000) for i in range(60)},
}


@dataclass(kw_only=True)
class Telling(Faulty):
    """Has diagnostics of its fit, those under a key of TOLD."""

    told: str = "figures and curves"

    @property
    def diagnostics_(self) -> Any:
        return TOLD[self.told]()


class NotADetector:
    """Has nothing of a detector."""


def mappings() -> Iterator[tuple[int, int]]:
    """Yield start and end of this process's readable memory, constant parts of libraries aside."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, *rest = line.split()
        constant = "w" not in rights and ".so" in rest[-1]
        if rights.startswith("r") and not constant and not rest[-1].startswith("[v"):
            start, _, end = span.partition("-")
            yield int(start, 16), int(end, 16)


def occurrences(content: np.ndarray, pattern: np.ndarray) -> Iterator[int]:
    """Yield the bytes at which a pattern begins in content (n,) uint8.

    By the C library, which leaves no copies behind: a comparison in numpy is itself an array of
    zeros and ones, for a later search to find.
    """
    memmem = ctypes.CDLL(None).memmem
    memmem.restype = ctypes.c_void_p
    memmem.argtypes = (ctypes.c_void_p, ctypes.c_size_t) * 2
    start, end = content.ctypes.data, content.ctypes.data + len(content)
    at = start
    while found := memmem(at, end - at, pattern.ctypes.data, pattern.nbytes):
        yield found - start
        at = found + 1


def search_for_labels(masked: Sequence[str]) -> dict[str, list[str]]:
    """Return where this process has a run of labels, by kind of place.

    Args:
        masked: runs of labels in hex, one a byte, each xor 0x5A, so that asking plants none.
    """
    patterns: list[tuple[str, np.ndarray]] = []
    for text in masked:
        labels = np.frombuffer(bytes.fromhex(text), np.uint8) ^ np.uint8(0x5A)
        patterns.append(("int8", labels))
        patterns.append(("digits", labels + np.uint8(48)))
        patterns.append(("int64", labels.astype(np.int64).view(np.uint64)))
        patterns.append(("float64", labels.astype(np.float64).view(np.uint64)))
    buffer = np.zeros(4 * MIB, np.uint8)
    own = [(array.ctypes.data, array.nbytes) for _, array in patterns]
    own.append((buffer.ctypes.data, buffer.nbytes))
    found: dict[str, list[str]] = {"memory": [], "arguments": [], "environment": [], "files": []}

    def look(name: str, place: str, content: np.ndarray, at: int = 0) -> None:
        for kind, pattern in patterns:
            for hit in occurrences(content, pattern):
                address = at + hit
                if not any(start <= address < start + size for start, size in own):
                    found[name].append(f"{kind} in {place}")

    with open("/proc/self/mem", "rb", buffering=0) as memory:
        overlap = max(array.nbytes for _, array in patterns)
        for start, end in list(mappings()):
            for at in range(start, end, len(buffer) - overlap):
                with suppress(OSError, OverflowError):
                    memory.seek(at)
                    size = memory.readinto(buffer[: end - at].data)
                    look("memory", f"{at:x}", buffer[:size], at)
                buffer[:] = 0
    look("arguments", "command line", read("/proc/self/cmdline"))
    look("environment", "environment", read("/proc/self/environ"))
    open_files = [str(path.resolve()) for path in Path("/proc/self/fd").iterdir()]
    for path in dict.fromkeys([*open_files, *map(str, handed_files(open_files))]):
        if Path(path).is_file():
            look("files", path, read(path))
    for _, pattern in patterns:
        pattern[:] = 0  # or the next search finds what this one leaves
    return found


def read(path: str) -> np.ndarray:
    return np.frombuffer(bytearray(Path(path).read_bytes()), np.uint8)


def handed_files(open_files: list[str]) -> list[Path]:
    """Return the files beside the ones that are open: what the harness hands over."""
    folders = {Path(path).parent for path in open_files if Path(path).is_file()}
    return [path for folder in folders for path in folder.iterdir()]


@dataclass(kw_only=True)
class LabelSearch(Detector):
    """Looks for labels wherever it can, and prints what it finds.

    Attributes:
        masked: runs of labels, as `search_for_labels` takes them, separated by spaces.
    """

    masked: str = ""

    def _fit(self, x: np.ndarray) -> None:
        self.search("fit")

    def _score(self, x: np.ndarray, readout: str) -> np.ndarray:
        self.search("score")
        return np.linalg.norm(x, axis=1)

    def search(self, when: str) -> None:
        print(json.dumps([when, search_for_labels(self.masked.split())]))  # noqa: T201
