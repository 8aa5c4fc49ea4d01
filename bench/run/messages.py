"""What the harness and a sandbox say to each other: every message, its encoding and its checks.

The fork server has a control socket. It sends READY once. The harness sends FORK with two file
descriptors (the child's channel and its output); the server answers with the child's process id
and, after the child's end, with its wait status, each as a number of NUMBER_BYTES.

A child has a channel of its own. The harness begins with a Request:

- to check settings, the child answers with one Checked for each detector.
- to run a model, the harness sends a Block of units to fit; the child answers with BlockFitted,
  the harness sends TestSamples of the units that were fitted, and the child answers with one
  Result for each of their read-outs, each followed by the raw scores if there are any. The next
  Block follows; one without units ends the child.

No message holds a label.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter

from bench.run.diagnostics import Diagnostics
from bench.store.records import Status

READY = b"R"
FORK = b"F"
NUMBER_BYTES = 8
CANNOT_GO_ON = 70  # exit status of a child that fails outside the detector's own code


class Message:
    """Base of all messages; other fields than those declared are refused."""

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Asked(Message):
    """A detector whose settings are to be checked."""

    spec: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Check(Message):
    """Check the settings of detectors."""

    detectors: list[Asked]


@dataclass(frozen=True)
class Model(Message):
    """Run a model with these settings on a device."""

    spec: str
    settings: dict[str, Any]
    device: str


@dataclass(frozen=True)
class Request(Message):
    """What a child is started for."""

    work: Check | Model


@dataclass(frozen=True)
class Checked(Message):
    """What is wrong with a detector's settings, None if nothing is."""

    error: str | None


@dataclass(frozen=True)
class ReadOut(Message):
    """A read-out or head that is wanted of a model.

    Attributes:
        spec: canonical name of the detector.
        head: settings of its head.
        pixels: file to which scores of pixels are written; "" where none are wanted.
    """

    spec: str
    head: dict[str, Any]
    pixels: str


@dataclass(frozen=True)
class Unit(Message):
    """One model to fit: its seed, the file of its training samples, and what is read out of it."""

    seed: int
    x_train: str
    readouts: list[ReadOut]


@dataclass(frozen=True)
class Block(Message):
    """Units to fit at once."""

    units: list[Unit]


@dataclass(frozen=True)
class Failed(Message):
    """How a fit or a read-out failed."""

    status: Status
    reason: str
    traceback: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fitted(Message):
    """Costs and diagnostics of one fitted model; seconds and memory as in `records.Row`."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float
    parameters: int | None
    diagnostics: Diagnostics
    warnings: list[str]


@dataclass(frozen=True)
class BlockFitted(Message):
    """The sha256 of users' files that were imported, by path, and one outcome for each unit."""

    files: dict[str, str]
    outcomes: list[Fitted | Failed]


@dataclass(frozen=True)
class TestSamples(Message):
    """Files of test samples, by seed."""

    files: dict[int, str]


@dataclass(frozen=True)
class Scored(Message):
    """Costs of one read-out; the scores themselves are the next message."""

    head_cpu_seconds: float
    head_wall_seconds: float
    score_us: float
    peak_mib: float
    warnings: list[str]


@dataclass(frozen=True)
class Result(Message):
    """How a read-out ended."""

    outcome: Scored | Failed


# Built on import, before a child is forked.
_ADAPTERS: dict[type[Message], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (Request, Checked, Block, BlockFitted, TestSamples, Result)
}
M = TypeVar("M", bound=Message)


def encode(message: Message) -> bytes:
    """Return a message as JSON."""
    return json.dumps(message, default=vars).encode()


def decode(kind: type[M], content: bytes) -> M:
    """Return a message of a kind.

    Raises:
        ValueError: it is something else.
    """
    message: M = _ADAPTERS[kind].validate_python(json.loads(content))
    return message


def encode_scores(scores: NDArray[np.float64]) -> bytes:
    """Return scores (n,) as bytes."""
    return scores.tobytes()


def decode_scores(content: bytes, n: int) -> NDArray[np.float64]:
    """Return (n,) scores.

    Raises:
        ValueError: there are more or fewer.
    """
    if len(content) != 8 * n:
        msg = f"{len(content)} bytes, expected {8 * n}"
        raise ValueError(msg)
    return np.frombuffer(content, dtype=np.float64)


def encode_number(number: int) -> bytes:
    """Return a process id or a wait status as bytes."""
    return number.to_bytes(NUMBER_BYTES, "little")


def decode_number(content: bytes) -> int:
    """Return a process id or a wait status."""
    return int.from_bytes(content, "little")
