"""What tests of tracking share: a plain shell's variables, a spy on the network, MLflow's runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bench.tracking.destination import tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

ROOT = Path(__file__).parents[2]
SPY = """
import socket, sys
ASKING = "socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto"
def spy(event, args):
    if event in ASKING and getattr(args[0], "family", None) != socket.AF_UNIX:
        with open({log!r}, "a") as file:
            file.write(f"{{event}} {{args}}\\n")
sys.addaudithook(spy)
"""


def python_environment(**extra: str) -> dict[str, str]:
    """Return the variables of a plain shell: none that a test runner or a build server sets."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT)} | extra


def spied_environment(log: Path, **extra: str) -> dict[str, str]:
    """Return a plain shell's variables with which every Python writes to `log` whom it asks."""
    site = log.with_name("site")
    site.mkdir()
    (site / "sitecustomize.py").write_text(SPY.format(log=str(log)))
    return python_environment(PYTHONPATH=f"{site}{os.pathsep}{ROOT}", **extra)


def mlflow_client(results: Path) -> MlflowClient:
    """Return a client of where the rows of a results folder are tracked."""
    from mlflow import MlflowClient  # here, so that the tracker is the first to import it

    return MlflowClient(tracking_uri(results))


def logged(results: Path, experiment: str = "default") -> tuple[list[Run], list[Run]]:
    """Return the parent runs and the child runs of an experiment."""
    client = mlflow_client(results)
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], max_results=5000) if found else []
    return (
        [run for run in runs if "fathom.invocation" in run.data.tags],
        [run for run in runs if "fathom.key" in run.data.tags],
    )
