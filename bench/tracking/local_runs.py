"""Runs of rows into MLflow's local database, a batch in one transaction.

By MLflow's client a run takes five transactions, each of which reads first [17 ms of CPU a row, by
batches of 100 2 ms]. Here the same lines are inserted into the tables of MLflow's own classes;
`tests/bench/tracking/test_local_runs.py` compares every column with what the client writes.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.tracking.row_run import RowRun

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from sqlalchemy import Connection, Engine


def check(run: RowRun) -> None:
    """Check what MLflow's client does before it writes.

    Raises:
        MlflowException: MLflow refuses a value.
    """
    from mlflow.entities import RunTag
    from mlflow.utils.validation import _validate_batch_log_data

    tags = [RunTag(key, value) for key, value in run.tags.items()]
    _validate_batch_log_data(run.metrics, run.params, tags)  # type: ignore[no-untyped-call]


def add(engine: Engine, experiment_id: str, root: str, runs: Mapping[str, RowRun]) -> None:
    """Insert finished runs, by run id, in one transaction.

    Args:
        engine: of the database.
        experiment_id: of the experiment.
        root: URI of the experiment's artifacts.
        runs: with all their tags.
    """
    from mlflow.store.tracking.dbmodels import models
    from sqlalchemy import insert

    every = {
        models.SqlRun: [_run(run, i, experiment_id, root) for i, run in runs.items()],
        models.SqlTag: [
            {"run_uuid": i, "key": key, "value": value}
            for i, run in runs.items()
            for key, value in (run.tags | {"mlflow.runName": run.title}).items()
        ],
        models.SqlParam: [
            {"run_uuid": i, "key": param.key, "value": param.value}
            for i, run in runs.items()
            for param in run.params
        ],
        models.SqlMetric: [_metric(i, one) for i, run in runs.items() for one in run.metrics],
        models.SqlLatestMetric: [
            _metric(i, one) for i, run in runs.items() for one in _latest(run.metrics)
        ],
    }
    with engine.begin() as connection:
        for table, lines in every.items():
            if lines:
                connection.execute(insert(table), lines)
        _add_inputs(connection, experiment_id, runs)


def _run(run: RowRun, run_id: str, experiment_id: str, root: str) -> dict[str, Any]:
    return {
        "run_uuid": run_id,
        "name": run.title,
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "user_id": "unknown",
        "status": run.status,
        "start_time": run.start,
        "end_time": run.end,
        "source_version": "",
        "lifecycle_stage": "active",
        "artifact_uri": f"{root}/{run_id}/artifacts",
        "experiment_id": int(experiment_id),
    }


def _metric(run_id: str, metric: Metric) -> dict[str, Any]:
    return {
        "run_uuid": run_id,
        "key": metric.key,
        "value": metric.value,
        "timestamp": metric.timestamp,
        "step": metric.step,
        "is_nan": False,
    }


def _latest(metrics: Sequence[Metric]) -> list[Metric]:
    return list({metric.key: metric for metric in sorted(metrics, key=lambda m: m.step)}.values())


def _add_inputs(connection: Connection, experiment_id: str, runs: Mapping[str, RowRun]) -> None:
    """Insert the data sets that the experiment does not have, and link the runs to them."""
    from mlflow.store.tracking.dbmodels.models import SqlDataset, SqlInput, SqlInputTag
    from sqlalchemy import insert, select
    from sqlalchemy.dialects import sqlite

    sets = {(d.name, d.digest): d for run in runs.values() for d in [run.data_set.dataset]}
    connection.execute(
        sqlite.insert(SqlDataset).on_conflict_do_nothing(),
        [
            {
                "dataset_uuid": uuid.uuid4().hex,
                "experiment_id": int(experiment_id),
                "name": one.name,
                "digest": one.digest,
                "dataset_source_type": one.source_type,
                "dataset_source": one.source,
            }
            for one in sets.values()
        ],
    )
    found: Sequence[Any] = connection.execute(
        select(SqlDataset.name, SqlDataset.digest, SqlDataset.dataset_uuid).where(
            SqlDataset.experiment_id == int(experiment_id),
            SqlDataset.name.in_({name for name, _ in sets}),
        )
    ).all()
    ids = {(name, digest): number for name, digest, number in found}
    inputs, tags = [], []
    for run_id, run in runs.items():
        one, edge = run.data_set, uuid.uuid4().hex
        inputs.append(
            {
                "input_uuid": edge,
                "source_type": "DATASET",
                "source_id": ids[one.dataset.name, one.dataset.digest],
                "destination_type": "RUN",
                "destination_id": run_id,
            }
        )
        tags += [{"input_uuid": edge, "name": t.key, "value": t.value} for t in one.tags]
    connection.execute(insert(SqlInput), inputs)
    connection.execute(insert(SqlInputTag), tags)
