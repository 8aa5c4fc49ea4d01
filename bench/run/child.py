"""What a child of the fork server does: check settings, or fit models and read their scores out.

It gets training samples, settings and seeds; after `fit` returned, the test samples, in permuted
order; never a label. That guards against accident and convenience, not against malice: a detector
runs with the user's rights. All that moves a score is in `bench.run.scoring`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.pixels import scores_of
from bench.run import scoring
from bench.run.diagnostics import Diagnostics, read_diagnostics
from bench.run.failures import caught_warnings, encodable, failed, one_line
from bench.run.memory import peak_mib, reset_peak
from bench.run.messages import (
    Asked,
    Block,
    BlockFitted,
    Check,
    Checked,
    Failed,
    Fitted,
    Message,
    Model,
    ReadOut,
    Request,
    Result,
    Scored,
    TestSamples,
    Unit,
    decode,
    encode,
    encode_scores,
)
from bench.store.codeid import file_digest
from detectors.contract import Detector
from detectors.factory import check
from detectors.spec import Spec, parse


def serve(connection: Connection) -> None:
    """Do what the harness requests over a connection, until it requests no more."""
    work = decode(Request, connection.recv_bytes()).work
    if isinstance(work, Check):
        for asked in work.detectors:
            _send(connection, Checked(_error_of(asked)))
        return
    spec, home = parse(work.spec), os.getcwd()
    while units := decode(Block, connection.recv_bytes()).units:
        os.chdir(home)  # a detector of the block before may have left it
        _run_block(connection, spec, work, units)


def _error_of(asked: Asked) -> str | None:
    try:
        check(asked.spec, asked.settings)
    except ValueError as error:
        return str(error)
    except BaseException as error:  # a user's file may raise anything when it is imported
        return f"cannot create {asked.spec}: {failed(error).reason}"
    return None


def _run_block(connection: Connection, spec: Spec, model: Model, units: Sequence[Unit]) -> None:
    """Fit the block's models, report them, then read out every wanted score in order."""
    specs = {readout.spec: parse(readout.spec) for unit in units for readout in unit.readouts}
    scoring.seed_generators(units[0].seed)
    models, fitted = _fit(spec, model, units)
    _send(connection, fitted)
    tests = decode(TestSamples, connection.recv_bytes()).files
    for i, (unit, outcome) in enumerate(zip(units, fitted.outcomes, strict=True)):
        if isinstance(outcome, Failed):
            continue
        x_test = np.load(tests[unit.seed])
        x_test.setflags(write=False)
        for readout in unit.readouts:
            scoring.seed_generators(unit.seed)
            result, scores = _read_out(models[i], specs[readout.spec], readout, unit, x_test)
            _send(connection, Result(result))
            if scores is not None:
                connection.send_bytes(encode_scores(scores))


def _fit(spec: Spec, model: Model, units: Sequence[Unit]) -> tuple[list[Detector], BlockFitted]:
    """Fit one model a unit; return them and what is reported of them."""
    samples = [np.load(unit.x_train) for unit in units]
    models: list[Detector] = []
    files: dict[str, str] = {}
    outcomes: list[Failed | int | None]  # a failure, or the number of parameters
    start_peak = reset_peak()
    cpu, wall = time.process_time(), time.perf_counter()
    with caught_warnings() as caught:
        try:
            models = scoring.build(
                spec, model.settings, model.device, [unit.seed for unit in units]
            )
            files = _files_read(spec)
            errors = scoring.fit(spec, models, samples)
            outcomes = [
                failed(error) if error else _n_parameters(each)
                for each, error in zip(models, errors, strict=True)
            ]
        except BaseException as error:  # also SystemExit and KeyboardInterrupt
            outcomes = [failed(error)] * len(units)
    cpu_seconds = (time.process_time() - cpu) / len(units)
    wall_seconds = (time.perf_counter() - wall) / len(units)
    peak = peak_mib(start_peak)
    reported: list[Fitted | Failed] = []
    for i, outcome in enumerate(outcomes):
        if isinstance(outcome, Failed):
            reported.append(replace(outcome, warnings=caught))
        else:
            diagnostics, further = _diagnostics(models[i])
            warnings = [*caught, *further]
            reported.append(Fitted(cpu_seconds, wall_seconds, peak, outcome, diagnostics, warnings))
    return models, BlockFitted(files, reported)


def _files_read(spec: Spec) -> dict[str, str]:
    """Return the sha256 of the user's file that a model was imported from, as it is now."""
    file = spec.entry.target.rpartition(":")[0]
    return {file: file_digest(Path(file))} if file.endswith(".py") else {}


def _n_parameters(model: Detector) -> int | None:
    n_parameters = model.n_parameters_
    return None if n_parameters is None else int(n_parameters)


def _diagnostics(model: Detector) -> tuple[Diagnostics, list[str]]:
    """Return the diagnostics of a fitted model, and the warnings that reading them raises."""
    with caught_warnings() as caught:
        diagnostics, left_out = read_diagnostics(model)
    return diagnostics, [*caught, *(encodable(one_line(sentence)) for sentence in left_out)]


def _read_out(
    model: Detector, spec: Spec, readout: ReadOut, unit: Unit, x_test: NDArray[Any]
) -> tuple[Scored | Failed, NDArray[np.float64] | None]:
    """Return costs and scores of one read-out or head of a fitted model, or its failure.

    Where scores of pixels are wanted, they go to their file.
    """
    start_peak = reset_peak()
    head_cpu_seconds = head_wall_seconds = 0.0
    with caught_warnings() as caught:
        try:
            detector = model
            start, wall = time.process_time(), time.perf_counter()
            if spec.head:
                x_train = np.load(unit.x_train)
                detector = scoring.with_head(spec, model, readout.head, unit.seed, x_train)
                head_cpu_seconds = time.process_time() - start
                head_wall_seconds = time.perf_counter() - wall
            start = time.process_time()
            scores = scoring.score(detector, spec.readout, x_test)
            score_us = (time.process_time() - start) / len(x_test) * 1e6
            peak = peak_mib(start_peak)
            if readout.pixels and not spec.head and (found := scores_of(model, x_test)) is not None:
                np.save(readout.pixels, found)
        except BaseException as error:  # also SystemExit and KeyboardInterrupt
            return replace(failed(error), warnings=caught), None
    return Scored(head_cpu_seconds, head_wall_seconds, score_us, peak, caught), scores


def _send(connection: Connection, message: Message) -> None:
    connection.send_bytes(encode(message))
