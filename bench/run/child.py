"""What a child of the fork server does: check settings, or fit models and read their scores out.

It gets training samples, settings and seeds; after `fit` returned, the test samples, in permuted
order; never a label. That guards against accident and convenience, not against malice: a detector
runs with the user's rights. All that moves a score is in `bench.run.scoring`.
"""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from bench.metrics.pixels import scores_of
from bench.run import company, grouped, scoring
from bench.run.diagnostics import read_diagnostics, read_parameters
from bench.run.failures import (
    MAX_TRACEBACK,
    caught_warnings,
    failed,
    one_line,
    raised_at,
    shortened,
)
from bench.run.messages import (
    Asked,
    Block,
    BlockFitted,
    Check,
    Checked,
    Company,
    ContractCheck,
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
    Verdict,
    decode,
    encode,
    encode_scores,
    framed,
    receive,
)
from bench.run.processes import peak_mib, reset_peak
from bench.store.codeid import file_digest
from datasets.kept import FEATURES
from detectors.conformance.checks import CheckFailed, checks_for
from detectors.conformance.subject import Subject
from detectors.contract import Detector
from detectors.factory import check
from detectors.localisation import Localizer
from detectors.source import source_file
from detectors.spared import cpu_seconds, keep_in, wall_seconds
from detectors.spec import Spec, parse


def serve(channel: socket.socket) -> None:
    """Do what the harness requests over a channel, until it requests no more."""
    request = decode(Request, receive(channel))
    os.environ["TMPDIR"], tempfile.tempdir = request.tmp, None
    work = request.work
    if isinstance(work, Check):
        for asked in work.detectors:
            _send(channel, _checked(asked))
        return
    if isinstance(work, ContractCheck):
        _send(channel, _verdict(work))
        return
    keep_in(FEATURES)
    spec, home = parse(work.spec), os.getcwd()
    tested: set[str] = set()
    while units := decode(Block, receive(channel)).units:
        os.chdir(home)  # a detector of the block before may have left it
        _run_block(channel, spec, work, units, tested)


def _checked(asked: Asked) -> Checked:
    try:
        return Checked(None, check(asked.spec, asked.settings))
    except ValueError as error:
        return Checked(shortened(str(error), MAX_TRACEBACK))
    except BaseException as error:  # a user's file may raise anything when it is imported
        return Checked(f"cannot create {asked.spec}: {failed(error).reason}")


def _verdict(work: ContractCheck) -> Verdict:
    faulthandler.enable(2, all_threads=False)
    faulthandler.dump_traceback_later(work.seconds, file=2)
    subject = Subject(work.spec, work.settings)
    _let_import_neighbours([subject.spec])
    folder = folder_of(subject.spec)  # before the detector can leave the working folder
    try:
        apply = checks_for(subject)
        if work.check not in apply:
            return Verdict("not applicable")
        apply[work.check](subject)
    except CheckFailed as error:
        return Verdict("failed", one_line(str(error)))
    except BaseException as error:  # also SystemExit and KeyboardInterrupt
        return Verdict("failed", failed(error).reason, raised_at(error, folder))
    return Verdict("passed")


def folder_of(spec: Spec) -> Path:
    """Return the folder of the file that a model's class is in."""
    return source_file(spec.entry.target).resolve().parent


def _run_block(
    channel: socket.socket, spec: Spec, model: Model, units: Sequence[Unit], tested: set[str]
) -> None:
    """Fit the block's models, report them, then read out every wanted score in order.

    `tested` has the detectors of which this child knows whether scores depend on other test rows:
    the first seed of a job is enough, which is every seed of a user's class.
    """
    specs = {readout.spec: parse(readout.spec) for unit in units for readout in unit.readouts}
    _let_import_neighbours(specs.values())
    scoring.seed_generators(units[0].seed)
    models, fitted = _fit(spec, model, units)
    _send(channel, fitted)
    tests = decode(TestSamples, receive(channel))
    for i, (unit, outcome) in enumerate(zip(units, fitted.outcomes, strict=True)):
        if isinstance(outcome, Failed):
            continue
        x_test = grouped.load(tests.files[unit.seed], writable=False)
        for readout in unit.readouts:
            scoring.seed_generators(unit.seed)
            of = specs[readout.spec]
            detector, result, scores = _read_out(models[i], of, readout, unit, x_test)
            _send(channel, Result(result))
            if scores is not None:
                channel.sendall(framed(encode_scores(scores)))
                needed = not (of.transductive or readout.spec in tested)
                found = _in_company(detector, of, unit, x_test, scores) if needed else Company()
                tested.add(readout.spec)
                more = None
                if unit.seed in tests.draws:
                    more, unscored = _of_draws(detector, of, unit, tests.draws[unit.seed])
                    found = replace(found, unscored=unscored)
                _send(channel, found)
                if more is not None:
                    channel.sendall(framed(encode_scores(more)))


def _fit(spec: Spec, model: Model, units: Sequence[Unit]) -> tuple[list[Detector], BlockFitted]:
    """Fit one model a unit; return them and what is reported of them."""
    samples = [grouped.to_fit(spec, grouped.load(unit.x_train)) for unit in units]
    models: list[Detector] = []
    file_sha256: str | None = None
    outcomes: Sequence[Failed | None]
    start_peak = reset_peak()
    cpu, wall = cpu_seconds(), wall_seconds()
    with caught_warnings() as caught:
        try:
            models = scoring.build(
                spec, model.settings, model.device, [unit.seed for unit in units]
            )
            file_sha256 = users_file(spec)
            errors = scoring.fit(spec, models, samples)
            outcomes = [None if error is None else failed(error) for error in errors]
        except BaseException as error:  # also SystemExit and KeyboardInterrupt
            outcomes = [failed(error)] * len(units)
    seconds = (cpu_seconds() - cpu) / len(units)
    on_clock = (wall_seconds() - wall) / len(units)
    peak = peak_mib(start_peak)
    reported: list[Fitted | Failed] = []
    for i, outcome in enumerate(outcomes):
        if outcome is not None:
            reported.append(replace(outcome, warnings=caught))
            continue
        with caught_warnings() as further:
            parameters, uncounted = read_parameters(models[i])
            diagnostics, left_out = read_diagnostics(models[i])
        warnings = [*caught, *further, *map(one_line, [*uncounted, *left_out])]
        reported.append(Fitted(seconds, on_clock, peak, parameters, diagnostics, warnings))
    return models, BlockFitted(file_sha256, reported)


def _let_import_neighbours(specs: Iterable[Spec]) -> None:
    """Let users' files import modules beside them, also later than when they are imported.

    These come last, so that none of them hides a library.
    """
    entries = [entry for spec in specs for entry in (spec.entry, spec.head_entry) if entry]
    sys.path += {str(file.resolve().parent): None for entry in entries if (file := entry.file)}


def users_file(spec: Spec) -> str | None:
    """Return the sha256 of the user's file that a model is imported from; None if there is none."""
    return file_digest(file) if (file := spec.entry.file) else None


def _read_out(
    model: Detector, spec: Spec, readout: ReadOut, unit: Unit, x_test: NDArray[Any]
) -> tuple[Detector, Scored | Failed, NDArray[np.float64] | None]:
    """Return the detector, costs and scores of one read-out or head of a model, or its failure.

    Where scores of pixels are wanted, they go to their file.
    """
    start_peak = reset_peak()
    head_cpu_seconds = head_wall_seconds = 0.0
    with caught_warnings() as caught:
        try:
            detector = model
            start, wall = cpu_seconds(), wall_seconds()
            if spec.head:
                x_train = grouped.to_fit(spec, grouped.load(unit.x_train))
                detector = scoring.with_head(spec, model, readout.head, unit.seed, x_train)
                head_cpu_seconds = cpu_seconds() - start
                head_wall_seconds = wall_seconds() - wall
            detector = grouped.to_score(detector, x_test)
            if not spec.is_own:
                company.keep_fitted(detector, _kept(unit))
            start = cpu_seconds()
            scores = scoring.score(detector, spec.readout, x_test)
            score_us = (cpu_seconds() - start) / len(x_test) * 1e6
            peak = peak_mib(start_peak)
            if readout.pixels and spec.pooling is not None:
                np.save(
                    readout.pixels, scores_of(cast("Localizer", detector), spec.readout, x_test)
                )
        except BaseException as error:  # also SystemExit and KeyboardInterrupt
            return model, replace(failed(error), warnings=caught), None
    return detector, Scored(head_cpu_seconds, head_wall_seconds, score_us, peak, caught), scores


def _in_company(
    detector: Detector, spec: Spec, unit: Unit, x_test: NDArray[Any], scores: NDArray[np.float64]
) -> Company:
    """Return whether scores depend on the other test rows."""
    with caught_warnings():
        try:
            how = company.dependence(detector, spec, _kept(unit), unit.seed, x_test, scores)
            if how or spec.is_own or _kept(unit).exists():
                return Company(how)
            return Company(untested="it cannot be pickled, so it may keep its first rows")
        except BaseException as error:  # also SystemExit and KeyboardInterrupt
            return Company(untested=failed(error).reason)


def _of_draws(
    detector: Detector, spec: Spec, unit: Unit, file: str
) -> tuple[NDArray[np.float64] | None, str]:
    """Return scores of draws from the box around training samples, or why there are none."""
    with caught_warnings():
        try:
            scoring.seed_generators(unit.seed)
            before = company.as_fitted(detector, _kept(unit))
            return scoring.score(before, spec.readout, grouped.load(file, writable=False)), ""
        except BaseException as error:  # also SystemExit and KeyboardInterrupt
            return None, failed(error).reason


def _kept(unit: Unit) -> Path:
    """Return the file of a detector as it was before it scored."""
    return Path(unit.x_train).with_suffix(".pickle")


def _send(channel: socket.socket, message: Message) -> None:
    channel.sendall(framed(encode(message)))
