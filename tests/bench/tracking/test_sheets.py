"""Sheets in MLflow: a run each, with its files."""

from contextlib import closing

from bench.store.store import Store
from bench.tracking.sheets import EXPERIMENT, log_sheet
from tests.helpers.plain_shell import mlflow_client


def test_a_sheet_is_a_run_with_its_files_and_a_second_one_another(results, tmp_path):
    files = [tmp_path / f"wine-vae.{ending}" for ending in ("png", "html")]
    for file in files:
        file.write_text("drawn")
    with closing(Store(results)) as store:
        said = [log_sheet(store, "wine-vae", "bench show wine vae", files) for _ in range(2)]
    assert (
        said[0] == f"mlflow: a run 'wine-vae' of the experiment 'sheets' in {mlflow_uri(results)}"
    )
    client = mlflow_client(results)
    runs = client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
    assert [run.info.run_name for run in runs] == ["wine-vae"] * 2
    assert {run.data.tags["command"] for run in runs} == {"bench show wine vae"}
    for run in runs:
        assert {file.path for file in client.list_artifacts(run.info.run_id)} == {
            file.name for file in files
        }


def test_a_sheet_that_cannot_be_logged_is_one_sentence(results, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with closing(Store(results)) as store:
        said = log_sheet(store, "wine-vae", "bench show wine vae", [])
    assert said == "the sheet is not in mlflow at http://127.0.0.1:9: connection refused"


def mlflow_uri(results):
    return f"sqlite:///{results.resolve() / 'mlflow.db'}"
