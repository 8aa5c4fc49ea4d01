"""What the run of a row holds."""

import math
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from bench.run.diagnostics import MAX_NAMES
from bench.store.records import Row
from bench.store.store import Store
from bench.tracking.parent_run import Summary
from bench.tracking.row_run import MOST_STEPS
from bench.tracking.stored import send_stored
from tests.helpers.plain_shell import logged, mlflow_client
from tests.helpers.tracked import made, record, records, track


def steps(run_id: str, results: Path, name: str) -> dict[int, float]:
    history = mlflow_client(results).get_metric_history(run_id, name)
    return {point.step: point.value for point in history}


SCORED = {
    "truth": np.array([0, 0, 1, 1], dtype=np.int8),
    "scores": np.array([0.1, 0.4, 0.35, 0.8]),
    "details": {"diagnostics": {"epochs": 3.0, "loss": [3.0, math.nan, 1.0], "long": [0.5] * 1999}},
}


def log_stored(results: Path, rows: list[Row], experiment: str) -> list:
    """Store rows, track them, and return their runs by seed."""
    with closing(Store(results)) as store:
        stored = [store.add(row) for row in rows]
        report = send_stored(store, experiment, stored, Summary)
    assert report.problem is None
    return sorted(logged(results, experiment)[1], key=lambda run: run.data.params["seed"])


def test_a_row_shows_what_was_wanted_and_what_was_measured(results):
    track(results, records(1))
    (run,) = logged(results)[1]
    assert run.info.run_name == "vae+lof[n_neighbors=20] · digits/3 · seed 0"
    assert run.info.end_time - run.info.start_time == 2000
    assert run.data.metrics == {
        "auroc": 0.9,
        "recall_at_fpr_0.05": 0.25,
        "n_train": 90,
        "n_test": 100,
        "n_anomalies": 9,
        "fit_seconds": 1.5,
        "fit_wall_seconds": 2.0,
    }
    expected = {"spec": "vae+lof", "seed": "0", "device": "cpu", "scaler": "standard"}
    expected |= {"setting.latent_dim": "4", "setting.head.n_neighbors": "20"}
    assert expected.items() <= run.data.params.items()
    tags = {"type": "hybrid", "status": "ok", "dataset_family": "digits", "commit": "abc"}
    tags |= {"dataset": "digits/3", "protocol": "one-class(max_train=none)", "seed": "0"}
    tags |= {"data_sha256": "d" * 64, "versions": '{"numpy":"2"}', "fathom.key": record(0)["key"]}
    assert tags.items() <= run.data.tags.items()


def test_the_defaults_of_settings_are_params_too(results):
    effective = {"latent_dim": 4, "epochs": 200, "head": {"n_neighbors": 20, "p": None}}
    (run,) = log_stored(results, [made(0, effective_settings=effective)], "default")
    found = {k: v for k, v in run.data.params.items() if k.startswith("setting.")}
    assert found == {
        "setting.latent_dim": "4",
        "setting.epochs": "200",
        "setting.head.n_neighbors": "20",
        "setting.head.p": "None",
    }


def test_a_fit_is_a_curve_with_a_step_an_epoch(results):
    (run,) = log_stored(results, [made(0, **SCORED)], "default")
    assert run.data.metrics["fit/epochs"] == 3
    assert steps(run.info.run_id, results, "fit/loss") == {1: 3.0, 3: 1.0}
    long = steps(run.info.run_id, results, "fit/long")
    assert (len(long), min(long), max(long)) == (MOST_STEPS, 1, 1999)


def test_as_many_curves_as_are_kept_are_tracked(results):
    curves = {f"curve {i}": [1.0] * 100 for i in range(MAX_NAMES)}
    parts = SCORED | {"details": {"diagnostics": curves}}
    (run,) = log_stored(results, [made(0, **parts)], "default")
    assert all(f"fit/{name}" in run.data.metrics for name in curves)


@pytest.mark.parametrize("where", ["local", "server"])
def test_a_run_has_its_data_set_as_input_and_its_curves_beside_it(fresh, where, request):
    if where == "server":
        request.getfixturevalue("server")
    infinite = SCORED | {"scores": np.array([0.0, np.inf, 1.0, 2.0])}
    rows = [made(0, **SCORED), made(1, "timeout"), made(2, "non-finite", **infinite)]
    runs = log_stored(fresh, rows, f"inputs-{where}")
    client = mlflow_client(fresh)
    for run in runs:
        (given,) = run.inputs.dataset_inputs
        assert (given.dataset.name, given.dataset.digest) == ("digits/3", "d" * 36)
        assert given.tags[0].value == "one-class(max_train=none)"
    files = [[f.path for f in client.list_artifacts(run.info.run_id)] for run in runs]
    assert files == [["curves.svg"], [], []]
    path = client.download_artifacts(runs[0].info.run_id, "curves.svg", fresh)
    assert "precision and recall" in Path(path).read_text()


def test_a_failed_row_is_a_failed_run_with_its_reason(results):
    track(results, [record(0, "timeout", "fit took longer than 600 s")])
    (run,) = logged(results)[1]
    assert run.info.status == "FAILED"
    assert run.data.tags["status"] == "timeout"
    assert run.data.tags["reason"] == "fit took longer than 600 s"
