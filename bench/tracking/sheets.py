"""Sheets of `bench show` and `bench latent` in MLflow: a run each, with the files as artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.store.store import Store
from bench.tracking import connection, row_run
from bench.tracking.destination import Destination, artifact_root, local_file, without_password

EXPERIMENT = "sheets"
NOTE = "Each run is a sheet of `bench show` or `bench latent`: open its artifacts."


def log_sheet(store: Store, title: str, command: str, files: Sequence[Path]) -> str:
    """Log the files of a sheet as a run; return a sentence on where it is, or why it is not.

    Hold the lock of the results folder.
    """
    connection.prepare_environment()
    to = Destination(store, EXPERIMENT, {"command": command})
    place = without_password(to.uri)
    errors = connection.errors()
    try:
        with connection.connected(to) as (client, _):
            known = client.get_experiment_by_name(EXPERIMENT)
            root = artifact_root(to.results) if local_file(to.uri) else None
            found = known.experiment_id if known else client.create_experiment(
                EXPERIMENT, root, tags={"mlflow.note.content": NOTE}
            )  # fmt: skip
            tags = row_run.texts(to.invocation) | to.origin
            run = client.create_run(found, tags=tags, run_name=title).info.run_id
            for file in files:
                client.log_artifact(run, str(file))
            client.set_terminated(run)
    except errors as error:
        return f"the sheet is not in mlflow at {place}: {connection.cause(error)}"
    return f"mlflow: a run {title!r} of the experiment {EXPERIMENT!r} in {place}"
