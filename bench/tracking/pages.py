"""The command that serves MLflow's pages."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from bench.tracking.destination import artifact_root, local_file, tracking_uri, without_password
from bench.tracking.local_database import settle


def ui_command(results: Path, port: int = 5000) -> list[str]:
    """Return the command that serves MLflow's pages for a results folder on this machine.

    It inherits two variables set here unless the user has: no telemetry, and none of the processes
    that MLflow starts for jobs, which are not used here.

    Raises:
        ValueError: MLFLOW_TRACKING_URI names a server, which has pages of its own, or the database
            cannot be written.
        FileNotFoundError: nothing has been tracked in that folder.
    """
    uri = tracking_uri(results)
    file = local_file(uri)
    if file is None:
        address = without_password(uri)
        msg = f"MLFLOW_TRACKING_URI is {address}; open that server's own pages in a browser"
        raise ValueError(msg)
    if not file.is_file():
        msg = f"no {file.name} in {file.parent}; make it with `bench run` or `bench track`"
        raise FileNotFoundError(msg)
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("BEGIN IMMEDIATE")
        settle(file, artifact_root(results))
    except sqlite3.Error as error:
        msg = (
            f"MLflow has to write {file}, and cannot ({error}); "
            f"copy the folder and name the copy with --results"
        )
        raise ValueError(msg) from error
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    options = {
        "--backend-store-uri": uri,
        "--artifacts-destination": artifact_root(results),
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--uvicorn-opts": "--log-level warning",  # no line for each request
    }
    server = [sys.executable, "-m", "mlflow", "server"]
    return [*server, *(word for option in options.items() for word in option)]
