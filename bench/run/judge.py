"""From what a child reports of a unit to rows: status, metrics, costs and details."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bench.metrics import pixels, scored, volumes
from bench.protocols.named import find
from bench.run.messages import Company, Failed, Fitted, Scored
from bench.run.prepare import Unit
from bench.store.records import Row, Status, Wanted
from detectors.spec import parse


def failed(
    unit: Unit,
    wanted: Wanted,
    outcome: Failed,
    output: str,
    seconds: float,
    model: Fitted | None = None,
) -> Row:
    """Return the row of a fit or a read-out that failed.

    Args:
        unit: the split and samples.
        wanted: the row.
        outcome: how it failed.
        output: what the child printed.
        seconds: how long the fit or the read-out took until it failed, the row's part.
        model: the fitted model, if a read-out failed.
    """
    fit = model.wall_seconds / len(unit.wanted) if model else 0.0
    details = {
        "traceback": outcome.traceback,
        "output": output,
        "warnings": [*(model.warnings if model else ()), *outcome.warnings],
        "diagnostics": model.diagnostics if model else {},
    }
    costs = {"fit_wall_seconds": fit + seconds}
    return Row(wanted, outcome.status, outcome.reason, _sizes(unit), costs=costs, details=details)


def judged(
    unit: Unit,
    wanted: Wanted,
    permuted: NDArray[np.float64],
    outcome: Scored,
    output: str,
    model: Fitted,
    maps: NDArray[np.floating] | None = None,
    masks: pixels.Masks = (),
) -> Row:
    """Return the row of raw scores.

    Args:
        unit: the split, the labels and the masks.
        wanted: the row.
        permuted: (len(unit.x_test),) scores in the order of `unit.x_test`.
        outcome: costs of the read-out.
        output: what the child printed.
        model: the fitted model.
        maps: (len(unit.x_test), h, w) scores of pixels, in the same order; None if there are none.
        masks: of these images, (height, width) each, in their own size.
    """
    scores = unit.split.put_back(permuted)
    status, reason = _status(scores)
    computed = scored.compute(unit.truth, scores) if status != "non-finite" else {}
    pooling = {}
    if computed and maps is not None:
        tested = unit.truth[unit.split.order] != scored.HELD
        shown = [mask for mask, of_test in zip(masks, tested, strict=True) if of_test]
        computed |= pixels.compute(shown, maps[tested])
        pooling = {"map_pooling": parse(wanted.spec).pooling or "none"}
    return Row(
        wanted,
        status,
        reason,
        _sizes(unit),
        metrics=computed,
        costs={
            "fit_seconds": model.cpu_seconds + outcome.head_cpu_seconds,
            "model_fit_seconds": model.cpu_seconds,
            "fit_wall_seconds": model.wall_seconds + outcome.head_wall_seconds,
            "model_rows": len(unit.wanted),
            "score_us": outcome.score_us,
            "peak_mib": max(model.peak_mib, outcome.peak_mib),
            "parameters": model.parameters,
        },
        provenance=pooling,
        details={
            "output": output,
            "warnings": list(dict.fromkeys([*model.warnings, *outcome.warnings])),
            "diagnostics": model.diagnostics,
        },
        scores=scores,
        truth=unit.truth,
    )


def in_company(row: Row, found: Company) -> Row:
    """Return a row with what a test found of its scores: whether they depend on other test rows."""
    notes = []
    if found.untested:
        notes.append(f"not tested whether scores depend on other test rows: {found.untested}")
    if found.unscored:
        notes.append(f"volumes of level sets are not measured: {found.unscored}")
    if not found.dependence:
        return _with_warnings(row, notes)
    wanted = replace(row.wanted, transductive=True)
    if not (reason := refusal(wanted, found.dependence)):
        return _with_warnings(replace(row, wanted=wanted), [_dependence(wanted, found.dependence)])
    return replace(row, wanted=wanted, status="unsupported", reason=reason, metrics={})


def with_volumes(row: Row, drawn: NDArray[np.float64]) -> Row:
    """Return a row with what volumes of level sets say, by the scores of draws.

    A score that depends on other rows has no level sets.
    """
    if row.status != "ok" or row.wanted.transductive or row.scores is None or row.truth is None:
        return row
    found = volumes.areas(row.scores[row.truth == scored.HELD], drawn)
    return replace(row, metrics={**row.metrics, **found})


def _with_warnings(row: Row, further: list[str]) -> Row:
    warnings = [*row.details["warnings"], *further]
    return replace(row, details={**row.details, "warnings": warnings})


def refusal(wanted: Wanted, how: str = "") -> str:
    """Return why the protocol does not admit a transductive detector, or "".

    Every baseline is admitted. `how` says how a detector that does not declare it was found out.
    """
    if not wanted.transductive or find(wanted.protocol).transductive or wanted.family == "control":
        return ""
    act = "declare `transductive = True` and " * bool(how)
    return (
        f"{_dependence(wanted, how)}, which the protocol {wanted.protocol} does not allow; "
        f"{act}use the protocol transductive"
    )


def _dependence(wanted: Wanted, how: str) -> str:
    return f"scores of {wanted.spec} depend on the other test rows{how and f' ({how})'}"


def _status(scores: NDArray[np.float64]) -> tuple[Status, str]:
    n_bad = int((~np.isfinite(scores)).sum())
    if n_bad:
        return "non-finite", f"{n_bad} of {len(scores)} scores are NaN or infinite"
    if len(scores) > 1 and (scores == scores[0]).all():
        return "constant", f"all {len(scores)} scores are {scores[0]:g}"
    return "ok", ""


def _sizes(unit: Unit) -> dict[str, int]:
    sizes = {
        "n_train": len(unit.x_train),
        "n_test": len(unit.split.test),
        "n_anomalies": int((unit.truth == 1).sum()),
    }
    n_held = len(unit.split.held)
    return {**sizes, "n_held": n_held} if n_held else sizes
