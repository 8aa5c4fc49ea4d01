"""What a run would make and about how long that takes: `bench run --dry-run`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.cli.common.errors import usage
from bench.cli.common.output import say
from bench.cli.common.stores import open_store, statuses

if TYPE_CHECKING:
    from bench.plan.costs import Costs
    from bench.run.session import Options
    from bench.store.records import Wanted


def say_plan(wanted: Sequence[Wanted], options: Options) -> None:
    """Check detectors and data as a run does, and print what it would make and how long.

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
        return
    sizes, refused = examine([row.dataset for row in todo], options.data)
    for problem in refused.values():
        say(f"not run: {problem}")
    able = [row for row in todo if row.dataset not in refused]
    if not able:
        return
    with usage():
        check_rows(able)
    records = []
    if (options.results / STORE).is_file():
        with open_store(options.results) as store:
            records = list(store.as_kept(most=SAMPLE))
    costs = Costs(records, sizes)
    for label in dict.fromkeys(row.label for row in able):
        rows = [row for row in able if row.label == label]
        say(f"  {label}: {len(rows)}, {_time(rows, costs, 1)}")
    if len(able) > 1:
        say(f"time: {_time(able, costs, options.workers)} with --jobs {options.workers}")
    if any(costs.seconds(row) is None for row in able):
        say("not known: no row of such a detector is stored; --minutes 2 runs the shortest jobs")
    for name, (n, _) in sizes.items():
        protocol = next(row.protocol for row in able if row.dataset == name)
        if hint := on_size(name, protocol, n // 2):
            say(hint)


def _time(rows: Sequence[Wanted], costs: Costs, workers: int) -> str:
    """Return about how long rows take, from stored rows of the same detectors."""
    expected = [costs.seconds(row) for row in rows]
    known = [seconds for seconds in expected if seconds is not None]
    if not known:
        return "not known"
    n_unknown = len(rows) - len(known)
    rest = f" and not known of {n_unknown} rows" if n_unknown else ""
    return f"about {_duration(sum(known) / workers)}{rest}"


def _duration(seconds: float) -> str:
    for size, unit in ((5400, 3600), (90, 60)):
        if seconds >= size:
            return f"{seconds / unit:.1f} {'h' if unit == 3600 else 'min'}"
    return f"{max(1, math.ceil(seconds))} s"
