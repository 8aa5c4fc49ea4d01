"""`bench debug`: the detector of a stored row, run again in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import datasets
from bench.metrics.pixels import scores_of
from bench.run import scoring
from bench.run.grouped import prepared, to_fit, to_score
from bench.run.prepare import Unit
from bench.store.codeid import is_current
from bench.store.records import Wanted
from bench.store.store import Store
from detectors.contract import Detector
from detectors.factory import load_class
from detectors.localisation import Localizer
from detectors.spec import Spec, parse

N_LISTED = 5


@dataclass(frozen=True)
class Stored:
    """A stored row to run again.

    Attributes:
        wanted: the row.
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
            f"no stored row has a key that begins with {start!r}; `bench run` prints the key of a "
            "row that fails, and `bench export rows.csv` lists all keys"
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
    names = [part.name for part in fields(Wanted) if part.name in record]
    wanted = Wanted(**{name: record[name] for name in names})
    stored = store.scores_and_held(keys[0])
    scores = None if stored is None else stored[1]
    return Stored(wanted, record["status"], record["reason"], store.details(keys[0]), scores)


def samples(stored: Stored, data: Path | None) -> Unit:
    """Return the samples of a stored row.

    Raises:
        FileNotFoundError: the data set's files are missing.
        ValueError: the protocol or the scaler cannot use the data set.
    """
    return prepared(datasets.load(stored.wanted.dataset, data), [stored.wanted])


def debug_row(stored: Stored, unit: Unit, console: Console) -> None:
    """Run a stored row's detector in this process, without labels, and print a summary.

    Whatever the detector raises is not caught, so that `python -m pdb -m bench debug ROW` stops
    there.
    """
    wanted = stored.wanted
    spec = parse(wanted.spec)
    if not is_current(wanted):
        console.print("the code or a library has changed since; scores may differ")
    load_class(spec.entry.target)
    with one_thread():
        scores = unit.split.put_back(_scores(spec, unit, console))
    console.print(_summary(scores))
    console.print(_comparison(scores, stored.scores))


def print_stored(stored: Stored, console: Console) -> None:
    """Print how a stored row ended, with all that its detector left."""
    wanted = stored.wanted
    console.print(
        f"{wanted.label} on {wanted.dataset}, {wanted.protocol}, {wanted.scaler}, seed "
        f"{wanted.seed}: stored as {stored.status}{stored.reason and ': '}{stored.reason}",
        markup=False,
    )
    for name in ("traceback", "output", "warnings"):
        if detail := stored.details.get(name):
            text = detail if isinstance(detail, str) else "\n".join(detail)
            console.print(f"stored {name}:\n{text.rstrip()}\n", markup=False, soft_wrap=True)


def _scores(spec: Spec, unit: Unit, console: Console) -> NDArray[np.float64]:
    """Return the scores of `unit.x_test`, made as a child process makes them."""
    x_test = unit.x_test
    _, detector = fitted(spec, unit, console)
    with _timed(f"score x_test {x_test.shape}", console):
        scores = scoring.score(to_score(detector, x_test), spec.readout, x_test)
    if unit.masks is not None and spec.pooling is not None:
        maps = scores_of(cast("Localizer", detector), spec.readout, x_test)
        console.print(f"scores of pixels {maps.shape}")
    return scores


def fitted(spec: Spec, unit: Unit, console: Console) -> tuple[Detector, Detector]:
    """Return a fitted model and its detector, which is another one if there is a head."""
    (wanted,) = unit.wanted
    scoring.seed_generators(unit.seed)
    with _timed(f"fit x_train {unit.x_train.shape}", console):
        (model,) = scoring.build(spec, wanted.model_settings, wanted.device, [unit.seed])
        x_train = to_fit(spec, unit.x_train)
        (error,) = scoring.fit(spec, [model], [x_train])
        if error:
            raise error
    scoring.seed_generators(unit.seed)
    if not spec.head:
        return model, model
    with _timed("fit head", console):
        head = wanted.settings.get("head", {})
        return model, scoring.with_head(spec, model, head, unit.seed, x_train)


@contextmanager
def _timed(what: str, console: Console) -> Iterator[None]:
    """Print how long the `with` block takes, if it ends well."""
    start = time.perf_counter()
    yield
    console.print(f"{what}: {time.perf_counter() - start:.3f} s")


@contextmanager
def one_thread() -> Iterator[None]:
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
        f"{len(scores)} scores, {len(np.unique(scores))} distinct: minimum {low:.6g}, "
        f"median {middle:.6g}, maximum {high:.6g}"
    )


def _comparison(scores: NDArray[np.float64], stored: NDArray[np.float64] | None) -> str:
    if stored is None:
        return "no scores are stored to compare with"
    if scores.shape != stored.shape:
        return f"{len(stored)} scores are stored"
    n_changed = int((scores.view(np.int64) != stored.view(np.int64)).sum())
    if n_changed == 0:
        return "equal to the stored scores, bit for bit"
    return (
        f"{n_changed} differ from the stored scores, by up to {np.abs(scores - stored).max():.3g}; "
        "the last bits depend on processor and libraries"
    )
