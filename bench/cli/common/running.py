"""One invocation that makes rows: run what is missing, track it, and print the board.

`bench run` and `bench reproduce` share it.
"""

from __future__ import annotations

import math
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.audit import kept
from bench.boards import board
from bench.boards.decisive import with_audits
from bench.boards.rows import frame_of
from bench.cli.common.errors import with_page
from bench.plan import planning
from bench.plan.race import Race
from bench.plan.stages import Stages
from bench.plan.suite import Suite
from bench.render import formats
from bench.render.board import BoardDocument
from bench.render.documents.profile import profile as profile_table
from bench.render.table import Page, Plain
from bench.render.tables import short_board
from bench.run.converse import examine
from bench.run.progress import Progressing
from bench.run.remarks import Remarks, say
from bench.run.session import Options, Session, opened
from bench.run.workspace import make_tmp, sweep, writing
from bench.store.folder import NotOurs, make_ours
from bench.store.invocations import Invocation, Profile, run_name
from bench.store.provenance import provenance
from bench.store.records import Row, Wanted
from bench.store.store import Store
from bench.tracking import parent_run
from bench.tracking.stored import untracked
from bench.tracking.tracker import Tracker

BOARDS = "boards"  # in the results folder


def run(
    suite: Suite,
    wanted: Sequence[Wanted],
    options: Options,
    console: Console,
    *,
    keep_board: bool,
    board_by: str | None = None,
    invocation: Invocation | None = None,
    profile: bool = False,
) -> Counter[str]:
    """Run the missing rows, and print the board of all that the suite wants.

    Args:
        suite: for its name and title.
        wanted: the rows.
        options: how.
        console: where progress and the board are printed.
        keep_board: whether to write `boards/leaderboard-SUITE.md` and `.csv` in the results folder.
        board_by: the command that prints the whole board; None where no board is printed.
        invocation: kept, so that commands which read find it; None to keep none.
        profile: whether to print and keep where the time of the invocation went.

    Returns:
        How many of the wanted rows have each status now; "missing" if they are not stored.

    Raises:
        SuiteError: a detector's settings are not accepted.
        SchedulerError: the cluster cannot be used.
        StoreError: the results folder cannot be used, or another run holds it.
        KeyboardInterrupt: the run was interrupted; children are gone and rows kept.
    """

    def print_board(sentence: str) -> bool:
        made, _ = _board(suite, wanted, store)
        if made.detectors["rank"].notna().sum() < 2:
            return False
        say(console, sentence)
        formats.show(Plain(Page(made.title, short_board(made))), formats.TABLE, console)
        return True

    with opened(options.results) as store:
        todo = planning.missing(wanted, store.statuses(), options.retry)
        n_kept = len(wanted) - len(todo)
        say(console, f"{suite.name}: {len(wanted)} rows, {n_kept} stored, {len(todo)} to run")
        tracker, stages = None, Stages()
        todo = _with_data(todo, options, console, stages)
        if todo:
            early = print_board if board_by else None
            tracker = _make_rows(suite, todo, store, options, console, invocation, early, stages)
        elif invocation:
            store.add_invocations([invocation])
        race = options.budget if isinstance(options.budget, Race) else None
        shown = race.raced(wanted) if race and race.is_over else wanted
        made, texts = _board(suite, shown, store)
        not_kept = _keep(options.results, suite.name, texts) if keep_board else None
        if tracker is None:
            tracked: list[str | None] = [untracked(suite.name, store)]
        else:
            for record in store.records({w.key for w in wanted} - {w.key for w in todo}):
                tracker.log(record)  # a killed run may have stored it and not logged it

            def summary() -> parent_run.Summary:  # made when the last rows have been logged
                spent = _spent(tracker, stages) if profile else {}
                return parent_run.of_board(made, wanted, spent)

            report = tracker.finish(summary)
            logged = f"mlflow: {report.logged} runs in {report.uri}" if report.logged else None
            tracked = [report.problem or logged, report.refused, report.left_out]
        stored = store.statuses()
        statuses = Counter(stored.get(row.key, "missing") for row in wanted)
        # Printed last: whoever cuts the output short has lost nothing but output.
        if statuses.keys() == {"missing"}:
            say(console, "none of these rows could be run, so there is no board")
        elif board_by is not None:
            document = BoardDocument(made, short=True)
            formats.show(document, formats.TABLE, console)
            if document.is_cut:
                say(console, f"the whole board: {board_by}")
        if profile and tracker and invocation:
            spent = Profile(len(todo), _spent(tracker, stages))
            store.add_profiles({invocation.run: spent})
            table = profile_table(spent.seconds, spent.n_rows)
            formats.show(Plain(Page(table.title, (table,))), formats.TABLE, console)
        if math.isfinite(options.minutes) and (n_left := statuses["missing"]):
            left = f"{n_left} rows are left after {options.minutes:g} minutes"
            tracked.append(f"{left}; the same command goes on with them")
        if options.budget is not None and (n_left := statuses["missing"]):
            tracked.append(options.budget.sentence(n_left))
        if suite.varied:
            tracked.append(suite.unranked)
        for sentence in filter(None, [not_kept, *tracked, _failed(wanted, store)]):
            say(console, with_page(sentence))
        return statuses


def _with_data(
    todo: list[Wanted], options: Options, console: Console, stages: Stages
) -> list[Wanted]:
    """Return the rows whose data can be used, and say what is wrong with the others.

    The data of a cluster are those of its workers.
    """
    if options.scheduler:
        return todo
    with stages.of("load"):
        _, refused = examine([row.dataset for row in todo], options.data)
    for problem in refused.values():
        say(console, f"not run: {problem}")
    return [row for row in todo if row.dataset not in refused]


def _failed(wanted: Sequence[Wanted], store: Store) -> str | None:
    """Return how many rows are stored and not ok, with the most frequent reason and its remedy."""
    keys = {row.key for row in wanted}
    reasons = Counter(
        f"{record['status']}: {record['reason']}"
        for record in store.as_kept(keys)
        if record["status"] != "ok"
    )
    if not reasons:
        return None
    (reason, n), n_failed = reasons.most_common(1)[0], reasons.total()
    these = "" if n == n_failed else f", {n} of them"
    return f"{n_failed} of {len(keys)} rows failed{these}: {reason}"


def _make_rows(
    suite: Suite,
    todo: Sequence[Wanted],
    store: Store,
    options: Options,
    console: Console,
    invocation: Invocation | None,
    print_board: Callable[[str], bool] | None,
    stages: Stages,
) -> Tracker:
    """Make, store, track and count rows; the tracker may have some left to log."""
    run = invocation.run if invocation else run_name(datetime.now(UTC))
    session = Session(todo, suite.name, run, store, options, stages)
    remarks = Remarks(console, print_board)
    with session.started():
        if invocation:
            store.add_invocations([invocation])
        tracker = Tracker(store, suite.name, _invocation(suite, run))
        try:
            with Progressing(len(todo), console, session.running.now) as progress:

                def on_row(row: Row, record: dict[str, Any]) -> None:
                    tracker.log(record)
                    progress.row(row)
                    remarks.row(row)

                not_run = session.run(on_row)
        except BaseException:
            tracker.abandon()
            raise
    remarks.end()
    for sentence in not_run:
        say(console, f"not run: {sentence}")
    return tracker


def _spent(tracker: Tracker, stages: Stages) -> dict[str, float]:
    """Return the seconds of each stage so far."""
    return {**stages.seconds, "track": tracker.seconds}


def _invocation(suite: Suite, name: str) -> dict[str, str]:
    where = provenance()
    return {
        "command": shlex.join(["bench", *sys.argv[1:]]),
        "run": name,
        "suite": suite.name,
        "title": suite.title,
        **{key: str(where[key]) for key in ("commit", "dirty", "machine", "processor", "python")},
    }


def _board(
    suite: Suite, wanted: Sequence[Wanted], store: Store
) -> tuple[board.Board, dict[str, str]]:
    """Return the board of the wanted rows, and its texts by file name."""
    frame, stale = frame_of(
        suite.on_boards(wanted), store.as_kept(), store.renewed, with_imported=True
    )
    made = board.build(frame, title=suite.title, stale=stale, scores=store.scores)
    made = with_audits(made, kept.verdicts(store.path.parent, wanted))
    return made, formats.leaderboards(made)


def _keep(results: Path, name: str, texts: Mapping[str, str]) -> str | None:
    """Write `boards/leaderboard-NAME.md` and `.csv`, each whole or not at all.

    Returns:
        Why not, where `boards` is a folder of the user's.
    """
    with writing(results):
        try:
            make_ours(results / BOARDS)
        except NotOurs as why:
            return f"the board is printed, not kept: {why}"
        tmp = make_tmp(results)
        for file, text in texts.items():
            draft = tmp / file
            draft.write_text(text, encoding="utf-8")
            draft.replace(results / BOARDS / file.replace("leaderboard", f"leaderboard-{name}"))
        sweep(results)
    return None
