"""A client of MLflow's local database or server, and its failures in a few words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.tracking import local_database
from bench.tracking.destination import (
    LOCKED,
    Destination,
    artifact_root,
    local_file,
    without_password,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Engine

TIMEOUT_S = 5  # for one request to a server

# Set unless the user has: nothing is sent home, nothing is printed, no request takes minutes.
# Requests are not retried: a `create_run` that was slow to answer would be made twice.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": str(TIMEOUT_S),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
}
LONGEST_CAUSE = 160  # characters


def prepare_environment() -> None:
    """Set MLflow's variables that the user has not set; before MLflow is imported."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


@contextmanager
def connected(destination: Destination) -> Iterator[tuple[MlflowClient, Engine | None]]:
    """Return a client of the destination, and the engine of a local database.

    A local database is created if there is none.
    """
    from mlflow import MlflowClient

    file = local_file(destination.uri)
    if file is None:
        yield MlflowClient(destination.uri), None
        return
    root = artifact_root(destination.results)
    with local_database.opened(file, destination.uri, root) as engine:
        yield MlflowClient(destination.uri), engine


def errors() -> tuple[type[Exception], ...]:
    """Return what MLflow raises if a store is away, full or broken, or MLflow is not installed."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ImportError, ValueError


def is_refusal(error: Exception) -> bool:
    """Return whether MLflow refuses what it was sent, so that something else may be accepted."""
    return getattr(error, "error_code", None) == "INVALID_PARAMETER_VALUE"


def cause(error: Exception) -> str:
    """Return the cause of an error in a few words."""
    code = getattr(error, "error_code", None)  # a server's answer begins with it
    text = without_password(str(error)).removeprefix(f"{code}: ")
    known = {
        "onnection refused": "connection refused",
        "onnection aborted": "connection lost",
        "onnection reset": "connection lost",
        "imed out": "no answer in time",
        "Failed to resolve": "unknown host",
        "disk is full": "the disk is full",
        "database is locked": LOCKED,
    }
    found = next((words for sign, words in known.items() if sign in text), None)
    first = (text.splitlines() or [type(error).__name__])[0]
    return found or (first if len(first) <= LONGEST_CAUSE else f"{first[: LONGEST_CAUSE - 3]}...")
