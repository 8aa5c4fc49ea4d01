"""`bench check`: the contract of detectors, each check in a process of its own."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from bench.plan.job import Limits
from bench.plan.planning import modules
from bench.run.child import folder_of
from bench.run.converse import check_settings
from bench.run.failures import dumped_at
from bench.run.messages import ContractCheck, Request, Verdict
from bench.run.processes import default_limit_mib
from bench.run.session import interruptible, settings_in_effect
from bench.run.supervise import Death, ForkServer, ServerDied
from bench.store.records import Wanted
from detectors.conformance import checks
from detectors.spec import parse

N_EPOCHS = 4
NAMES = (*checks.CHECKS, *checks.CALL_NO_SCORE)
SHARE = 0.9  # of the time limit, after which a check writes where it is


def check_contract(spec: str, console: Console, limits: Limits) -> list[str]:
    """Check a detector and each of its read-outs against the contract; print one line a check.

    A model with a setting `epochs` trains for a few only, as each check fits it again.

    Args:
        spec: of the detector.
        console: where lines are printed.
        limits: time and memory of a check.

    Returns:
        The checks that failed, as "spec: check".

    Raises:
        ValueError: no such detector, or it cannot be created.
        FileNotFoundError: the file of a `path.py:Class` does not exist.
    """
    parsed = parse(spec)
    readouts = parsed.entry.readouts if str(parsed) != spec.strip() else ()
    texts = [f"{parsed.model}:{readout}" for readout in readouts] or [str(parsed)]
    brief = parsed.entry.takes_epochs and not parsed.untrained
    settings = {"epochs": N_EPOCHS} if brief else {}
    with _server(texts) as server:
        (checked,) = check_settings(server, [(str(parsed), {})], limits.memory_mib)
        if checked.error:
            raise ValueError(checked.error)
        return [*_failures(texts, settings, server, limits, console)]


def check_rows(rows: Sequence[Wanted]) -> None:
    """Check the detectors of rows and their settings as a run does before its first job.

    Raises:
        ValueError: one cannot be made, or its settings are not accepted.
    """
    with _server([row.spec for row in rows]) as server:
        settings_in_effect(rows, server, default_limit_mib(1))


@contextmanager
def _server(specs: Sequence[str]) -> Iterator[ForkServer]:
    """Start a fork server that leaves nothing behind, for the `with` block.

    Raises:
        ValueError: it died.
    """
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as folder, interruptible(stop):
        server = ForkServer(Path(folder), modules(specs), stop)
        try:
            yield server
        except ServerDied as death:
            raise ValueError(death.reason) from death
        finally:
            server.close()


def _failures(
    texts: list[str], settings: dict[str, int], server: ForkServer, limits: Limits, console: Console
) -> Iterator[str]:
    """Make all checks and print how each ended; yield the failed. Equal reasons are given once.

    If the first check that calls a method ends its child, no other check that calls it is made.
    """
    first: dict[tuple[str, str], str] = {}
    for text in texts:
        console.print(f"{text}:", markup=False)
        due = list(NAMES)
        while due:
            verdict, has_died = _verdict(text, settings, name := due.pop(0), server, limits)
            line = f"  {verdict.outcome:<15} {name}"
            if verdict.outcome == "failed":
                why = (verdict.reason, verdict.line)
                where = f" ({verdict.line})" if verdict.line else ""
                line += f": as {first[why]}" if why in first else f": {verdict.reason}{where}"
                first.setdefault(why, name if len(texts) == 1 else f"{name} of {text}")
                yield f"{text}: {name}"
            console.print(line, markup=False, soft_wrap=True)
            if has_died and (method := checks.CALLS.get(name)):
                line = f"  {'not made':<15} all other checks that call `{method}`"
                console.print(line, markup=False, soft_wrap=True)
                if method == "fit":  # which the read-outs of a model share
                    return
                due = [name for name in due if name in checks.CALL_NO_SCORE]


def _verdict(
    text: str, settings: dict[str, int], name: str, server: ForkServer, limits: Limits
) -> tuple[Verdict, bool]:
    """Return how a check in a new child ended, and whether the child did before."""
    folder = folder_of(parse(text))
    with server.child(limits) as child:
        work = ContractCheck(text, settings, name, SHARE * limits.seconds)
        try:
            child.send(Request(work, child.tmp))
            return child.receive(Verdict), False
        except Death as death:  # also of the fork server, which a detector may kill
            over = f"used more than {limits.memory_mib:.0f} MiB; raise --memory-limit to allow more"
            reason = over if death.status == "memory" else death.reason
            return Verdict("failed", reason, dumped_at(child.output(), folder)), True
