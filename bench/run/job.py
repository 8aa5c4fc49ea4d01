"""One job: load, split, scale, hand over to the sandbox, and make rows of what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics import pixels, scored
from bench.plan.job import Job
from bench.protocols.named import NotApplicable, find
from bench.run.prepare import Unit, prepare
from bench.run.sandbox import Child, Death, Sandbox, ServerDied
from bench.store.codeid import code_parts, file_digest, origin
from bench.store.provenance import provenance
from bench.store.records import Row, Status, Wanted
from datasets import DataSet, load
from detectors.spec import parse

MAX_IDLE = 3


class NotRun(Exception):
    """Raised when a job cannot be run for a reason that says nothing of its detector."""


def run_job(job: Job, sandbox: Sandbox) -> Iterator[Row]:
    """Yield the rows of a job, each as soon as it is known.

    A death of the child is blamed on what was running. After it, and after a seed with an error,
    the rest goes on in a fresh child, so that no seed depends on what another broke. The
    end of the sandbox's server is nobody's fault: the job goes on in another, and is given up
    only when that has happened MAX_IDLE times with no row made in between.

    Raises:
        NotRun: the data set's files are not there, or not what they should be, or the sandbox
            does not work.
        Interrupted: the run is being ended.
    """
    first = job.wanted[0]
    data = _load(first.dataset, job.data)
    if data.card.sha256 != first.data_sha256:
        msg = f"{first.dataset} was changed during the run; run again to use it as it is now"
        raise NotRun(msg)
    together = parse(first.model).entry.trains_together
    pending = {wanted.key: wanted for wanted in job.wanted}
    n_idle = 0
    while pending:
        n_before = len(pending)
        try:
            with sandbox.child(job.limits) as child:
                task = {"model": first.model, "settings": first.model_settings}
                child.send({**task, "device": first.device})
                for block in _blocks(pending.values(), together):
                    broken = False
                    for row in _run_block(child, data, block):
                        del pending[row.wanted.key]
                        broken |= row.status in ("error", "memory")
                        yield _with_origin(row, job)
                    if broken:  # who knows what it left behind: the rest in a fresh child
                        break
                child.send([])
        except Death as death:
            n_idle = n_idle + 1 if len(pending) == n_before else 0
            if n_idle == MAX_IDLE:
                msg = f"{first.model} on {first.dataset}: {death.reason}"
                raise NotRun(msg) from death


def _with_origin(row: Row, job: Job) -> Row:
    """Return a row with where and by what it was made."""
    wanted = row.wanted
    return replace(
        row,
        provenance={**provenance(), "run": job.run},
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


def _run_block(child: Child, data: DataSet, block: list[list[Wanted]]) -> Iterator[Row]:
    """Yield the rows of models that are fitted at once, one group of rows a model.

    Raises:
        Death: after the rows it is blamed on.
    """
    units: list[Unit] = []
    for group in block:
        try:
            _refuse_transductive(group[0])
            units.append(prepare(data, group))
        except NotApplicable as error:
            yield from (Row(wanted, "unsupported", str(error)) for wanted in group)
    if not units:
        return
    running = [(unit, wanted) for unit in units for wanted in unit.wanted]
    child.forget_output()
    try:
        child.send([_task(child, unit) for unit in units])
        files = child.receive("files", allowances=len(units))
        told = child.receive("units")
        _refuse_changed(files)
        fitted = []
        for unit, outcome in zip(units, told, strict=True):
            if "status" in outcome:
                yield from (_failed(child, unit, w, outcome) for w in unit.wanted)
            else:
                fitted.append((unit, outcome))
        child.send({u.seed: _save(child, f"test-{u.seed}", u.x_test) for u, _ in fitted})
        for unit, model in fitted:
            for wanted in unit.wanted:
                running = [(unit, wanted)]
                result = child.receive("result")
                if "status" in result:
                    yield _failed(child, unit, wanted, result, model)
                else:
                    scores = child.receive_scores(len(unit.truth))
                    yield _judged(child, unit, wanted, scores, {**model, **result}, model)
    except ServerDied:
        raise
    except Death as death:
        outcome = {"status": death.status, "reason": death.reason}
        yield from (_failed(child, unit, wanted, outcome) for unit, wanted in running)
        raise


def _refuse_changed(files: Mapping[str, str]) -> None:
    """Check that users' files are still what the rows' keys were made of.

    Raises:
        NotRun: one has changed since.
    """
    for name, digest in files.items():
        if digest != file_digest(Path(name)):
            msg = f"{name} was changed during the run; run again to compare it as it is now"
            raise NotRun(msg)


def _refuse_transductive(wanted: Wanted) -> None:
    """Refuse a detector that the protocol does not admit; it admits every baseline.

    Raises:
        NotApplicable: its scores depend on the other test rows.
    """
    admitted = find(wanted.protocol).transductive or wanted.family == "control"
    if wanted.transductive and not admitted:
        msg = (
            f"scores of {wanted.spec} depend on the other test rows, which the protocol "
            f"{wanted.protocol} does not allow; use the protocol transductive"
        )
        raise NotApplicable(msg)


def _task(child: Child, unit: Unit) -> dict[str, Any]:
    wants = [
        {
            "spec": w.spec,
            "head": w.settings.get("head", {}),
            "pixels": "" if unit.masks is None else str(_pixels(child, w)),
        }
        for w in unit.wanted
    ]
    x_train = _save(child, f"train-{unit.seed}", unit.x_train)
    return {"seed": unit.seed, "x_train": x_train, "wants": wants}


def _pixels(child: Child, wanted: Wanted) -> Path:
    """Return where the child leaves the scores of pixels of a row, if there are any."""
    return child.folder / f"pixels-{wanted.key}.npy"


def _save(child: Child, name: str, x: NDArray[Any]) -> str:
    path = child.folder / f"{name}.npy"
    np.save(path, x)
    return str(path)


def _failed(
    child: Child,
    unit: Unit,
    wanted: Wanted,
    outcome: Mapping[str, Any],
    model: Mapping[str, Any] | None = None,
) -> Row:
    fitted = model or {}
    details = {
        "traceback": outcome.get("traceback", ""),
        "output": child.output(),
        "warnings": [*fitted.get("warnings", ()), *outcome.get("warnings", ())],
        "diagnostics": fitted.get("diagnostics", {}),
    }
    reason = outcome["reason"]
    return Row(wanted, outcome["status"], reason, _sizes(unit), details=details)


def _judged(
    child: Child,
    unit: Unit,
    wanted: Wanted,
    permuted: NDArray[np.float64],
    result: Mapping[str, Any],
    model: Mapping[str, Any],
) -> Row:
    """Return the row of raw scores: status, metrics and costs."""
    scores = unit.split.put_back(permuted)
    status, reason = _status(scores)
    computed = scored.compute(unit.truth, scores) if status != "non-finite" else {}
    if computed and unit.masks is not None and (place := _pixels(child, wanted)).exists():
        computed |= pixels.compute(unit.masks, np.load(place))
        place.unlink()
    return Row(
        wanted,
        status,
        reason,
        _sizes(unit),
        metrics=computed,
        costs={
            "fit_seconds": model["model_fit_seconds"] + result["head_fit_seconds"],
            "model_fit_seconds": model["model_fit_seconds"],
            "fit_wall_seconds": model["fit_wall_seconds"] + result["head_wall_seconds"],
            "model_rows": len(unit.wanted),
            "score_us": result["score_us"],
            "peak_mib": max(model["peak_mib"], result["peak_mib"]),
            "parameters": model["parameters"],
        },
        details={
            "output": child.output(),
            "warnings": list(dict.fromkeys([*model["warnings"], *result["warnings"]])),
            "diagnostics": model["diagnostics"],
        },
        scores=scores,
        truth=unit.truth,
    )


def _status(scores: NDArray[np.float64]) -> tuple[Status, str]:
    n_bad = int((~np.isfinite(scores)).sum())
    if n_bad:
        return "non-finite", f"{n_bad} of {len(scores)} scores are NaN or infinite"
    if len(scores) > 1 and (scores == scores[0]).all():
        return "constant", f"all {len(scores)} scores are {scores[0]:g}"
    return "ok", ""


def _sizes(unit: Unit) -> dict[str, int]:
    n_anomalies = int(unit.truth.sum())
    return {
        "n_train": len(unit.x_train),
        "n_test": len(unit.truth),
        "n_anomalies": n_anomalies,
    }


@lru_cache(maxsize=4)
def _load(name: str, folder: Path | None) -> DataSet:
    try:
        return load(name, folder)
    except (OSError, ValueError) as error:
        raise NotRun(str(error)) from error
