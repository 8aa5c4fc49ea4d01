"""What a run would make and about how long that takes: `bench run --dry-run`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bench.cli.common.errors import usage
from bench.cli.common.output import say
from bench.cli.common.stores import open_store, statuses
from bench.store.records import canonical

TYPICAL, NOT_KNOWN = "typical", "time not known"
MEANINGS = {
    TYPICAL: "no row of such a detector is stored, so this is from rows of another machine, with "
    "default settings and data up to 10 times smaller or larger; sums were right within a factor "
    "of 2 where it was tried",
    NOT_KNOWN: "no row of such a detector, of about this size, is stored or typical; --minutes 2 "
    "runs the shortest jobs",
}

ROW_S = 0.015  # of a row beyond fit and score, see docs/performance.md

if TYPE_CHECKING:
    from bench.plan.costs import Costs
    from bench.run.session import Options
    from bench.store.records import Wanted


class Expected(NamedTuple):
    """The seconds of a row, None if nothing is known of it, and whether they are typical ones."""

    seconds: float | None
    is_typical: bool


def say_plan(wanted: Sequence[Wanted], options: Options) -> bool:
    """Check detectors and data as a run does, and print what it would make and how long.

    Returns:
        Whether there are rows that are stored or can be run.

    Raises:
        Usage: a detector cannot be made, or its settings are not accepted.
    """
    from bench.plan.costs import SAMPLE, Costs
    from bench.plan.planning import missing
    from bench.run.check import check_rows
    from bench.run.converse import examine
    from bench.run.remarks import on_size
    from bench.store.folder import STORE

    todo = missing(wanted, statuses(options.results), options.retry)
    say(f"{len(wanted)} rows, {len(wanted) - len(todo)} stored, {len(todo)} to run")
    if not todo:
        return True
    sizes, refused = examine([row.dataset for row in todo], options.data)
    for problem in refused.values():
        say(f"not run: {problem}")
    able = [row for row in todo if row.dataset not in refused]
    if not able:
        return len(todo) < len(wanted)
    with usage():
        check_rows(able)
    records = []
    if (options.results / STORE).is_file():
        with open_store(options.results) as store:
            records = list(store.as_kept(most=SAMPLE))
    expected = _expected(able, Costs(records, sizes))
    said = []
    for label in dict.fromkeys(row.label for row in able):
        rows = [each for row, each in zip(able, expected, strict=True) if row.label == label]
        noun = "row" if len(rows) == 1 else "rows"
        said.append(f"  {label}: {len(rows)} {noun}, {_time(rows, 1)}")
    if len(able) > 1 and any(row.seconds is not None for row in expected):
        said.append(f"time: {_time(expected, options.workers)} with --jobs {options.workers}")
    for sentence in said:
        say(sentence)
    for word, meaning in MEANINGS.items():
        if any(word in sentence for sentence in said):
            say(f"{word}: {meaning}")
    for name, (n_train, *_) in sizes.items():
        protocol = next(row.protocol for row in able if row.dataset == name)
        if hint := on_size(name, protocol, int(n_train)):
            say(hint)
    return True


def _expected(rows: Sequence[Wanted], costs: Costs) -> list[Expected]:
    """Return what each of the rows takes that are made together, the harness's own time with it."""
    models = [
        (row.model, canonical(row.model_settings), row.dataset, row.protocol, row.scaler, row.seed)
        for row in rows
    ]
    sharing, found = Counter(models), []
    for row, model in zip(rows, models, strict=True):
        stored = costs.seconds(row)
        typical = costs.typical_seconds(row, sharing[model]) if stored is None else None
        seconds = typical if stored is None else stored
        found.append(Expected(None if seconds is None else seconds + ROW_S, typical is not None))
    return found


def _time(rows: Sequence[Expected], workers: int) -> str:
    """Return about how long rows take, and whether that is typical."""
    known = [row.seconds for row in rows if row.seconds is not None]
    if not known:
        return NOT_KNOWN
    n_unknown = len(rows) - len(known)
    rest = f", {NOT_KNOWN} of {n_unknown} rows" if n_unknown else ""
    mark = f" ({TYPICAL})" if any(row.is_typical for row in rows) else ""
    return f"about {_duration(sum(known) / workers)}{rest}{mark}"


def _duration(seconds: float) -> str:
    for size, unit in ((5400, 3600), (90, 60)):
        if seconds >= size:
            return f"{seconds / unit:.1f} {'h' if unit == 3600 else 'min'}"
    return f"{max(1, math.ceil(seconds))} s"
