"""Rows written to the local database in batches: the same as by MLflow's client, for less."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np

from tests.helpers.plain_shell import logged
from tests.helpers.rows_made_up import store_rows
from tests.helpers.tracked import get, made, replay

RANDOM = {"run_uuid", "dataset_uuid", "input_uuid", "source_id", "destination_id", "experiment_id"}
LINKING = ("fathom.invocation", "fathom.results", "mlflow.parentRunId")
TABLES = {
    "runs": "r.*",
    "tags": "r.name, t.*",
    "params": "r.name, t.*",
    "metrics": "r.name, t.*",
    "latest_metrics": "r.name, t.*",
}
INPUTS = """
SELECT r.name, i.*, g.*, d.* FROM runs r JOIN inputs i ON destination_id = run_uuid
JOIN input_tags g USING (input_uuid) JOIN datasets d ON source_id = dataset_uuid
JOIN experiments e ON e.experiment_id = r.experiment_id WHERE e.name = ?
"""


def rows() -> list:
    curves = {"loss": np.linspace(3, 1, 70).tolist(), "epochs": 70, "gap": [2.0, float("nan")]}
    scored = {"scores": np.arange(20.0), "truth": (np.arange(20) % 3 == 0).astype(np.int8)}
    return [
        made(0, details={"diagnostics": curves}, **scored),
        made(1, "timeout", "too slow"),
        made(2, **scored),
    ]


def lines_of(database: Path, experiment: str) -> dict[str, list[str]]:
    """Return every line of the children of an experiment, by table, without what is random."""
    found = {}
    with closing(sqlite3.connect(database)) as db:
        db.row_factory = sqlite3.Row
        queries = {
            table: f"SELECT {columns} FROM runs r JOIN experiments e USING (experiment_id) "
            + (f"JOIN {table} t USING (run_uuid) " if table != "runs" else "")
            + "WHERE e.name = ? AND r.name LIKE '% · %'"
            for table, columns in TABLES.items()
        }
        for table, query in {**queries, "inputs": INPUTS}.items():
            lines = []
            for line in db.execute(query, (experiment,)):
                kept = {k: line[k] for k in line.keys() if k not in RANDOM}  # noqa: SIM118
                if kept.get("key") not in LINKING:
                    lines.append(repr(kept | {"artifact_uri": None}))
            found[table] = sorted(lines)
    return found


def test_every_column_is_as_the_client_writes_it(results, served, monkeypatch):
    records = store_rows(results, *rows())
    assert replay(results, "alike", records).logged == 3
    (ours,) = [run for run in logged(results, "alike")[1] if run.data.params["seed"] == "2"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", served[1].address)
    assert replay(results, "alike", records).logged == 3
    (theirs,) = [run for run in logged(results, "alike")[1] if run.data.params["seed"] == "2"]

    by_client = lines_of(served[0] / "mlflow.db", "alike")
    assert all(by_client.values())
    assert lines_of(results / "mlflow.db", "alike") == by_client
    kept = results / "mlartifacts" / ours.info.run_id / "artifacts" / "curves.svg"
    drawn = get(f"{served[1].address}/get-artifact?path=curves.svg&run_uuid={theirs.info.run_id}")
    assert kept.read_bytes() == drawn
    assert ours.info.artifact_uri == kept.parent.as_uri()


def test_a_row_costs_a_few_milliseconds(results):
    """Measured: 2 ms of CPU, 17 ms by the client; the bound leaves room for a slower machine."""
    records = store_rows(results, *(made(seed, details={}) for seed in range(200)))
    replay(results, "warm", records[:1])
    start = time.process_time()
    assert replay(results, "timed", records).logged == 200
    assert (time.process_time() - start) / 200 < 0.008
