"""Stored rows that MLflow does not hold: sending them, and counting them without MLflow."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from typing import Any

from bench.store.records import digest, made_for
from bench.store.store import Store
from bench.tracking import local_database
from bench.tracking.delivery import Delivery, TrackingReport
from bench.tracking.destination import is_of, local_file, track_command, tracking_uri
from bench.tracking.parent_run import Summary


def send_stored(
    store: Store,
    experiment: str,
    records: Iterable[dict[str, Any]],
    summarise: Callable[[], Summary],
) -> TrackingReport:
    """Log those records of the store that the experiment does not hold yet.

    The summary of the board goes to the parent run of these rows. Hold the lock of the results
    folder. A failure is in the report; what was logged before it stays.
    """
    delivery = Delivery(store, experiment, {"command": "bench track"})
    left, most = iter(records), delivery.destination.at_once
    batches = iter(lambda: list(islice(left, most)), [])
    delivery.send(batches, lambda opened: opened.end(summarise))
    return delivery.report()


def untracked(experiment: str, store: Store) -> str | None:
    """Return a sentence for the user if rows made for a suite are not in the local database.

    Reads the file without MLflow; a server is not asked.
    """
    results = store.path.parent
    file = local_file(tracking_uri(results))
    if file is None:
        return None
    held: set[str | None] = set()
    if file.is_file():
        with suppress(sqlite3.Error):
            held = {
                tags.get("fathom.digest")
                for _, status, tags in local_database.runs(file, experiment)
                if status != "RUNNING" and is_of(store, tags)
            }
    own = (record for record in store.as_kept() if made_for(record) == experiment)
    n_missing = sum(digest(store.renewed(record)) not in held for record in own)
    if not n_missing:
        return None
    command = track_command(experiment, results)
    return f"{n_missing} stored rows are not in {file}; `{command}` sends them"
