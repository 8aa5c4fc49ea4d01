"""The grammar of detectors' names.

A spec is `base[:readout]` or `base+head`; a base is a registered name, `pyod:Class`,
`backbone:NAME` (a pretrained network), `untrained-NAME` (the same model without a training step) or
`path.py:Class`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from detectors.contract import Family
from detectors.entry import Entry
from detectors.registry import TABLE, find
from detectors.settings import nearest

UNTRAINED = "untrained-"
# Heads whose score of normal samples is constant but for steps: its gradient says nothing.
STEPWISE = ("copod", "ecod", "findout", "iforest", "iforest-legacy-seed", "loda-legacy-seed")


@dataclass(frozen=True)
class Spec:
    """A parsed detector name. `str(spec)` is its canonical form.

    Attributes:
        base: registered name, "pyod:Class" or "path.py:Class".
        entry: the registry's entry of the base.
        untrained: whether the model takes no training step.
        readout: name of the score; None for a single score or with a head.
        head: name of the detector on the model's codes, or None.
    """

    base: str
    entry: Entry
    untrained: bool = False
    readout: str | None = None
    head: str | None = None

    @property
    def model(self) -> str:
        """The canonical name of the fitted model, without read-out or head."""
        return UNTRAINED + self.base if self.untrained else self.base

    @property
    def family(self) -> Family:
        """Deep, shallow, hybrid (with a head) or control (a baseline or an untrained model)."""
        if self.untrained:
            return "control"
        return "hybrid" if self.head else self.entry.family

    @property
    def head_entry(self) -> Entry | None:
        """The registry's entry of the head."""
        return find(self.head) if self.head else None

    @property
    def transductive(self) -> bool:
        """Whether a score depends on the other test rows."""
        return self.entry.transductive

    @property
    def pooling(self) -> str | None:
        """How the map of the read-out is pooled to its score, "" if not at all; None: no map."""
        if not self.head:
            return self.entry.localizes.get(self.readout or "")
        knows = self.entry.is_own and self.entry.family == "deep" and self.entry.localizes
        return "" if knows and self.head in TABLE and self.head not in STEPWISE else None

    @property
    def is_own(self) -> bool:
        """Whether the classes of base and head are in this package."""
        return all(entry.is_own for entry in (self.entry, self.head_entry) if entry)

    def __str__(self) -> str:
        if self.head:
            return f"{self.model}+{self.head}"
        return f"{self.model}:{self.readout}" if self.readout else self.model


def parse(text: str) -> Spec:
    """Return the spec that `text` names.

    Raises:
        UnknownDetector: an unknown base or head, with the nearest names.
        ValueError: a read-out or a head that the base does not have.
    """
    model, plus, head = text.strip().partition("+")
    untrained = model.startswith(UNTRAINED)
    base, readout = _split_readout(model.removeprefix(UNTRAINED))
    base = _canonical(base)
    entry = find(base)
    if untrained and not entry.takes_epochs:
        able = ", ".join(name for name in TABLE if find(name).takes_epochs)
        msg = f"{text!r}: {base} has no untrained twin; models that have: {able}"
        raise ValueError(msg)
    if plus:
        head = _check_head(text, base, readout, entry, _canonical(head))
        return Spec(base, entry, untrained, head=head)
    if readout and readout not in entry.readouts:
        known = nearest(readout, entry.readouts) if entry.readouts else "it has a single score"
        msg = f"{base} has no read-out {readout!r}; {known}"
        raise ValueError(msg)
    default = entry.readouts[0] if entry.readouts else None
    return Spec(base, entry, untrained, readout=readout or default)


def _split_readout(model: str) -> tuple[str, str | None]:
    parts = model.split(":")
    n_base = 2 if parts[0] in ("pyod", "backbone") or parts[0].endswith(".py") else 1
    readout = ":".join(parts[n_base:])
    return ":".join(parts[:n_base]), readout or None


def _canonical(base: str) -> str:
    """Return a base; a file's path becomes relative to the working folder, else absolute."""
    where, found, attribute = base.rpartition(".py:")
    if not found:
        return base
    path, here = Path(f"{where}.py").resolve(), Path.cwd()
    return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{attribute}"


def _check_head(text: str, base: str, readout: str | None, entry: Entry, head: str) -> str:
    if readout:
        msg = f"{text!r}: a head reads the codes, so leave out the read-out {readout!r}"
        raise ValueError(msg)
    if not entry.encodes:
        encoders = ", ".join(name for name in TABLE if find(name).encodes)
        msg = f"{text!r}: {base} has no codes for a head; models that have: {encoders}"
        raise ValueError(msg)
    if find(head).family == "control":
        msg = f"{text!r}: a head is a shallow or a deep detector, {head} is a baseline"
        raise ValueError(msg)
    return head
