"""Results folders with and without a database, trackers and a server for the tests of tracking."""

import shutil
from pathlib import Path

import pytest

from bench.store.store import Store
from bench.tracking.tracker import Tracker
from tests.helpers.tracked import INVOCATION, Server, records, replay, track


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A results folder with two rows tracked, and a server on its database."""
    results = tmp_path_factory.mktemp("served") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        track(results, records(2))
        server = Server(results)
    yield results, server
    server.kill()


@pytest.fixture
def server(served, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", served[1].address)
    return served[1]


@pytest.fixture(autouse=True)
def no_server_given(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fresh(tmp_path) -> Path:
    """A results folder that is not there yet."""
    return tmp_path / "results"


@pytest.fixture
def open_tracker():
    """A function that starts a tracker for a results folder; its store is closed at the end."""
    stores = []

    def start(results: Path, experiment: str = "default") -> Tracker:
        stores.append(Store(results))
        return Tracker(stores[-1], experiment, INVOCATION)

    yield start
    for store in stores:
        store.close()


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    """MLflow's database with no row in it, made once."""
    results = tmp_path_factory.mktemp("database")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        replay(results, "empty", [])
    return results / "mlflow.db"


@pytest.fixture
def results(fresh, database) -> Path:
    fresh.mkdir()
    shutil.copy(database, fresh)
    return fresh
