"""Where the rows of one invocation go: the local database of a results folder, or a server."""

from __future__ import annotations

import os
import re
import shlex
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from bench.store.store import Store

DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
BATCH = 100  # rows in one transaction of a local database
LOCKED = "locked by another program"
SQLITE = ("sqlite:///", "sqlite+pysqlite:///")
FOLDER = Path("results")  # the default of `--results`, which advice need not name


class Destination:
    """The experiment that the rows of one invocation go to.

    Attributes:
        store: holds the rows.
        results: folder of the store.
        experiment: name of the experiment, the suite's.
        invocation: tags of the parent run; "command" also names it.
        identity: of the invocation, so that a second attempt finds its parent run.
        uri: of the local database or the server.
        at_once: rows that are sent at once: on a server each is a request that may fail.
        origin: tags of every run that this folder logs; a run without them belongs to another.
    """

    def __init__(self, store: Store, experiment: str, invocation: dict[str, str]) -> None:
        self.store = store
        self.results = results = store.path.parent
        self.experiment = experiment
        self.invocation = invocation
        self.identity = uuid.uuid4().hex
        self.uri = tracking_uri(results)
        self.at_once = 1 if local_file(self.uri) is None else BATCH
        self.origin = {
            "fathom.store": store.id(),
            "fathom.results": f"{socket.gethostname()}:{results.resolve()}",
        }

    def problem(self, cause: str) -> str:
        """Return the sentence for the user if rows cannot be logged."""
        file = local_file(self.uri)
        command = track_command(self.experiment, self.results)
        if file is None or cause == LOCKED:
            place = file or without_password(self.uri)
            return (
                f"mlflow at {place} is not available ({cause}); "
                f"rows are stored; `{command}` sends them later"
            )
        return (
            f"mlflow cannot use {file} ({cause}); rows are stored; "
            f"move the file away and `{command}` rebuilds it"
        )


def is_of(store: Store, tags: Mapping[str, str]) -> bool:
    """Return whether a store, or one that it is a copy of, logged a run with these tags.

    A run without the id of a store was logged before stores had one: any may be its.
    """
    return tags.get("fathom.store") in {None, store.id()}


def tracking_uri(results: Path) -> str:
    """Return $MLFLOW_TRACKING_URI, else the URI of `mlflow.db` in the results folder.

    A path with `?` or `%` is quoted, under a prefix for which MLflow makes no folder of the
    quoted name.
    """
    path = str(results.resolve() / DATABASE)
    quoted = path.replace("%", "%25").replace("?", "%3F")
    own = f"{SQLITE[0] if path == quoted else SQLITE[1]}{quoted}"
    return os.environ.get("MLFLOW_TRACKING_URI") or own


def local_file(uri: str) -> Path | None:
    """Return the file of a local database, None for a server."""
    for prefix in SQLITE:
        if uri.startswith(prefix):
            return Path(unquote(uri.removeprefix(prefix)))
    return None


def artifact_root(results: Path) -> str:
    """Return the URI of the folder of files that belongs to a results folder's database."""
    return (results.resolve() / ARTIFACTS).as_uri()


def track_command(experiment: str, results: Path) -> str:
    """Return the command that sends an experiment's stored rows."""
    folder = [] if results == FOLDER else ["--results", str(results)]
    return shlex.join(["bench", "track", experiment, *folder])


def without_password(text: str) -> str:
    """Return a text without the user and password of the addresses in it."""
    return re.sub(r"//[^/@\s]*@", "//", text)
