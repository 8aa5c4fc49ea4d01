"""The sides of a comparison: the stored rows that a user's word selects.

A word is a results folder, the name of a run, a commit, tag or branch, or a date. A row is computed
once: code that a commit did not change keeps the row of an earlier commit. So a commit selects the
rows computed at it and, for a detector, data set and seed without one, the newest of an earlier
commit. A date selects the newest rows computed until its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.metrics.scored import OF_PIXELS
from bench.store.invocations import Invocation
from bench.store.provenance import USER, git

Record = Mapping[str, Any]
CELL = ("label", "dataset", "protocol", "scaler", "seed", "device")
SHORT = 7  # digits of a commit that are printed
MOST_NAMED = 5


@dataclass(frozen=True)
class Side:
    """One row for each detector, data set, protocol, scaler, seed and device.

    Attributes:
        name: the user's word.
        meaning: what the word selects, in words.
        records: the rows.
        details: gives the details of a row by its key.
        notes: sentences for the reader.
    """

    name: str
    meaning: str
    records: Sequence[Record]
    details: Callable[[str], Mapping[str, Any]]
    notes: tuple[str, ...]


def commit_of(record: Record, whose: str = "") -> str:
    """Return the commit, or the USER's, at which a row was computed, "" if unknown."""
    return str(record["provenance"].get(f"{whose}commit", ""))


def made_with_changes(record: Record) -> bool:
    """Return whether files differed from a commit at which a row was computed."""
    return any(record["provenance"].get(f"{whose}dirty") for whose in ("", USER))


def date_of(record: Record) -> str:
    """Return when a row was computed, an ISO date and time in UTC."""
    return str(record["provenance"].get("date", ""))


def having(rows: Iterable[Record], metric: str, stored: Sequence[Record]) -> list[Record]:
    """Return the rows that count for a metric.

    For a metric of pixels these are the rows that have it, and the failures of detectors with a
    stored row that has it; for another metric, all.
    """
    if metric not in OF_PIXELS:
        return list(rows)
    able = {record["label"] for record in stored if metric in record}
    return [
        row
        for row in rows
        if metric in row
        or (row.get("pixels_id") and row["status"] != "ok" and row["label"] in able)
    ]


def find_side(
    word: str,
    stored: Sequence[Record],
    details: Callable[[str], Mapping[str, Any]],
    metric: str = "auroc",
) -> Side:
    """Return the rows that a word selects; those of a results folder are `whole_side`.

    Raises:
        ValueError: the word is not a run, commit, tag or date, or none of its rows has the metric.
    """

    def side(meaning: str, chosen: Sequence[Record], commit: str = "", whose: str = "") -> Side:
        if not chosen:
            msg = f"no stored row is of {word!r} ({meaning}); {_there_is(stored)}"
            raise ValueError(msg)
        kept = _having(chosen, metric, stored, word)
        return _side(word, meaning, kept, details, commit, whose)

    runs = {record["provenance"].get("run") for record in stored}
    if word in runs:
        chosen = [record for record in stored if record["provenance"].get("run") == word]
        return side(f"the run {word}", chosen)
    for whose, repository in _repositories(stored):
        if commit := _commit(word, stored, whose, repository):
            before = set(git("rev-list", commit, at=repository).split()) | {commit}
            chosen = [record for record in stored if commit_of(record, whose) in before]
            known = "" if commit.startswith(word) else f" ({word})"
            where = f" of {repository.name}" if repository else ""
            return side(f"commit {commit[:SHORT]}{where}{known}", chosen, commit, whose)
    if moment := _end_of(word):
        chosen = [record for record in stored if _until(record, moment)]
        return side(f"rows computed until {moment:%Y-%m-%d %H:%M:%S} UTC", chosen)
    msg = f"{word!r} is not a results folder, run, commit, tag or date here; {_there_is(stored)}"
    raise ValueError(msg)


def run_side(
    run: Invocation,
    stored: Sequence[Record],
    details: Callable[[str], Mapping[str, Any]],
    metric: str = "auroc",
) -> Side:
    """Return the rows that a run asked for, whether it computed them or found them stored.

    Raises:
        ValueError: none is stored, or no row has the metric.
    """
    keys = set(run.keys)
    chosen = [record for record in stored if record["key"] in keys]
    if not chosen:
        msg = f"no row of the run {run.name} ({run.run}) is stored; {_there_is(stored)}"
        raise ValueError(msg)
    kept = _having(chosen, metric, stored, run.name)
    return _side(run.name, f"the run {run.run}, `{run.command}`", kept, details)


def whole_side(
    folder: Path,
    stored: Sequence[Record],
    details: Callable[[str], Mapping[str, Any]],
    metric: str = "auroc",
) -> Side:
    """Return the newest rows of a results folder.

    Raises:
        ValueError: no row has the metric.
    """
    chosen = _having(stored, metric, stored, str(folder))
    return _side(str(folder), f"the results folder {folder}", chosen, details)


def _having(
    rows: Sequence[Record], metric: str, stored: Sequence[Record], where: str
) -> list[Record]:
    kept = having(rows, metric, stored)
    if rows and not kept:
        msg = f"no row of {where} has {metric}; run a suite with `pixels = true` on images"
        raise ValueError(msg)
    return kept


def _side(
    word: str,
    meaning: str,
    chosen: Iterable[Record],
    details: Callable[[str], Mapping[str, Any]],
    commit: str = "",
    whose: str = "",
) -> Side:
    """Keep the best row of each cell: at the commit itself, without changes, the newest."""

    def merit(record: Record) -> tuple[bool, bool, str]:
        there = bool(commit) and commit_of(record, whose) == commit
        return there, there and not made_with_changes(record), date_of(record)

    kept: dict[tuple[Any, ...], Record] = {}
    n_all = 0
    for record in chosen:
        n_all += 1
        cell = tuple(record[name] for name in CELL)
        if cell not in kept or merit(record) > merit(kept[cell]):
            kept[cell] = record
    records = list(kept.values())
    n_earlier = sum(commit_of(record, whose) != commit for record in records) if commit else 0
    n_changed = sum(map(made_with_changes, records))
    counts = (
        (n_all - len(records), "older rows of the same cells are left out"),
        (n_earlier, "rows are of earlier commits"),
        (n_changed, "rows were computed with uncommitted changes"),
    )
    notes = tuple(f"{word}: {n} of {n_all} {what}" for n, what in counts if n)
    return Side(word, meaning, records, details, notes)


def _repositories(stored: Sequence[Record]) -> list[tuple[str, Path | None]]:
    """Return the repositories in which a word may name a commit, the user's first, if any.

    A user's is where the newest row says, or else, as in results from another machine, here.
    """
    newest = sorted(stored, key=date_of, reverse=True)
    named = [found for r in newest if (found := r["provenance"].get(f"{USER}repository"))]
    users = [Path(named[0]) if Path(named[0]).is_dir() else Path.cwd()] if named else []
    return [*((USER, path) for path in users), ("", None)]


def _commit(word: str, stored: Sequence[Record], whose: str, repository: Path | None) -> str:
    """Return the commit that a word names: the first digits of a row's, or a name known to git.

    Raises:
        ValueError: rows of several commits begin with the word.
    """
    commits = {commit_of(record, whose) for record in stored} - {""}
    if re.fullmatch(r"[0-9a-f]{4,40}", word):
        found = sorted(commit for commit in commits if commit.startswith(word))
        if len(found) > 1:
            listed = ", ".join(commit[: len(word) + 4] for commit in found[:MOST_NAMED])
            msg = f"{word!r} begins several commits: {listed}; give more digits"
            raise ValueError(msg)
        if found:
            return found[0]
    if word.startswith("-"):
        return ""
    return git("rev-parse", "--verify", "--quiet", f"{word}^{{commit}}", at=repository)


def _end_of(word: str) -> datetime | None:
    """Return the last moment of a date, or the moment of a date and time; None for other words."""
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole_day = re.search(r"[T: ]", word) is None
    return moment + timedelta(days=1, microseconds=-1) if whole_day else moment


def _until(record: Record, moment: datetime) -> bool:
    date = date_of(record)
    return bool(date) and datetime.fromisoformat(date) <= moment


def _there_is(stored: Sequence[Record]) -> str:
    """Return the commits and runs in the store in words, newest first."""
    newest = sorted(stored, key=date_of, reverse=True)
    commits = dict.fromkeys(commit_of(record)[:SHORT] for record in newest)
    users = dict.fromkeys(commit_of(record, USER)[:SHORT] for record in newest)
    runs = dict.fromkeys(str(record["provenance"].get("run", "")) for record in newest)
    parts = [
        f"{what} {', '.join([n for n in names if n][:MOST_NAMED])}"
        for what, names in (("commits of yours", users), ("commits", commits), ("runs", runs))
        if any(names)
    ]
    return f"the store has {' and '.join(parts)}" if parts else "the store has no such rows"
