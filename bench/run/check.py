"""`bench check`: the contract of detectors, checked in this process."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from detectors.conformance import checks
from detectors.conformance.subject import Subject
from detectors.factory import check
from detectors.spec import parse

N_EPOCHS = 4
SPECIAL = (
    checks.codes_are_consistent.__name__,
    checks.errors_by_feature_are_consistent.__name__,
    checks.training_moves_every_parameter_and_lowers_the_loss.__name__,
)


def check_contract(spec: str, console: Console) -> list[str]:
    """Check a detector and each of its read-outs against the contract; print one line a check.

    A model with a setting `epochs` trains for a few only, as each check fits it again.

    Returns:
        The checks that failed, as "spec: check".

    Raises:
        ValueError: no such detector, or its class is not one.
        FileNotFoundError: the file of a `path.py:Class` does not exist.
    """
    parsed = parse(spec)
    check(str(parsed), {})
    readouts = parsed.entry.readouts if str(parsed) != spec.strip() else ()
    failed: list[str] = []
    brief = parsed.entry.takes_epochs and not parsed.untrained
    settings = {"epochs": N_EPOCHS} if brief else {}
    for text in [f"{parsed.model}:{readout}" for readout in readouts] or [str(parsed)]:
        subject = Subject(text, settings)
        failed += [f"{text}: {name}" for name in _failures(subject, console)]
    return failed


def _failures(subject: Subject, console: Console) -> Iterator[str]:
    """Run the checks of one read-out and print how each ended; yield the names of the failed."""
    console.print(f"{subject.text}:", markup=False)
    apply = checks.checks_for(subject)
    for name in dict.fromkeys([*apply, *SPECIAL]):
        if name not in apply:
            console.print(f"  not applicable  {name}")
            continue
        try:
            apply[name](subject)
        except checks.CheckFailed as error:
            reason = str(error)
        except Exception as error:  # the detector's own
            reason = _where(error)
        else:
            console.print(f"  passed          {name}")
            continue
        console.print(f"  failed          {name}: {reason}", markup=False, soft_wrap=True)
        yield name


def _where(error: Exception) -> str:
    """Return what was raised and the line that raised it."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"
