"""MLflow tracking: every stored row as a run, written by one thread behind the run.

One experiment a suite; one parent run an invocation, made when its first row comes, which holds
the suite's board; one child run a row. A child carries `fathom.key` (the row's key) and
`fathom.digest` (of the whole record), so that a row is logged once per experiment and again, in
place of the old run, only where its record has changed. A child that a killed process left
unfinished is replaced. Rows that such a process stored and did not log are handed over again by
the next run of their suite that makes any, and by `bench track`.

Params are what was wanted (settings one by one as `setting.NAME`), metrics are the finite numbers
that came out, tags are the rest. What a fit says of itself is `fit/NAME`, a curve with a step an
epoch, thinned to MOST_STEPS [0.08 ms a step; whole in the store]. The data set is the run's input.
A row that scored has its ROC and precision-recall curves beside it. MLflow refuses some characters
in names: `@` becomes `_at_`, any other becomes `_`, so `recall@fpr=0.05` is `recall_at_fpr_0.05`
there.

By default the runs are in `mlflow.db` in the results folder, which can be rebuilt from the store
at any time and is therefore opened in WAL mode with `synchronous = NORMAL`. MLFLOW_TRACKING_URI
names a server instead. MLflow takes 1.5 s to import, so only the functions that need it do.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import socket
import sqlite3
import sys
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.metrics import curves
from bench.store.records import Wanted, canonical, digest, made_for
from bench.tracking.parent_run import Shown

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from sqlalchemy import Engine

    from bench.store.store import Store

DATABASE = "mlflow.db"
ARTIFACTS = "mlartifacts"
FOLDER = Path("results")  # where `bench` looks unless told otherwise
PAGE = 200  # runs a request, so that an answer stays well within the timeout
TIMEOUT_S = 5  # for one request to a server
PATIENCE_S = 30.0  # for a server to take what is left when the run is done
MOST_STEPS = 50  # of a curve
MOST_METRICS = 1000  # that servers take in one request
LONGEST_DIGEST, LONGEST_NAME = 36, 500  # characters that servers take of a data set's
LONGEST_TITLE = 80  # characters of a parent run's name; its tag `command` is whole
CURVES = "curves.svg"
LONGEST = 5000  # characters of a param or tag; servers refuse more than 6000 and 8000

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
KIND = "custom_model_development"  # opens on the table of runs, not on pages for prompts
NOTE = """\
A run without a parent is one invocation of `bench`: its description and its artifacts are the
board, its metrics the detectors' means. Each run below it (unfold it with +) is a row, one detector
on one data set for one seed.

- *Compare*: pick rows and press Compare, or group all by the params `label` and `dataset`.
- *Filter*: `params.dataset = "wine" and tags.family = "deep"`, `tags.status != "ok"`.
- *Losses*: metrics named `fit/...` have one step an epoch.
- *Curves*: the artifact `curves.svg` of a row is its ROC and its precision against recall.
"""
MIGRATION = threading.Lock()  # alembic, which makes the tables, keeps its state in its modules
WANTED = frozenset(Wanted.__dataclass_fields__)
SIZES = ("n_train", "n_test", "n_anomalies")
PARAMS = ("spec", "model", "label", "dataset", "protocol", "scaler", "seed", "device")
TAGS = (
    "status", "reason", "family", "dataset", "dataset_family", "data_sha256", "protocol", "seed",
    "code_id",
)  # fmt: skip


@dataclass(frozen=True)
class TrackingReport:
    """What became of the rows handed over.

    Attributes:
        uri: where they went, without credentials.
        experiment: name of the MLflow experiment.
        logged: rows logged now.
        already: rows that were there before.
        problem: one sentence for the user where not all is logged, else None.
    """

    uri: str
    experiment: str
    logged: int
    already: int
    problem: str | None


def tracking_uri(results: Path) -> str:
    """Return $MLFLOW_TRACKING_URI, else the URI of `mlflow.db` in the results folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{results.resolve() / DATABASE}"


def ui_command(results: Path, port: int = 5000) -> list[str]:
    """Return the command that serves MLflow's pages for a results folder on this machine.

    It inherits two variables set here unless the user has: no telemetry, and none of the processes
    that MLflow starts for jobs we have not.

    Raises:
        ValueError: MLFLOW_TRACKING_URI names a server, which has pages of its own.
        FileNotFoundError: nothing has been tracked in that folder.
    """
    uri = tracking_uri(results)
    file = _local_file(uri)
    if file is None:
        msg = f"MLFLOW_TRACKING_URI is {_shown(uri)}; open that server's own pages in a browser"
        raise ValueError(msg)
    if not file.is_file():
        msg = f"no {file.name} in {file.parent}; make it with `bench run` or `bench track`"
        raise FileNotFoundError(msg)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    options = {
        "--backend-store-uri": uri,
        "--artifacts-destination": _artifacts(results),
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
    }
    return [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        *(x for pair in options.items() for x in pair),
    ]


class Tracker:
    """Logs the rows of one invocation as they come, in a thread of its own.

    The run never waits for it. After a failure nothing more is sent; `finish` tries once more.
    Hold the lock of the results folder, and use one tracker at a time in it.
    """

    def __init__(
        self,
        store: Store,
        experiment: str,
        invocation: Mapping[str, str],
    ) -> None:
        """Start the thread, which opens or creates the experiment.

        Args:
            store: holds the rows that will be handed over.
            experiment: name of the experiment, the suite's.
            invocation: tags of the parent run; "command" also names it.
        """
        _prepare_environment()
        self._target = _Target(store, experiment, dict(invocation), uuid.uuid4().hex)
        self._news = threading.Condition()
        self._waiting: deque[dict[str, Any]] = deque()
        self._shown: Callable[[], Shown] = Shown
        self._logged = self._already = 0
        self._deadline: float | None = None  # monotonic; set when no more rows will come
        self._abandoned = False
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """One sentence for the user, as soon as tracking has failed."""
        return self._problem

    def log(self, record: dict[str, Any]) -> None:
        """Hand over a record of the store; returns at once."""
        with self._news:
            self._waiting.append(record)
            self._news.notify()

    def finish(self, shown: Callable[[], Shown]) -> TrackingReport:
        """Log what is left, keep what is shown of the board in the parent run and end it.

        It is made only where there is a parent run to show it.

        A server gets PATIENCE_S for it, the local database as long as it takes.
        """
        local = _local_file(self._target.uri) is not None
        with self._news:
            self._shown = shown
            self._deadline = math.inf if local else time.monotonic() + PATIENCE_S
            self._news.notify()
        self._thread.join(None if local else PATIENCE_S + 2 * TIMEOUT_S)
        if self._waiting and self._problem is None:
            self._problem = self._target.problem(
                f"{len(self._waiting)} rows were not taken in time"
            )
        return self._target.report(self._logged, self._already, self._problem)

    def abandon(self) -> None:
        """Stop at once, leave what is logged, and end the parent run as killed if that is quick."""
        with self._news:
            self._abandoned = True
            self._deadline = 0.0
            self._news.notify()
        self._thread.join(2.0)

    def _work(self) -> None:
        self._problem = self._send()
        if self._problem is None:
            return
        with self._news:
            failed_late = self._deadline is not None
            self._news.wait_for(lambda: self._deadline is not None)
        if not failed_late and not self._abandoned:
            self._problem = self._send()

    def _send(self) -> str | None:
        """Log the rows as they come until none will; return the problem, if any."""
        trouble = _trouble()
        try:
            with _client(self._target) as client:
                experiment = _Experiment(self._target, client)
                while (record := self._next()) is not None:
                    new = experiment.log(record)
                    self._logged += new
                    self._already += not new
                    self._waiting.popleft()
                experiment.end(Shown if self._abandoned else self._shown, killed=self._abandoned)
        except trouble as error:
            return self._target.problem(_why(error))
        return None

    def _next(self) -> dict[str, Any] | None:
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._deadline is not None)
            late = self._deadline is not None and time.monotonic() > self._deadline
            return self._waiting[0] if self._waiting and not late else None


def replay(
    store: Store,
    experiment: str,
    records: Iterable[dict[str, Any]],
    shown: Callable[[], Shown],
) -> TrackingReport:
    """Log those records of the store that the experiment does not hold yet.

    What is shown of the board goes to the parent run of these rows. Hold the lock of the results
    folder. A failure is in the report; what was logged before it stays.
    """
    _prepare_environment()
    target = _Target(store, experiment, {"command": "bench track"}, uuid.uuid4().hex)
    trouble = _trouble()
    logged = already = 0
    problem = None
    try:
        with _client(target) as client:
            opened = _Experiment(target, client)
            for record in records:
                new = opened.log(record)
                logged += new
                already += not new
            opened.end(shown)
    except trouble as error:
        problem = target.problem(_why(error))
    return target.report(logged, already, problem)


def untracked(results: Path, experiment: str, store: Store) -> str | None:
    """Return the sentence for the user where the local database lacks rows made for a suite.

    Reads the file without MLflow; a server is not asked.
    """
    file = _local_file(tracking_uri(results))
    if file is None:
        return None
    query = (
        "SELECT tags.value FROM tags JOIN runs USING (run_uuid) JOIN experiments e "
        "USING (experiment_id) WHERE e.name = ? AND runs.lifecycle_stage = 'active' "
        "AND runs.status != 'RUNNING' AND tags.key = 'fathom.digest'"
    )
    held: set[str] = set()
    if file.is_file():
        with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as connection:
            held = {value for (value,) in connection.execute(query, (experiment,))}
    own = (record for record in store.as_kept() if made_for(record) == experiment)
    n_missing = sum(digest(store.renewed(record)) not in held for record in own)
    if not n_missing:
        return None
    return (
        f"{n_missing} stored rows are not in {file}; `{_command(experiment, results)}` sends them"
    )


def _command(experiment: str, results: Path) -> str:
    """Return the command that sends an experiment's stored rows."""
    folder = [] if results == FOLDER else ["--results", str(results)]
    return shlex.join(["bench", "track", experiment, *folder])


class _Target:
    """Where the rows of one invocation go."""

    def __init__(
        self, store: Store, experiment: str, invocation: dict[str, str], identity: str
    ) -> None:
        self.store = store
        self.results = results = store.path.parent
        self.experiment = experiment
        self.invocation = invocation
        self.identity = identity
        self.uri = tracking_uri(results)
        self.folder = f"{socket.gethostname()}:{results.resolve()}"

    def problem(self, why: str) -> str:
        """Return the sentence for the user."""
        file = _local_file(self.uri)
        command = _command(self.experiment, self.results)
        if file is None:
            return (
                f"mlflow at {_shown(self.uri)} is away ({why}); rows are stored; "
                f"`{command}` sends them later"
            )
        return (
            f"mlflow cannot use {file} ({why}); rows are stored; "
            f"move the file away and `{command}` makes it anew"
        )

    def report(self, logged: int, already: int, problem: str | None) -> TrackingReport:
        return TrackingReport(_shown(self.uri), self.experiment, logged, already, problem)


class _Experiment:
    """An experiment opened for writing, with what it holds already."""

    def __init__(self, target: _Target, client: MlflowClient) -> None:
        self._target = target
        self._client = client
        found = self._client.get_experiment_by_name(target.experiment)
        if found is None:
            local = _local_file(target.uri) is not None
            self._id = self._client.create_experiment(
                target.experiment,
                _artifacts(target.results) if local else None,
                tags={"mlflow.note.content": NOTE, "mlflow.experimentKind": KIND},
            )
        else:
            self._id = found.experiment_id
        self._parent: str | None = None
        self._orphans: list[str] = []
        self._rows: dict[str, tuple[str, str]] = {}  # key -> run id, digest of the record
        for run, status, tags in _runs(target.uri, client, self._id):
            self._notice(run, status, tags)

    def log(self, record: dict[str, Any]) -> bool:
        """Log a record, in place of an older one of its key; False where it is there already."""
        key, content = record["key"], digest(record)
        old, logged = self._rows.get(key, (None, None))
        if logged == content:
            return False
        if old is not None:
            self._client.delete_run(old)
        if self._parent is None:
            self._parent = self._start_parent()
        end = _milliseconds(record)
        wall = record.get("fit_wall_seconds") or 0.0
        links = {"mlflow.parentRunId": self._parent, "fathom.digest": content}
        info = self._client.create_run(
            self._id,
            start_time=end - int(1000 * wall),
            tags=_tags(record) | links | {"fathom.results": self._target.folder},
            run_name=f"{record['label']} · {record['dataset']} · seed {record['seed']}",
        ).info
        run = info.run_id
        told = self._target.store.details(key).get("diagnostics", {})
        metrics = [*_metrics(record, end), *_steps(told, end)]
        self._log_metrics(run, metrics, _params(record))
        self._client.log_inputs(run, [_input(record)])
        if record["status"] == "ok" and (scored := self._target.store.scores(key)):
            _keep(curves.picture(*scored), CURVES, info.artifact_uri, self._target.uri)
        status = "FINISHED" if record["status"] == "ok" else "FAILED"
        self._client.set_terminated(run, status, end)
        self._rows[key] = run, content
        return True

    def _log_metrics(self, run: str, metrics: Sequence[Metric], params: Sequence[Any] = ()) -> None:
        """Log metrics, as many a request as servers take, with params in the first."""
        for start in range(0, max(1, len(metrics)), MOST_METRICS):
            part = metrics[start : start + MOST_METRICS]
            self._client.log_batch(run, metrics=part, params=() if start else params)

    def end(self, shown: Callable[[], Shown], *, killed: bool = False) -> None:
        """Show the board in the parent run and end it, and those of killed invocations."""
        parents = [run for run in (self._parent, *self._orphans) if run]
        made = shown() if parents else Shown()
        listed = [{"path": name, "type": "table"} for name in made.tables]
        tags = {"mlflow.loggedArtifacts": json.dumps(listed), "mlflow.note.content": made.note}
        for run in parents:
            for name, text in made.files.items():
                self._client.log_text(run, text, name)
            for name, value in tags.items() if made.files else ():
                self._client.set_tag(run, name, value)
            self._log_metrics(run, _figures(made.metrics))
            mine = run == self._parent and not killed
            self._client.set_terminated(run, "FINISHED" if mine else "KILLED")

    def _notice(self, run: str, status: str, tags: Mapping[str, str]) -> None:
        """Take note of a run found; delete a row's that was left unfinished in this folder.

        The folder is locked, so no process is still at work on such a run.
        """
        unfinished = status == "RUNNING"
        left_here = unfinished and tags.get("fathom.results") == self._target.folder
        if tags.get("fathom.invocation") == self._target.identity:
            self._parent = run
        elif "fathom.key" not in tags:
            self._orphans += [run] * left_here
        elif left_here:
            self._client.delete_run(run)
        elif not unfinished:
            self._rows[tags["fathom.key"]] = run, tags.get("fathom.digest", "")

    def _start_parent(self) -> str:
        target = self._target
        links = {"fathom.invocation": target.identity, "fathom.results": target.folder}
        given = {_name(k): v[:LONGEST] for k, v in target.invocation.items()}
        command = target.invocation.get("command", target.experiment)
        name = command if len(command) <= LONGEST_TITLE else f"{command[: LONGEST_TITLE - 3]}..."
        return str(self._client.create_run(self._id, tags=given | links, run_name=name).info.run_id)


def _keep(text: str, name: str, folder: str, tracking_uri: str) -> None:
    """Keep a text as a file of the run with that artifact folder.

    As the client's `log_text`, which asks for the whole run first [5.5 ms against 1.0].
    """
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with tempfile.TemporaryDirectory() as draft:
        file = Path(draft) / name
        file.write_text(text, encoding="utf-8")
        repository = get_artifact_repository(folder, tracking_uri=tracking_uri)
        repository.log_artifact(str(file))  # type: ignore[no-untyped-call]  # theirs


def _runs(uri: str, client: MlflowClient, experiment: str) -> Iterator[tuple[str, str, Any]]:
    """Yield id, status and tags (ours, at least) of every run of an experiment.

    MLflow's search builds every run with all its metrics, 1.1 ms each; of a local database the
    three columns are read directly, 0.01 ms each.
    """
    file = _local_file(uri)
    if file is not None:
        query = (
            "SELECT run_uuid, status, json_group_object(tags.key, tags.value) "
            "FROM runs JOIN tags USING (run_uuid) "
            "WHERE experiment_id = ? AND lifecycle_stage = 'active' AND tags.key GLOB 'fathom.*' "
            "GROUP BY run_uuid"
        )
        with closing(sqlite3.connect(file)) as connection:
            found = connection.execute(query, (experiment,)).fetchall()
        yield from ((run, status, json.loads(tags)) for run, status, tags in found)
        return
    token = None
    while True:
        page = client.search_runs([experiment], max_results=PAGE, page_token=token)
        yield from ((run.info.run_id, run.info.status, run.data.tags) for run in page)
        token = page.token
        if not token:
            return


def _params(record: dict[str, Any]) -> list[Any]:
    from mlflow.entities import Param

    params = {name: str(record[name]) for name in PARAMS}
    params["settings"] = canonical(record["settings"])
    for name, value in record["settings"].items():
        if name == "head":
            params |= {f"setting.head.{k}": str(v) for k, v in value.items()}
        else:
            params[f"setting.{name}"] = str(value)
    return [Param(_name(k), v[:LONGEST]) for k, v in params.items()]


def _metrics(record: dict[str, Any], timestamp: int) -> list[Metric]:
    """Return the finite numbers that came out; the sizes last, for pages show the first first."""
    numbers = {
        name: value
        for name, value in record.items()
        if name not in WANTED and isinstance(value, int | float)
    }
    return _figures(dict(sorted(numbers.items(), key=lambda item: item[0] in SIZES)), timestamp)


def _figures(figures: Mapping[str, float], timestamp: int | None = None) -> list[Metric]:
    """Return the finite ones of figures by name, as of some time since 1970 in ms, or of now."""
    from mlflow.entities import Metric

    moment = int(1000 * time.time()) if timestamp is None else timestamp
    return [
        Metric(_name(name), float(value), moment, 0)
        for name, value in figures.items()
        if math.isfinite(value)
    ]


def _steps(diagnostics: Mapping[str, Any], timestamp: int) -> list[Metric]:
    """Return what a fit says of itself, a curve from step 1, the first epoch."""
    from mlflow.entities import Metric

    told = []
    for name, values in diagnostics.items():
        points = values if isinstance(values, list) else [values]
        for i in np.unique(np.linspace(0, len(points) - 1, MOST_STEPS).astype(int)):
            step = int(i) + 1 if isinstance(values, list) else 0
            if points and math.isfinite(points[i]):
                told.append(Metric(_name(f"fit/{name}"), points[i], timestamp, step))
    return told


def _input(record: dict[str, Any]) -> Any:
    """Return the data set as an input of a run, its context the protocol."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    name, content = record["dataset"], record["data_sha256"]
    source = canonical({"name": name, "sha256": content})
    data = Dataset(
        name[:LONGEST_NAME], content[:LONGEST_DIGEST], source_type="fathom", source=source
    )
    return DatasetInput(data, [InputTag("mlflow.data.context", record["protocol"])])


def _tags(record: dict[str, Any]) -> dict[str, str]:
    tags = {name: record[name] for name in TAGS} | dict(record["provenance"])
    texts = {k: v if isinstance(v, str) else canonical(v) for k, v in tags.items()}
    kept = {_name(k): v[:LONGEST] for k, v in texts.items() if v}
    return kept | {"fathom.key": record["key"]}


def _name(name: str) -> str:
    """Return a name of a metric, param or tag that MLflow accepts."""
    return re.sub(r"[^\w.\- /:]", "_", name.replace("@", "_at_"))


def _milliseconds(record: dict[str, Any]) -> int:
    """Return when the row was done, since 1970, as its provenance says; else the time now."""
    date = record["provenance"].get("date")
    return int(1000 * (datetime.fromisoformat(date).timestamp() if date else time.time()))


def _prepare_environment() -> None:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


@contextmanager
def _client(target: _Target) -> Iterator[MlflowClient]:
    """Open the store; a local database is created whole, or not at all."""
    from mlflow import MlflowClient
    from sqlalchemy import event

    file = _local_file(target.uri)
    if file is None:
        yield MlflowClient(target.uri)
        return
    root = _artifacts(target.results)
    if not file.exists():
        _create(file, root)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # kept in the file
    engine = _engine(target.uri, root)  # one a URI in a process: the client's, too
    event.listen(engine, "connect", _relax)
    engine.dispose()  # connections made before know nothing of it
    try:
        yield MlflowClient(target.uri)
    finally:
        engine.dispose()


def _engine(uri: str, root: str) -> Engine:
    """Return the engine that MLflow keeps for a database, whose tables it makes if need be."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with MIGRATION:
        return SqlAlchemyStore(uri, root).engine  # type: ignore[no-untyped-call]  # theirs


def _create(file: Path, root: str) -> None:
    """Create MLflow's database in memory, copy it beside its place and move it there.

    A kill leaves no half of it, and the hundred steps that MLflow takes wait for no disk [0.6 s
    where the disk is busy, against 5 s].
    """
    draft = file.with_name(f"{file.name}.new")
    file.parent.mkdir(parents=True, exist_ok=True)
    for left in file.parent.glob(f"{draft.name}*"):
        left.unlink()
    engine = _engine("sqlite:///:memory:", root)
    with closing(engine.raw_connection()) as made, closing(sqlite3.connect(draft)) as copy:
        made.backup(copy)
    engine.dispose()
    draft.replace(file)


def _relax(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")


def _local_file(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _artifacts(results: Path) -> str:
    return (results.resolve() / ARTIFACTS).as_uri()


def _trouble() -> tuple[type[Exception], ...]:
    """Return what MLflow raises when a store is away, full, broken, or no MLflow at all."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ImportError, ValueError


def _shown(uri: str) -> str:
    """Return a text without the user and password of the addresses in it."""
    return re.sub(r"//[^/@\s]*@", "//", uri)


def _why(error: Exception) -> str:
    """Return the cause in a few words."""
    text = _shown(str(error))
    known = {
        "onnection refused": "connection refused",
        "onnection aborted": "connection lost",
        "onnection reset": "connection lost",
        "imed out": "no answer in time",
        "Failed to resolve": "unknown host",
        "disk is full": "the disk is full",
    }
    found = next((words for sign, words in known.items() if sign in text), None)
    first = (text.splitlines() or [type(error).__name__])[0]
    return found or (first if len(first) <= 160 else f"{first[:157]}...")
