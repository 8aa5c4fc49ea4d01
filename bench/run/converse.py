"""The harness's part of a conversation with a child: run one job, or check settings.

A job is loaded, split and scaled here; samples are handed over as files, and rows are made of what
the child answers.
"""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from bench.metrics import volumes
from bench.plan.costs import Size, size_of
from bench.plan.job import Job, Limits
from bench.plan.stages import Stages
from bench.protocols.named import NotApplicable
from bench.run import judge, messages
from bench.run.child import users_file
from bench.run.failures import one_line
from bench.run.grouped import prepared, save
from bench.run.messages import Checked, Failed, Fitted, Scored
from bench.run.prepare import Samples, Unit
from bench.run.supervise import Child, Death, ForkServer, ServerDied
from bench.store.codeid import code_parts, origin
from bench.store.provenance import provenance
from bench.store.records import Row, Wanted
from datasets import DataSet, load, own, present
from datasets.formats.images import own_mask
from datasets.pictures import pictures
from detectors.spec import parse

MAX_IDLE = 3
CHECK_SECONDS = 60.0  # for a detector to be imported
KEPT_BYTES = 2**30  # of data sets that stay loaded for later jobs
MAX_PROBLEM = 5000  # characters of what is wrong with data; the remedy is at its end


class NotRun(Exception):
    """Raised when a job cannot be run for a reason that its detector did not cause."""

    def __init__(self, reason: str, rest: str = "...") -> None:
        super().__init__(one_line(reason, MAX_PROBLEM, rest))


def run_job(job: Job, server: ForkServer, stages: Stages) -> Iterator[Row]:
    """Yield the rows of a job, each as soon as it is known, and count where the time goes.

    A death of the child is blamed on what was running. After it, and after a seed with an error,
    the rest goes on in a fresh child, so that no seed depends on what another broke. A fork
    server that ends costs no row: the job goes on in another one, and is given up only
    when that has happened MAX_IDLE times with no row made in between.

    Raises:
        NotRun: the data set's files are missing or invalid, or the fork server does not work.
        Interrupted: the run is being ended.
    """
    first = job.wanted[0]
    with stages.of("load"):
        data = _load(first.dataset, job.data)
    if data.card.sha256 != first.data_sha256:
        msg = f"{first.dataset} was changed during the run; run again to use it as it is now"
        raise NotRun(msg)
    model = messages.Model(first.model, first.model_settings, first.device)
    together = parse(first.model).entry.trains_together
    pending = {wanted.key: wanted for wanted in job.wanted}
    n_idle = 0
    while pending:
        n_before = len(pending)
        try:
            with ExitStack() as ending:
                with stages.of("start"):
                    child = ending.enter_context(server.child(job.limits))
                    child.send(messages.Request(model, child.tmp))
                for block in _blocks(pending.values(), together):
                    broken = False
                    for row in _run_block(child, data, block, job.data, stages):
                        del pending[row.wanted.key]
                        broken |= row.status in ("error", "memory")
                        yield _with_origin(row, job)
                    if broken:  # the process may be damaged: the rest in a fresh child
                        break
                child.send(messages.Block([]))
        except Death as death:
            n_idle = n_idle + 1 if len(pending) == n_before else 0
            if n_idle == MAX_IDLE:
                msg = f"{first.model} on {first.dataset}: {death.reason}"
                raise NotRun(msg) from death


def _with_origin(row: Row, job: Job) -> Row:
    """Return a row with the machine and the code that made it."""
    wanted = row.wanted
    return replace(
        row,
        provenance={**row.provenance, **provenance(), "run": job.run},
        details={**row.details, "code": _code(wanted.spec, wanted.protocol, wanted.dataset)},
    )


@cache
def _code(spec: str, protocol: str, dataset: str) -> dict[str, Any]:
    return code_parts(origin(parse(spec), protocol, dataset))


def _blocks(pending: Iterable[Wanted], together: bool) -> list[list[list[Wanted]]]:
    """Return the rows to make, by blocks of models to fit at once, by seed."""
    by_seed: dict[int, list[Wanted]] = {}
    for wanted in pending:
        by_seed.setdefault(wanted.seed, []).append(wanted)
    return [list(by_seed.values())] if together else [[group] for group in by_seed.values()]


def _run_block(
    child: Child, data: DataSet, block: list[list[Wanted]], folder: Path | None, stages: Stages
) -> Iterator[Row]:
    """Yield the rows of models that are fitted at once, one group of rows a model.

    Raises:
        Death: after the rows that it is blamed on.
    """
    units: list[Unit] = []
    for group in block:
        try:
            if refused := judge.refusal(group[0]):
                raise NotApplicable(refused)
            with stages.of("split"):
                units.append(prepared(data, group))
        except NotApplicable as error:
            yield from (Row(wanted, "unsupported", str(error)) for wanted in group)
        except Exception as error:  # above all a lack of memory
            raise _unusable(group[0].dataset, error) from error
    if not units:
        return
    running: list[tuple[Unit, Wanted, Fitted | None]]
    running = [(unit, wanted, None) for unit in units for wanted in unit.wanted]
    child.forget_output()
    since = time.monotonic()
    try:
        with stages.of("split"):
            handed = messages.Block([_to_fit(child, unit) for unit in units])
        with stages.of("fit"):
            child.send(handed)
            answer = child.receive(messages.BlockFitted, n_units=len(units))
        if len(answer.outcomes) != len(units):
            raise child.unexpected()
        _refuse_changed(units[0].wanted[0].model, answer.file_sha256)
        fitted = []
        seconds = (time.monotonic() - since) / len(running)
        for unit, model in zip(units, answer.outcomes, strict=True):
            if isinstance(model, Failed):
                _refuse_unavailable(unit.wanted[0].model, model)
                for wanted in unit.wanted:
                    yield judge.failed(unit, wanted, model, child.output(), seconds)
            else:
                fitted.append((unit, model))
        running = [(unit, wanted, model) for unit, model in fitted for wanted in unit.wanted]
        since = time.monotonic()
        with stages.of("split"):
            tests = {
                unit.seed: _save(child, f"test-{unit.seed}", unit.x_test) for unit, _ in fitted
            }
            draws = {
                unit.seed: _save(child, f"draws-{unit.seed}", drawn)
                for unit, _ in fitted
                if unit.wanted[0].volumes_id
                and (drawn := volumes.draws(unit.x_train, unit.seed)) is not None
            }
        child.send(messages.TestSamples(tests, draws))
        for unit, model in fitted:
            for wanted in unit.wanted:
                running, since = [(unit, wanted, model)], time.monotonic()
                with stages.of("score"):
                    outcome = child.receive(messages.Result).outcome
                if isinstance(outcome, Scored):
                    scores = child.receive_scores(len(unit.truth))
                    maps = None if unit.masks is None else _take_pixels(child, wanted)
                    masks = () if maps is None else _own_masks(unit, data, folder)
                    with stages.of("metrics"):
                        row = judge.judged(
                            unit, wanted, scores, outcome, child.output(), model, maps, masks
                        )
                    running = []  # from here on, a death costs no row
                    try:
                        with stages.of("company"):
                            found = child.receive(messages.Company)
                            row = judge.in_company(row, found)
                            if unit.seed in draws and not found.unscored:
                                drawn = child.receive_scores(volumes.DRAWS)
                                row = judge.with_volumes(row, drawn)
                        yield row
                    except Death as death:
                        untested = messages.Company(untested=death.reason)
                        yield judge.in_company(row, untested)
                        raise
                else:
                    _refuse_unavailable(wanted.spec, outcome)
                    seconds = time.monotonic() - since
                    yield judge.failed(unit, wanted, outcome, child.output(), seconds, model)
    except ServerDied:
        raise
    except Death as death:
        outcome = Failed(death.status, death.reason)
        seconds = (time.monotonic() - since) / max(1, len(running))
        for unit, wanted, fit in running:
            yield judge.failed(unit, wanted, outcome, child.output(), seconds, fit)
        raise


def _refuse_changed(model: str, sha256: str | None) -> None:
    """Check that a model's file, if it is a user's, is still the one that keys were made of.

    Raises:
        NotRun: it has changed since.
    """
    spec = parse(model)
    if sha256 not in (None, users_file(spec)):
        file = spec.entry.target.rpartition(":")[0]
        msg = f"{file} was changed during the run; run again to use it as it is now"
        raise NotRun(msg)


def _refuse_unavailable(spec: str, outcome: Failed) -> None:
    """Check that a failure is the detector's own.

    Raises:
        NotRun: something that the detector needs is not installed, missing or broken.
    """
    if outcome.unavailable:
        msg = f"{spec}: {outcome.reason}"
        raise NotRun(msg)


def _to_fit(child: Child, unit: Unit) -> messages.Unit:
    readouts = [
        messages.ReadOut(
            spec=wanted.spec,
            head=wanted.settings.get("head", {}),
            pixels="" if unit.masks is None else str(_pixels(child, wanted)),
        )
        for wanted in unit.wanted
    ]
    x_train = _save(child, f"train-{unit.seed}", unit.x_train)
    return messages.Unit(unit.seed, x_train, readouts)


def _pixels(child: Child, wanted: Wanted) -> Path:
    """Return the file to which the child writes a row's scores of pixels, if there are any."""
    return child.folder / f"pixels-{wanted.key}.npy"


def _take_pixels(child: Child, wanted: Wanted) -> NDArray[np.floating] | None:
    """Return a row's scores of pixels, and remove their file."""
    file = _pixels(child, wanted)
    if not file.exists():
        return None
    maps: NDArray[np.floating] = np.load(file)
    file.unlink()
    return maps


def _own_masks(unit: Unit, data: DataSet, folder: Path | None) -> Sequence[NDArray[np.uint8]]:
    """Return the masks of the scored images, at their own resolution where they are files."""
    rows = unit.split.scored[unit.split.order].tolist()
    assert data.masks is not None
    drawn = _drawn(data.card.name, folder, frozenset(rows))
    return data.masks[rows] if drawn is None else [drawn[row] for row in rows]


@lru_cache(maxsize=1)
def _drawn(
    name: str, folder: Path | None, rows: frozenset[int]
) -> dict[int, NDArray[np.uint8]] | None:
    found = pictures(name, folder)
    return None if found is None else {row: own_mask(found[row]) for row in rows}


def _save(child: Child, name: str, x: Samples) -> str:
    """Return the file of samples for a child.

    Raises:
        Death: the detector removed the folder that is for them.
    """
    try:
        return save(child.folder / name, x)
    except FileNotFoundError:
        reason = "the detector removed the folder of its samples"
        raise Death(status="crashed", reason=reason) from None


def _bytes_of(data: DataSet) -> int:
    return int(data.x.nbytes + (0 if data.masks is None else data.masks.nbytes))


@cached(LRUCache(KEPT_BYTES, _bytes_of), lock=threading.Lock())
def _load(name: str, folder: Path | None) -> DataSet:
    try:
        return load(name, folder)
    except (OSError, ValueError) as error:
        command = one_line(f"bench data card {shlex.quote(name)}", MAX_PROBLEM)
        raise NotRun(str(error), f"... (in full: {command})") from error
    except Exception as error:  # whatever absurd content does to a reader
        raise _unusable(name, error) from error


def examine(names: Iterable[str], folder: Path | None) -> tuple[dict[str, Size], dict[str, str]]:
    """Return the sizes of the user's own data sets, and what is wrong with which of all.

    This needs no process, so that none is started for data that cannot be used. What is loaded
    stays so for the jobs, as far as KEPT_BYTES go.
    """
    sizes, refused = {}, {}
    for name in dict.fromkeys(names):
        if own.entry(name) or not present(name, folder):
            try:
                data = _load(name, folder)
                sizes[name] = size_of(len(data.y), int(data.y.sum()), data.x.shape[1:])
            except NotRun as error:
                refused[name] = str(error)
    return sizes, refused


def _unusable(dataset: str, error: Exception) -> NotRun:
    return NotRun(f"{dataset} cannot be used: {type(error).__name__}: {error}")


def check_settings(
    server: ForkServer,
    pairs: Sequence[tuple[str, Mapping[str, Any]]],
    memory_mib: float,
    seconds: float = CHECK_SECONDS,
) -> list[Checked]:
    """Return what is wrong with each of (spec, settings) pairs, and the settings in effect.

    They are tried in children. The time limit is for each pair. A death of a child is blamed on a
    pair that was its first.

    Raises:
        Interrupted: the run is being ended.
    """
    found: list[Checked] = []
    pending = list(pairs)
    while pending:
        is_first = True
        try:
            with server.child(Limits(seconds, memory_mib)) as child:
                asked = [messages.Asked(spec, dict(settings)) for spec, settings in pending]
                child.send(messages.Request(messages.Check(asked), child.tmp))
                while pending:
                    found.append(child.receive(Checked))
                    del pending[0]
                    is_first = False
        except ServerDied:
            raise
        except Death as death:
            if is_first:
                late = death.status == "timeout"
                why = "its import does not finish" if late else death.reason
                found.append(Checked(f"cannot create {pending.pop(0)[0]}: {why}"))
    return found
