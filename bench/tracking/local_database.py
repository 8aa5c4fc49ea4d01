"""MLflow's local database: with `local_runs`, the only code that relies on MLflow's tables.

MLflow's client serves everything else. Here it costs too much, next to the 2 ms that a row takes:

- It builds every run that it finds with all metrics [1.2 ms of CPU a run; 7 ms to look one up by a
  tag]; reading two columns and our tags takes .013 ms. Before `bench run` logs a row it reads the
  runs of the whole suite. With nothing to run it must not import MLflow at all [1.5 s].
- It creates a new database in a hundred steps that each wait for the disk [5 s on a busy disk], and
  a kill leaves a part of it; in memory it takes .6 s, and the file appears whole.
- It waits for the disk at every commit [80 ms a row]; with `synchronous = NORMAL` in WAL mode it
  does not, which may lose the last rows on a power cut; they can be sent again.

`tests/bench/tracking/test_local_database.py` compares the tables with those of the MLflow version
that is pinned, and the runs read with those that the client reads.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

RUNS = """
SELECT run_uuid, status, json_group_object(tags.key, tags.value)
FROM runs JOIN tags USING (run_uuid) JOIN experiments USING (experiment_id)
WHERE experiments.name = ? AND runs.lifecycle_stage = 'active' AND tags.key GLOB 'fathom.*'
GROUP BY run_uuid
"""
FIRST = "SELECT artifact_location FROM experiments WHERE experiment_id = 0"
MIGRATION = threading.Lock()  # alembic, which makes the tables, keeps its state in its modules


def runs(file: Path, experiment: str) -> list[tuple[str, str, Mapping[str, str]]]:
    """Return id, status and `fathom.` tags of every run of an experiment that is not deleted."""
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute(RUNS, (experiment,)).fetchall()
    return [(run, status, json.loads(tags)) for run, status, tags in found]


def settle(file: Path, artifact_root: str) -> None:
    """Let a database that came here with its folder name the files that lie beside it here.

    The location of MLflow's first experiment, `ROOT/0`, says where the database was made. One that
    lies elsewhere than its artifacts, which several folders may share, stays as it is.
    """
    folder, _, name = artifact_root.rpartition("/")
    if folder != file.resolve().parent.as_uri():
        return
    with closing(sqlite3.connect(file)) as connection, connection:
        ((first,),) = connection.execute(FIRST).fetchall() or [("",)]
        made_in = first.removesuffix("/0")
        if made_in != artifact_root and made_in.endswith(f"/{name}"):
            for table, column in (("runs", "artifact_uri"), ("experiments", "artifact_location")):
                connection.execute(
                    f"UPDATE {table} SET {column} = :here || substr({column}, length(:there) + 1) "
                    f"WHERE substr({column}, 1, length(:there) + 1) IN (:there, :there || '/')",
                    {"here": artifact_root, "there": made_in},
                )


@contextmanager
def opened(file: Path, uri: str, artifact_root: str) -> Iterator[Engine]:
    """Open a database for MLflow's client in this process; create it if there is none."""
    from sqlalchemy import event

    if file.exists():
        settle(file, artifact_root)
    else:
        _create(file, artifact_root)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # kept in the file
    engine = _engine(uri, artifact_root)  # one a URI in a process: the client uses it, too
    event.listen(engine, "connect", _relax)
    engine.dispose()  # closes the connections made before, which are not relaxed
    try:
        yield engine
    finally:
        engine.dispose()


def _engine(uri: str, artifact_root: str) -> Engine:
    """Return the engine that MLflow keeps for a database; makes the tables if there are none."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with MIGRATION:
        return SqlAlchemyStore(uri, artifact_root).engine  # type: ignore[no-untyped-call]  # theirs


def _create(file: Path, artifact_root: str) -> None:
    """Create the database in memory, copy it to a draft beside its place and rename the draft."""
    draft = file.with_name(f".{file.name}.by-fathom")
    file.parent.mkdir(parents=True, exist_ok=True)
    for left in ("", "-journal", "-wal", "-shm"):  # of a kill
        draft.with_name(f"{draft.name}{left}").unlink(missing_ok=True)
    engine = _engine("sqlite:///:memory:", artifact_root)
    with closing(engine.raw_connection()) as made, closing(sqlite3.connect(draft)) as copy:
        made.backup(copy)
    engine.dispose()
    draft.replace(file)


def _relax(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
