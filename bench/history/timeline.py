"""A metric over the versions of the code of stored rows.

A line is one detector with its settings under one protocol, scaler and device, over data sets of
one content; any difference in these makes another line. Its points are versions of the code, in
the order of their first rows; a step is a verdict of `compare` between two of them.

A run is of one version, though code ids differ between data sets, whose loaders they cover. So is a
run to which a data set's code is common, or else the commit and the user's files. Where a data set
has other code, it is another version. All points of a line are over the same data sets: a version
with less than half of the largest number of data sets is left out, then every data set that a
version misses; notes report both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.history.causes import Details
from bench.history.compare import Judged, compare
from bench.history.selection import (
    SHORT,
    Record,
    commit_of,
    date_of,
    having,
    made_with_changes,
    whole_side,
)
from bench.metrics import scored
from bench.stats.change import Change, change
from bench.store.provenance import USER
from bench.store.records import canonical, digest
from detectors.settings import nearest

FEWEST = 0.5  # of the most data sets of a version
Data = tuple[str, str]  # name and content of a data set


@dataclass(frozen=True)
class Point:
    """A version of the code: its origin, the metric, and the step from the version before.

    Attributes:
        commit: of its first row, shortened; with a plus if files differed from it, and with a
            digest of the user's files that its score rests on, if there are any.
        date: of its first row.
        value: the mean of the metric, with its limits over seeds.
        step: the change from the point before, None for the first.
    """

    commit: str
    date: str
    value: Change
    step: Judged | None


@dataclass(frozen=True)
class Line:
    """The points of one detector; `under` is what its rows share, `notes` say what was left out."""

    label: str
    under: str
    datasets: tuple[str, ...]
    points: tuple[Point, ...]
    notes: tuple[str, ...]


def history(
    stored: Sequence[Record],
    detector: str | None,
    dataset: str | None,
    metric: str,
    renewed: Callable[[Record], Record] = dict,
    details: Details | None = None,
) -> list[Line]:
    """Return the lines of a detector, by label or spec (of all by default), on a data set or all.

    `renewed` updates the metrics of a row that is shown; `details` gives the details of a row by
    its key, of which the user's files are needed.

    Raises:
        ValueError: no stored row is of that detector or data set, or has the metric.
    """
    scored.of_quality(metric)
    if not stored:
        msg = "no row is stored; run `bench run` first, or name another folder with --results"
        raise ValueError(msg)
    chosen = [r for r in stored if detector in (None, r["label"], r["spec"])]
    if not chosen:
        labels = sorted({record["label"] for record in stored})
        msg = f"no stored row is of the detector {detector!r}; {nearest(str(detector), labels)}"
        raise ValueError(msg)
    if dataset is not None:
        names = sorted({record["dataset"] for record in chosen})
        chosen = [record for record in chosen if record["dataset"] == dataset]
        if not chosen:
            msg = f"no such row is on the data set {dataset!r}; {nearest(dataset, names)}"
            raise ValueError(msg)
    counting = having(chosen, metric, chosen)
    if not counting:
        msg = f"no stored row of {detector or 'any detector'} has {metric}"
        raise ValueError(msg)
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in map(renewed, sorted(counting, key=date_of)):
        content = record["data_sha256"] if dataset is not None else ""
        names = ["label", "protocol", "scaler", "device"]
        key = (*(record[n] for n in names), canonical(record["settings"]), content)
        groups.setdefault(key, []).append(record)
    return [_line(key, groups[key], metric, details or _no_details) for key in sorted(groups)]


def _line(key: tuple[str, ...], records: Sequence[Record], metric: str, details: Details) -> Line:
    label, *rest, settings, content = key
    under = [
        *rest,
        *([settings] if settings != "{}" else []),
        *([f"data {content[:8]}"] * bool(content)),
    ]
    versions = [_newest(rows) for rows in _versions(records, metric, details)]
    contents = [set(map(_data, rows)) for rows in versions]
    most = max(map(len, contents))
    kept = [i for i, one in enumerate(contents) if len(one) >= FEWEST * most]
    common = set.intersection(*(contents[i] for i in kept))
    every = set.union(*(contents[i] for i in kept))
    notes = [
        f"left out: {_origin(rows[0], details)}, on {len(contents[i])} of {most} data sets"
        for i, rows in enumerate(versions)
        if i not in kept
    ]
    if every != common:
        missing = sorted({name for name, _ in every - common})
        notes.append(
            f"left out, since not every version has them with this content: {', '.join(missing)}"
        )
    same = [[r for r in versions[i] if _data(r) in common] for i in kept]
    points = _points(same, metric, details) if common else ()
    return Line(label, ", ".join(under), tuple(sorted(n for n, _ in common)), points, tuple(notes))


def _versions(records: Sequence[Record], metric: str, details: Details) -> list[list[Record]]:
    """Return the rows of each version of the code, from rows in the order of their dates."""
    versions: list[tuple[dict[Data, str], str, list[Record]]] = []
    runs = _by(records, lambda r: f"{_commit(r)} {r['provenance'].get('run')}")
    for rows in runs.values():
        codes = {_data(row): _code(row, metric) for row in rows}
        origin = _origin(rows[0], details)
        able = [v for v in versions if all(v[0].get(d, code) == code for d, code in codes.items())]
        shared = [version for version in able if version[0].keys() & codes.keys()]
        alike = [version for version in able if version[1] == origin]
        if not (shared or alike):
            versions.append((codes, origin, rows))
            continue
        known, _, made = (shared or alike)[-1]
        known |= codes
        made += rows
    return [made for _, _, made in versions]


def _code(record: Record, metric: str) -> str:
    """Return the digest of the code that made a row's value of a metric."""
    of_pixels = record.get("pixels_id", "") if metric in scored.OF_PIXELS else ""
    return f"{record['code_id']}{of_pixels}"


def _data(record: Record) -> Data:
    return record["dataset"], record["data_sha256"]


def _newest(records: Sequence[Record]) -> list[Record]:
    """Return the last row for each data set, content and seed, of those with and without pixels."""
    return list({(*_data(r), r["seed"]): r for r in records}.values())


def _points(
    versions: Sequence[Sequence[Record]], metric: str, details: Details
) -> tuple[Point, ...]:
    points: list[Point] = []
    before: Sequence[Record] | None = None
    for rows in versions:
        ok = [row for row in rows if row["status"] == "ok"]
        step = None if before is None else _step(before, rows, metric)
        if ok:
            by_dataset = {
                n: [scored.value_of(r, metric) for r in rs] for n, rs in _by(ok, _dataset).items()
            }
            value = change(by_dataset, {row["dataset"]: row["dataset_family"] for row in ok})
            value = replace(value, high=min(value.high, 1.0))  # the most of every metric of quality
            points.append(Point(_origin(rows[0], details), date_of(rows[0]), value, step))
            before = rows
    return tuple(points)


def _step(before: Sequence[Record], after: Sequence[Record], metric: str) -> Judged:
    old, new = (whole_side(Path(), rows, _no_details) for rows in (before, after))
    (line,) = compare(old, new, metric).lines
    return line.quality


def _no_details(key: str) -> Mapping[str, Any]:
    return {}


def _dataset(record: Record) -> str:
    return str(record["dataset"])


def _by(records: Iterable[Record], name: Callable[[Record], str]) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(name(record), []).append(record)
    return groups


def _origin(record: Record, details: Details) -> str:
    """Return a row's commit, with a digest of the user's files if its score rests on any."""
    files = details(record["key"]).get("code", {}).get("files", {})
    own = {name: text for name, text in files.items() if "/" not in name}  # see `code_parts`
    return _commit(record) + (f", file {digest(own)[:SHORT]}" if own else "")


def _commit(record: Record) -> str:
    commit = commit_of(record, USER) or commit_of(record)
    return (commit[:SHORT] or "no commit") + "+" * made_with_changes(record)
