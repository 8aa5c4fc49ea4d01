"""The command to type next, from the state of a results folder: what `bench` alone says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.cli.common.errors import Usage


def next_step(results: Path) -> str:
    """Return a sentence with the next command, from the last run of a results folder."""
    from bench.cli.common.stores import open_store
    from bench.store.folder import STORE, StoreError
    from bench.store.records import FAILURES

    if not (results / STORE).is_file():
        return (
            f"nothing is stored in {results} yet: `bench run smoke` makes a first board in "
            "seconds; `bench doctor` checks this environment"
        )
    try:
        with open_store(results) as store:
            last = next(iter(store.invocations(most=1)), None)
            statuses = store.statuses()
    except (StoreError, Usage) as error:
        return f"{error}; `bench doctor` checks this environment"
    if last is None:
        return f"{len(statuses)} rows are stored, of no run: `bench board SUITE` shows them"
    found = Counter(statuses.get(key, "missing") for key in last.keys)
    failed = next((key for key in last.keys if statuses.get(key) in FAILURES), None)
    if n_left := found["missing"]:
        return f"the run {last.name} has {n_left} of {len(last.keys)} rows left: `{last.command}`"
    if failed:
        n_failed = sum(found[status] for status in FAILURES)
        return (
            f"the run {last.name} has {n_failed} failed of {len(last.keys)} rows: `bench debug "
            f"{failed[:8]}` shows one; `--retry all` runs them again; `bench board` shows the rest"
        )
    return (
        f"the run {last.name} is complete, {len(last.keys)} rows: `bench board` prints it, "
        "`bench report` writes a page, `bench ui` opens MLflow"
    )
