"""What `bench run` was called for: a name, the suite that its options came to, and its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple


def run_name(moment: datetime) -> str:
    """Return the name of a run that begins at a moment, in UTC."""
    return moment.strftime("%Y%m%dT%H%M%SZ")


class Profile(NamedTuple):
    """Where the time of a run went: wall seconds by stage, for the rows that it made."""

    n_rows: int
    seconds: Mapping[str, float]


@dataclass(frozen=True)
class Invocation:
    """One call of `bench run` on a results folder.

    Attributes:
        name: of the suite, or its own.
        run: as in the provenance of the rows that it computed.
        date: when it began, an ISO date and time in UTC.
        command: as it was typed.
        suite: the parts of the suite after all options, as in a suite's file.
        device: the option.
        data: the data folder, None for the default one.
        keys: of all rows that it wanted, stored before or not.
    """

    name: str
    run: str
    date: str
    command: str
    suite: Mapping[str, Any]
    device: str
    data: str | None
    keys: tuple[str, ...]
