"""An MLflow experiment opened for writing: one parent run an invocation, one child run a row."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.store.records import digest
from bench.tracking import local_database, local_runs, row_run
from bench.tracking.connection import is_refusal
from bench.tracking.destination import Destination, artifact_root, is_of, local_file
from bench.tracking.parent_run import Selection, Summary
from bench.tracking.row_run import RowRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from sqlalchemy import Engine

PAGE = 200  # runs a request, so that an answer stays well within the timeout
MOST_METRICS = 1000  # that servers take in one request
LONGEST_TITLE = 80  # characters of a parent run's name; its tag `command` is whole
CURVES = "curves.svg"
KIND = "custom_model_development"  # opens on the table of runs, not on pages for prompts
NOTE = """\
A run without a parent is one invocation of `bench`: its description and its artifacts are the
board, its metrics are the means of the detectors. Each run below it (unfold it with +) is a row:
one detector on one data set with one seed.

A run *over time* has a line for each detector with all rows, and a step for each invocation on
equal data, protocols, scalers and seeds: open its *Model metrics*. An invocation's tag
`fathom.step` is its step.

- *Compare*: select rows and press Compare, or group all by the params `label` and `dataset`.
- *Filter*: `params.dataset = "wine" and tags.type = "deep"`, `tags.status != "ok"`.
- *Losses*: metrics named `fit/...` have one step for each epoch.
- *Several folders*: the tag `fathom.results` names the machine and the results folder of a run.
- *Curves*: the artifact `curves.svg` of a row shows its ROC and precision-recall curves.
"""


# Tags: the digest of a selection, and on a parent run its step in the run over time of that digest.
SELECTION, STEP = "fathom.selection", "fathom.step"


class Experiment:
    """An experiment, created if there is none, and the rows that it holds already.

    A run belongs to the store that logged it, where that store lies: only such a run is ever
    deleted, so that results folders may share a server. A copy of a folder has the id of its
    original, so it logs no row again that was logged before the copy was made; from then on
    neither changes a run of the other.

    Hold the lock of the results folder, so that no other process writes its runs.

    Attributes:
        not_finite: the first number that is not finite, by name, of rows logged without such.
    """

    def __init__(
        self, destination: Destination, client: MlflowClient, engine: Engine | None
    ) -> None:
        """Open or create an experiment through a client, and the engine of a local database."""
        self._destination, self._client, self._engine = destination, client, engine
        self._local = local_file(destination.uri)
        found = client.get_experiment_by_name(destination.experiment)
        found = found or client.get_experiment(self._create())
        self._id, self._root = str(found.experiment_id), found.artifact_location
        self.not_finite: list[str] = []
        self._batch: dict[str, RowRun] = {}  # run id -> a run not yet written
        self._parent: str | None = None
        self._orphans: list[str] = []  # parent runs that killed processes left
        self._over_time: dict[str, str] = {}  # digest of a selection -> its lasting run
        self._steps: dict[str, int] = {}  # digest of a selection -> steps of earlier invocations
        self._logged: dict[str, str] = {}  # digest of the record -> run id
        self._own: dict[str, str] = {}  # key -> run id, of the runs that may be replaced
        for run, status, tags in self._runs():
            self._notice(run, status, tags)

    def log(self, record: dict[str, Any]) -> bool:
        """Log a record, in place of our older one of its key; False if it is there already.

        `flush` after some rows: those of a local database are written then.

        A row that was carried over to another key keeps its run, which gets the new key.

        Raises:
            MlflowException: the row is refused (`is_refusal`), or nothing can be logged.
        """
        key, content = record["key"], digest(record)
        if content in self._logged:
            return False
        details = self._destination.store.details(key)
        if carried := self._logged.get(details.get("carried_from", "")):
            for tag, value in {"fathom.key": key, "fathom.digest": content}.items():
                self._client.set_tag(carried, tag, value)
            return False
        if (old := self._own.pop(key, None)) and self._batch.pop(old, None) is None:
            self._client.delete_run(old)
        if self._parent is None:
            self._parent = self._start_parent()
        numbers = row_run.numbers(record, details.get("diagnostics", {}))
        links = {"mlflow.parentRunId": self._parent, "fathom.digest": content}
        scored = self._destination.store.scores(key)
        run = row_run.of_row(record, numbers, links | self._destination.origin, scored)
        self._own[key] = self._logged[content] = self._put(run)
        self.not_finite += row_run.not_finite(numbers)[:1]
        return True

    def _put(self, run: RowRun) -> str:
        """Send a run to the server, or keep it for `flush`; return its id."""
        if self._engine:
            local_runs.check(run)
            made = uuid.uuid4().hex
            self._batch[made] = run
            return made
        info = self._client.create_run(
            self._id, start_time=run.start, tags=run.tags, run_name=run.title
        ).info
        made = str(info.run_id)
        try:
            self._log_metrics(made, run.metrics, run.params)
            self._client.log_inputs(made, [run.data_set])
            self._keep_pictures({made: run})
            self._client.set_terminated(made, run.status, run.end)
        except Exception as error:
            if is_refusal(error):
                self._client.delete_run(made)
            raise
        return made

    def flush(self) -> None:
        """Write what is logged and not yet written: in a local database, all since the last one."""
        if self._engine and self._batch:
            self._keep_pictures(self._batch)
            local_runs.add(self._engine, self._id, self._root, self._batch)
            self._batch = {}

    def end(self, summarise: Callable[[], Summary], *, killed: bool = False) -> None:
        """Add the summary of the board to the parent run and end it, and those of killed processes.

        The summary is made only if there is a parent run.
        """
        parents = [run for run in (self._parent, *self._orphans) if run]
        summary = summarise() if parents else Summary()
        listed = [{"path": name, "type": "table"} for name in summary.tables]
        tags = {"mlflow.loggedArtifacts": json.dumps(listed), "mlflow.note.content": summary.note}
        comparable = summary.selection if self._parent and summary.complete else None
        step = self._steps.get(comparable.digest, 0) + 1 if comparable else 0
        for run in parents:
            for name, text in summary.files.items():
                self._client.log_text(run, text, name)
            for name, value in tags.items() if summary.files else ():
                self._client.set_tag(run, name, value)
            now, mine = int(1000 * time.time()), run == self._parent
            # At its step in the run over time, so that its points lie on the lines of that run.
            self._log_metrics(run, row_run.metrics(summary.metrics, now, step if mine else 0))
            self._client.set_terminated(run, "FINISHED" if mine and not killed else "KILLED")
        if self._parent and comparable:
            self._add_step(self._parent, comparable, summary.complete, step)

    def _add_step(
        self, parent: str, selection: Selection, means: Mapping[str, float], step: int
    ) -> None:
        """Add the means of an invocation to the lasting run of its selection."""
        chosen, now = selection.digest, int(1000 * time.time())
        tags = {SELECTION: chosen, **self._destination.origin}
        run = self._over_time.get(chosen) or str(
            self._client.create_run(
                self._id,
                tags=tags,
                run_name=row_run.shortened(f"over time: {selection.title}", row_run.LONGEST_NAME),
            ).info.run_id
        )
        self._log_metrics(run, row_run.metrics(means, now, step))
        self._client.set_terminated(run)
        for name, value in {SELECTION: chosen, STEP: str(step)}.items():
            self._client.set_tag(parent, name, value)

    def _create(self) -> str:
        root = artifact_root(self._destination.results) if self._local else None
        tags = {"mlflow.note.content": NOTE, "mlflow.experimentKind": KIND}
        return str(self._client.create_experiment(self._destination.experiment, root, tags=tags))

    def _runs(self) -> Iterator[tuple[str, str, Mapping[str, str]]]:
        """Yield id, status and tags (ours, at least) of the runs of this store and its copies.

        Those of a local database may be of any store.
        """
        if self._local:
            yield from local_database.runs(self._local, self._destination.experiment)
            return
        token, store = None, self._destination.origin["fathom.store"]
        while True:
            page = self._client.search_runs(
                [self._id], f"tags.`fathom.store` = '{store}'", max_results=PAGE, page_token=token
            )
            yield from ((run.info.run_id, run.info.status, run.data.tags) for run in page)
            token = page.token
            if not token:
                return

    def _notice(self, run: str, status: str, tags: Mapping[str, str]) -> None:
        """Register a run; delete a row's that a killed process of this folder left unfinished.

        The folder is locked, so no process is still at work on such a run.
        """
        unfinished = status == "RUNNING"
        own = self._destination.origin.items() <= tags.items()
        selection = tags.get(SELECTION, "")
        if tags.get("fathom.invocation") == self._destination.identity:
            self._parent = run
        elif own and selection and "fathom.invocation" not in tags:
            self._over_time[selection] = run
        elif "fathom.key" not in tags:
            self._orphans += [run] * (unfinished and own)
            self._steps[selection] = max(
                self._steps.get(selection, 0), own * int(tags.get(STEP, 0))
            )
        elif unfinished and own:
            self._client.delete_run(run)
        elif not unfinished and is_of(self._destination.store, tags):
            self._logged[tags.get("fathom.digest", "")] = run
            if own:
                self._own[tags["fathom.key"]] = run

    def _start_parent(self) -> str:
        destination = self._destination
        links = {"fathom.invocation": destination.identity, **destination.origin}
        command = destination.invocation.get("command", destination.experiment)
        tags = row_run.texts(destination.invocation) | links
        return str(
            self._client.create_run(
                self._id, tags=tags, run_name=row_run.shortened(command, LONGEST_TITLE)
            ).info.run_id
        )

    def _log_metrics(self, run: str, metrics: Sequence[Metric], params: Sequence[Any] = ()) -> None:
        """Log metrics, as many a request as servers take, with params in the first."""
        for start in range(0, max(1, len(metrics)), MOST_METRICS):
            part = metrics[start : start + MOST_METRICS]
            self._client.log_batch(run, metrics=part, params=() if start else params)

    def _keep_pictures(self, runs: Mapping[str, RowRun]) -> None:
        """Keep the curves of runs as files.

        The client's `log_text` does the same for one, but asks for the whole run first.
        """
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
        from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository

        there = get_artifact_repository(self._root, tracking_uri=self._destination.uri)
        here = there.artifact_dir if isinstance(there, LocalArtifactRepository) else None
        with nullcontext(here) if here else TemporaryDirectory() as place:
            for run_id, run in runs.items():
                if run.picture:
                    folder = Path(place, run_id, "artifacts")
                    folder.mkdir(parents=True)
                    (folder / CURVES).write_text(run.picture, encoding="utf-8")
            if not here:
                there.log_artifacts(place)  # type: ignore[no-untyped-call]  # theirs
