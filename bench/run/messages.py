"""What the harness and a sandbox say to each other: every message, its encoding and its checks.

The fork server has a control socket. It sends READY once. The harness sends FORK with two file
descriptors (the child's channel and its output); the server answers with the child's process id
and, after the child and all its descendants have ended, with its wait status, each as a number of
NUMBER_BYTES. KILL ends them at once.

A child has a channel of its own, where each message has HEAD before it: a mark, so that nothing
else is taken for a message, and its length. The harness begins with a Request:

- to check settings, the child answers with one Checked for each detector.
- for one check of the contract, the child answers with a Verdict.
- to run a model, the harness sends a Block of units to fit; the child answers with BlockFitted,
  the harness sends TestSamples of the units that were fitted, and the child answers with one
  Result for each of their read-outs; raw scores follow if there are any, then Company, and the
  scores of draws. The next Block follows; one without units ends the child.

No message holds a label. What a child reports is bounded here: a message that exceeds MAX_BYTES or
a bound of a field is refused.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from annotated_types import Ge, Len, Predicate
from numpy.typing import NDArray
from pydantic import ConfigDict, FiniteFloat, TypeAdapter

from bench.run.diagnostics import Diagnostics, Parameters
from bench.store.records import FAILURES, Status

READY = b"R"
FORK = b"F"
KILL = b"K"
NUMBER_BYTES = 8
MARK = b"fathom\r\n"
HEAD = struct.Struct("<8sQ")
CHUNK_BYTES = 2**20
MAX_BYTES = 8 * 2**20  # of a message of a child; of BlockFitted for each unit
MAX_TEXT = 20_000  # characters of a reason, a traceback or a warning
MAX_TEXTS = 200  # warnings of a fit or a read-out
CANNOT_GO_ON = 70  # exit status of a child that fails outside the detector's own code


def _storable(text: str) -> bool:
    """Whether a text is without lone surrogates."""
    return text == text.encode(errors="replace").decode()


def _is_json(value: object) -> bool:
    """Whether a value is storable, with finite numbers only."""
    return _storable(json.dumps(value, allow_nan=False, ensure_ascii=False))


Text = Annotated[str, Len(0, MAX_TEXT), Predicate(_storable)]
Texts = Annotated[list[Text], Len(0, MAX_TEXTS)]
Settings = Annotated[dict[Text, Any], Len(0, MAX_TEXTS), Predicate(_is_json)]
Cost = Annotated[FiniteFloat, Ge(0)]
Failure = Annotated[Status, Predicate(lambda status: status in FAILURES)]


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
class ContractCheck(Message):
    """Make one check of the contract on a detector.

    Attributes:
        spec: canonical name of the detector.
        settings: its settings.
        check: name of the check.
        seconds: after which a check that still runs writes to its output where it is.
    """

    spec: str
    settings: dict[str, Any]
    check: str
    seconds: float


@dataclass(frozen=True)
class Model(Message):
    """Run a model with these settings on a device."""

    spec: str
    settings: dict[str, Any]
    device: str


@dataclass(frozen=True)
class Request(Message):
    """What a child is started for, and its folder for temporary files."""

    work: Check | ContractCheck | Model
    tmp: str


@dataclass(frozen=True)
class Checked(Message):
    """What is wrong with a detector's settings, None if nothing is; and all that are in effect."""

    error: Text | None
    settings: Settings = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict(Message):
    """How a check of the contract ended, why, and at which line of the detector's files."""

    outcome: Literal["passed", "failed", "not applicable"]
    reason: Text = ""
    line: Text = ""


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
    """How a fit or a read-out failed; and whether since something is not installed or missing."""

    status: Failure
    reason: Text
    traceback: Text = ""
    warnings: Texts = field(default_factory=list)
    unavailable: bool = False


@dataclass(frozen=True)
class Fitted(Message):
    """Costs and diagnostics of one fitted model; seconds and memory as in `records.Row`."""

    cpu_seconds: Cost
    wall_seconds: Cost
    peak_mib: Cost
    parameters: Parameters | None
    diagnostics: Diagnostics
    warnings: Texts


@dataclass(frozen=True)
class BlockFitted(Message):
    """The sha256 of the user's file that was imported, if any, and one outcome for each unit."""

    file_sha256: Text | None
    outcomes: list[Fitted | Failed]


@dataclass(frozen=True)
class TestSamples(Message):
    """Files of test samples, by seed; and of draws from the box around training samples."""

    files: dict[int, str]
    draws: dict[int, str]


@dataclass(frozen=True)
class Scored(Message):
    """Costs of one read-out; the scores themselves are the next message."""

    head_cpu_seconds: Cost
    head_wall_seconds: Cost
    score_us: Cost
    peak_mib: Cost
    warnings: Texts


@dataclass(frozen=True)
class Result(Message):
    """How a read-out ended."""

    outcome: Scored | Failed


@dataclass(frozen=True)
class Company(Message):
    """How scores depend on the other test rows, "" if they do not; or why that is not known.

    And why draws could not be scored; else their scores, if there are any, are the next message.
    """

    dependence: Text = ""
    untested: Text = ""
    unscored: Text = ""


# Built on import, before a child is forked.
_ADAPTERS: dict[type[Message], TypeAdapter[Any]] = {
    kind: TypeAdapter(kind)
    for kind in (Request, Checked, Verdict, Block, BlockFitted, TestSamples, Result, Company)
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
    try:
        message: M = _ADAPTERS[kind].validate_python(json.loads(content))
    except (RecursionError, OverflowError) as error:
        raise ValueError(str(error)) from error
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


def framed(content: bytes) -> bytes:
    """Return a message as it is sent."""
    return HEAD.pack(MARK, len(content)) + content


class Incoming:
    """A message as far as it has come."""

    def __init__(self, most: int) -> None:
        """Expect a message of at most `most` bytes."""
        self._most = most
        self._size: int | None = None  # None until the head is complete
        self.content = bytearray()

    @property
    def begun(self) -> bool:
        """Whether a part of it has come."""
        return self._size is not None or bool(self.content)

    def read(self, channel: socket.socket) -> bool:
        """Take bytes from a channel, at most CHUNK_BYTES; return whether the message is whole.

        Raises:
            EOFError: the channel is closed.
            ValueError: these bytes are no message, or it is longer than expected.
        """
        due = HEAD.size if self._size is None else self._size
        part = channel.recv(min(due - len(self.content), CHUNK_BYTES))
        if not part:
            raise EOFError
        self.content += part
        if len(self.content) < due:
            return False
        if self._size is None:
            mark, self._size = HEAD.unpack(self.content)
            self.content.clear()
            if mark != MARK or self._size > self._most:
                msg = f"not a message of at most {self._most} bytes"
                raise ValueError(msg)
            with contextlib.suppress(BlockingIOError):  # most contents come with their heads
                return self._size == 0 or self.read(channel)
            return False
        return True


def receive(channel: socket.socket) -> bytes:
    """Wait for a message of any length, and return its content."""
    incoming = Incoming(sys.maxsize)
    while not incoming.read(channel):
        pass
    return bytes(incoming.content)
