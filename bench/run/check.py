"""`bench check` and `bench debug`: a detector in this process, held to its contract or rerun."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import datasets
from bench.metrics.pixels import scores_of
from bench.run.prepare import prepare
from bench.run.scoring import seed_generators
from bench.store.codeid import code_id, origin
from bench.store.records import Wanted
from bench.store.store import Store
from detectors.compose import Hybrid, ReadOut
from detectors.conformance import checks
from detectors.conformance.subject import Subject
from detectors.contract import Detector
from detectors.factory import check, load_class, make
from detectors.spec import Spec, parse

N_LISTED = 5
N_EPOCHS = 4
SPECIAL = (
    checks.codes_are_consistent.__name__,
    checks.errors_by_feature_are_consistent.__name__,
    checks.training_moves_every_parameter_and_lowers_the_loss.__name__,
)


def check_contract(spec: str, console: Console) -> list[str]:
    """Hold a detector, with each of its read-outs, to the contract; print one line a check.

    A model with a setting `epochs` trains for a few only: each check fits it anew.

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
    brief = _has_epochs(parsed) and not parsed.untrained
    settings = {"epochs": N_EPOCHS} if brief else {}
    for text in [f"{parsed.model}:{readout}" for readout in readouts] or [str(parsed)]:
        subject = Subject(text, settings)
        failed += [f"{text}: {name}" for name in _failures(subject, console)]
    return failed


def _has_epochs(spec: Spec) -> bool:
    return any(part.name == "epochs" for part in fields(load_class(spec.entry.target)))


def _failures(subject: Subject, console: Console) -> Iterator[str]:
    """Run and print the checks of one read-out; yield the names of those that failed."""
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


@dataclass(frozen=True)
class Stored:
    """A stored row to run again.

    Attributes:
        wanted: what was asked for.
        status: how it ended.
        reason: why it failed, else "".
        details: traceback, output and warnings.
        scores: (n_test,) as stored, None where it has none.
    """

    wanted: Wanted
    status: str
    reason: str
    details: dict[str, Any]
    scores: NDArray[np.float64] | None


def find_row(start: str, store: Store) -> Stored:
    """Return the stored row whose key begins with `start`.

    Raises:
        ValueError: there is none, or several.
    """
    keys = [key for key in store.statuses() if key.startswith(start)]
    if not keys:
        msg = (
            f"no stored row has a key that begins with {start!r}; `bench run` prints it where a "
            "row fails, and `bench export rows.csv` has those of all"
        )
        raise ValueError(msg)
    if len(keys) > 1:
        named = [
            f"{record['key'][: len(start) + 8]} ({record['label']} on {record['dataset']}, "
            f"seed {record['seed']})"
            for record in store.records(sorted(keys)[:N_LISTED])
        ]
        more = f" and {len(keys) - N_LISTED} more" if len(keys) > N_LISTED else ""
        msg = f"{len(keys)} rows begin with {start!r}; give more of {', '.join(named)}{more}"
        raise ValueError(msg)
    (record,) = store.records(keys)
    told = {part.name: record[part.name] for part in fields(Wanted) if part.name in record}
    wanted = Wanted(**told)
    stored = store.scores(keys[0])
    scores = None if stored is None else stored[1]
    return Stored(wanted, record["status"], record["reason"], store.details(keys[0]), scores)


def debug_row(stored: Stored, data: Path | None, console: Console) -> None:
    """Run a stored row's detector in this process, without labels; print what comes out.

    Whatever the detector raises goes through, so that `python -m pdb -m bench debug ROW` stops
    there.

    Raises:
        FileNotFoundError: the data set's files are not there.
        ValueError: the data set cannot be used so.
    """
    wanted = stored.wanted
    console.print(
        f"{wanted.label} on {wanted.dataset}, {wanted.protocol}, {wanted.scaler}, seed "
        f"{wanted.seed}: stored as {stored.status}{stored.reason and ': '}{stored.reason}",
        markup=False,
    )
    for name in ("traceback", "output", "warnings"):
        if told := stored.details.get(name):
            text = told if isinstance(told, str) else "\n".join(told)
            console.print(f"stored {name}:\n{text.rstrip()}\n", markup=False, soft_wrap=True)
    spec = parse(wanted.spec)
    if code_id(origin(spec, wanted.protocol, wanted.dataset)) != wanted.code_id:
        console.print("the code or a library has changed since; scores may differ")
    unit = prepare(datasets.load(wanted.dataset, data), [wanted])
    split, x_train, x_test = unit.split, unit.x_train, unit.x_test
    load_class(spec.entry.target)
    with _one_thread():
        seed_generators(wanted.seed)
        detector = make(wanted.spec, **wanted.settings, seed=wanted.seed)
        _put_on(detector, wanted.device)
        start = time.perf_counter()
        detector.fit(x_train)
        console.print(f"fit x_train {x_train.shape}: {time.perf_counter() - start:.3f} s")
        seed_generators(wanted.seed)
        start = time.perf_counter()
        scores = split.put_back(detector.score(x_test))
        console.print(f"score x_test {x_test.shape}: {time.perf_counter() - start:.3f} s")
        judged = unit.masks is not None and not spec.head
        if judged and (of_pixels := scores_of(_model(detector), x_test)) is not None:
            console.print(f"scores of pixels {of_pixels.shape}")
    console.print(_summary(scores))
    console.print(_comparison(scores, stored.scores))


def _put_on(detector: Detector, device: str) -> None:
    model: Any = _model(detector)
    if hasattr(model, "device"):
        model.device = device


def _model(detector: Detector) -> Detector:
    """Return the model that a read-out, or the encoder that a head, is one of."""
    if isinstance(detector, ReadOut):
        return detector.model
    return detector.encoder if isinstance(detector, Hybrid) else detector


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep the numeric libraries that are loaded to one thread, as the sandbox does."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def _summary(scores: NDArray[np.float64]) -> str:
    n_bad = int((~np.isfinite(scores)).sum())
    if n_bad:
        return f"{len(scores)} scores, {n_bad} of them NaN or infinite"
    low, middle, high = np.quantile(scores, [0, 0.5, 1])
    return (
        f"{len(scores)} scores, {len(np.unique(scores))} distinct: least {low:.6g}, "
        f"median {middle:.6g}, largest {high:.6g}"
    )


def _comparison(scores: NDArray[np.float64], stored: NDArray[np.float64] | None) -> str:
    if stored is None:
        return "there are no stored scores to compare with"
    if scores.shape != stored.shape:
        return f"{len(stored)} scores are stored"
    n_moved = int((scores.view(np.int64) != stored.view(np.int64)).sum())
    if n_moved == 0:
        return "equal to the stored scores, bit for bit"
    return (
        f"{n_moved} differ from the stored scores, by up to {np.abs(scores - stored).max():.3g}; "
        "the last bits depend on processor and libraries"
    )
