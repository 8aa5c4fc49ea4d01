"""Rows for tests of what reads them: made up, in a real store."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.store.records import Row, Wanted
from bench.store.store import Store

CODE = {
    "files": {"detectors/shallow/pca.py": "a" * 12},
    "presets": ["[]"],
    "versions": {"numpy": "2.4"},
}
TRUTH = (np.arange(20) < 5).astype(np.int8)
WANTED = Wanted(
    spec="pca",
    model="pca",
    settings={},
    label="pca",
    family="shallow",
    transductive=False,
    dataset="wine",
    dataset_family="wine",
    data_sha256="d" * 64,
    protocol="one-class",
    scaler="standard",
    seed=0,
    device="cpu",
    code_id="c" * 64,
)
PROVENANCE = {
    "commit": "a" * 40,
    "dirty": False,
    "date": "2026-01-01T12:00:00+00:00",
    "run": "20260101T120000Z",
    "machine": "one",
    "processor": "fast avx2",
    "cores": 2,
    "python": "3.11.7",
    "versions": {"numpy": "2.4", "fathom": "0.1.0"},
}


def made_up(
    auroc: float = 0.9,
    status: str = "ok",
    *,
    fit: float = 1.0,
    code: dict[str, Any] | None = None,
    diagnostics: dict[str, Any] | None = None,
    provenance: dict[str, Any] | None = None,
    scores: Any = None,
    **wanted: Any,
) -> Row:
    """Return a row; what is not given is as in WANTED and PROVENANCE."""
    ok = status == "ok"
    return Row(
        replace(WANTED, **wanted),
        status,  # type: ignore[arg-type]
        "" if ok else f"a {status}",
        sizes={"n_train": 50, "n_test": 20, "n_anomalies": 5},
        metrics={"auroc": auroc, "average_precision": 0.5, "prevalence": 0.25} if ok else {},
        costs={"fit_seconds": fit, "score_us": 10.0} if ok else {"fit_wall_seconds": fit},
        provenance={**PROVENANCE, **(provenance or {})},
        details={"code": code or CODE, "diagnostics": diagnostics or {}},
        scores=np.arange(20.0) if scores is None and ok else scores,
        truth=TRUTH if ok else None,
    )


def store_rows(folder: Path, *rows: Row) -> list[dict[str, Any]]:
    """Store rows in a results folder and return their records."""
    with closing(Store(folder)) as store:
        return [store.add(row) for row in rows]
