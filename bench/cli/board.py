"""The commands that show a suite's stored rows: board and report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from bench.cli.common.errors import Usage, usage
from bench.cli.common.options import (
    FOLDER,
    OUTPUT,
    ROWS,
    Data,
    DataSets,
    Detectors,
    Device,
    Drop,
    Format,
    Label,
    Normal,
    ProtocolName,
    Results,
    Scaler,
    Seeds,
    StoredName,
    option,
)
from bench.cli.common.output import (
    cannot_write,
    check_file,
    check_folder,
    check_ours,
    console,
    say,
    write_file,
)
from bench.cli.common.selection import (
    Unreadable,
    only,
    only_decisive,
    rows_as_stored,
    rows_of,
    stored_suite,
)
from bench.cli.common.stores import open_store
from bench.render.formats import TABLE

TESTS = "Tests against one detector"
PAPER = "A paper's table"
TIES = 0.01


def board(
    suite: StoredName = None,
    detectors: Detectors = None,
    datasets: DataSets = None,
    types: Annotated[
        list[str] | None,
        option(
            ROWS,
            "A,B",
            "types of detectors: deep, shallow, hybrid, baseline (default: all)",
            "--type",
        ),
    ] = None,
    kinds: Annotated[
        list[str] | None,
        option(ROWS, "A,B", "kinds of data, such as image (default: all)", "--kind"),
    ] = None,
    only_sets: Annotated[
        Literal["all", "decisive"],
        option(
            ROWS,
            "all|decisive",
            "data sets that count: all, or those that `bench data audit` found decisive (default: "
            "all)",
            "--only",
        ),
    ] = "all",
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    seeds: Seeds = None,
    device: Device = "auto",
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    metric: Annotated[
        str,
        option(OUTPUT, "NAME", "metric that ranks, see `bench list metrics` (default: auroc)"),
    ] = "auroc",
    format: Format = TABLE,
    table: Annotated[
        Literal["mean", "std", "interval"] | None,
        option(
            PAPER,
            "mean|std|interval",
            "one table of detectors x data sets: means alone, with standard deviations, or 95 % "
            "intervals (default: the board; with another option of this group, std)",
        ),
    ] = None,
    percent: Annotated[
        bool,
        option(PAPER, None, "values in percent (default: no)", "--percent"),
    ] = False,
    digits: Annotated[
        int | None,
        option(PAPER, "N", "digits after the point (default: 3, of percent 1)", min=0, max=9),
    ] = None,
    highlight: Annotated[
        str | None,
        option(PAPER, "LABEL", "detector to set off in bold, in the last line (default: none)"),
    ] = None,
    to: Annotated[
        Path | None,
        option(
            OUTPUT,
            "DIR",
            "folder to write with every format and figure (default: print, write nothing)",
            callback=check_folder,
        ),
    ] = None,
    reference: Annotated[
        str | None,
        option(
            TESTS,
            "LABEL",
            "detector to test all others against (default: no tests; with --to, the first)",
            "--against",
        ),
    ] = None,
    unit: Annotated[
        Literal["family", "dataset"],
        option(
            TESTS,
            "family|dataset",
            "unit of a test: a family of related data sets, or a data set (default: family)",
        ),
    ] = "family",
    coverage: Annotated[
        Literal["complete", "common"],
        option(
            TESTS,
            "complete|common",
            "missing results: drop the detector (complete, the default) or the data set (common)",
        ),
    ] = "complete",
    margin: Annotated[
        float,
        option(TESTS, "X", f"differences up to this count as ties (default: {TIES:g})", min=0),
    ] = TIES,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Print a leaderboard, or write it with all its figures."""
    from bench.audit import kept
    from bench.boards import board as boards
    from bench.boards.against import against, comparable
    from bench.boards.decisive import with_audits
    from bench.boards.pixels import judged
    from bench.boards.rows import frame_of
    from bench.render import formats
    from bench.render.board import BoardDocument
    from bench.render.paper import PaperTable

    if (
        reference is None
        and to is None
        and (unit, coverage, margin) != ("family", "complete", TIES)
    ):
        msg = (
            "--unit, --coverage and --margin are of tests against a detector; give --against LABEL"
        )
        raise Usage(msg)
    with open_store(results) as store:
        parts: dict[str, Any] = {
            "detectors": detectors,
            "datasets": datasets,
            "label": label,
            "normal": normal,
            "drop": drop,
            "protocol": protocol,
            "scaler": scaler,
            "seeds": seeds,
        }
        notices: tuple[str, ...] = ()
        try:
            chosen, device, data = stored_suite(store, suite, device, data, **parts)
        except Unreadable as error:
            notices, title = (error.notice,), str(error.run.suite["title"])
            wanted = rows_as_stored(store, error, **parts)
        else:
            wanted, title = chosen.on_boards(rows_of(chosen, device, data)), chosen.title
            notices = (chosen.unranked,) if chosen.unranked else ()
        wanted = only(only(wanted, "type", types), "kind", kinds)
        verdicts = kept.verdicts(results, wanted)
        if only_sets == "decisive":
            wanted = only_decisive(wanted, verdicts)
        frame, stale = frame_of(
            wanted,
            store.as_kept(),
            store.renewed,
            with_imported=detectors is None and types is None,
        )
        with usage():
            made = boards.build(
                judged(frame, metric),
                metric=metric,
                title=title,
                stale=stale,
                scores=store.scores,
            )
        made = with_audits(replace(made, notes=(*notices, *made.notes)), verdicts)
    compared = None
    with usage():
        if reference is not None or (to is not None and comparable(made)):
            compared = against(made, reference, unit=unit, coverage=coverage, margin=margin)
    if table or percent or highlight is not None or digits is not None:
        if to is not None or reference is not None:
            msg = (
                "--table, --percent, --digits and --highlight print one table; leave them out with "
                "--to and --against, which are of the whole board"
            )
            raise Usage(msg)
        with usage():
            paper = PaperTable(made, table or "std", percent, digits, highlight)
        formats.show(paper, format, console())
        return
    if to is not None:
        try:
            written = formats.save(made, compared, to)
        except OSError as error:
            raise cannot_write(to, error) from error
        for path in written:
            say(str(path))
    else:
        formats.show(BoardDocument(made, compared), format, console())


def report(
    suite: StoredName = None,
    detectors: Detectors = None,
    datasets: DataSets = None,
    protocol: ProtocolName = None,
    scaler: Scaler = None,
    seeds: Seeds = None,
    device: Device = "auto",
    label: Label = None,
    normal: Normal = None,
    drop: Drop = None,
    output: Annotated[
        Path | None,
        option(
            OUTPUT,
            "FILE",
            "page to write (default: report.html in the results folder)",
        ),
    ] = None,
    sheets: Annotated[
        bool,
        option(
            OUTPUT,
            None,
            "fit the detectors of image data once more, and add their sheets, as of `bench show` "
            "(default: no)",
            "--sheets",
        ),
    ] = False,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Write the results of a suite as one HTML page.

    The page needs no network. For a suite that is unknown here, such as one of a results folder
    that somebody else made, the page shows all rows that were made for it.
    """
    from bench.audit import kept
    from bench.boards import board as boards
    from bench.boards.decisive import with_audits
    from bench.cli.common.sheets import of_images
    from bench.plan.suite import names
    from bench.report.page import MARK, render
    from bench.report.rows import as_stored, chosen_rows
    from bench.store.records import made_for

    path = output or results / "report.html"
    check_file(path)
    check_ours(path, MARK)
    with open_store(results) as store:
        stored = list(store.as_kept())
        name = suite or next((last.name for last in store.invocations(most=1)), "default")
        made = [record for record in stored if made_for(record) == name]
        try:
            known, device, data = stored_suite(
                store,
                suite,
                device,
                data,
                detectors=detectors,
                datasets=datasets,
                label=label,
                normal=normal,
                drop=drop,
                protocol=protocol,
                scaler=scaler,
                seeds=seeds,
            )
            wanted = known.on_boards(rows_of(known, device, data))
        except Usage as error:
            if not made or name in names():
                raise
            if sheets or any(part is not None for part in (detectors, datasets, protocol, seeds)):
                msg = (
                    f"the suite {name} is not known here, so all its rows are shown as stored; "
                    "leave out --detectors, --datasets, --protocol, --seeds and --sheets"
                )
                raise Usage(msg) from error
            title = name
            with usage():
                rows, stale, notice = as_stored(name, made, store.renewed, scaler)
            notice = error.notice if isinstance(error, Unreadable) else notice
        else:
            title = known.title
            with usage():
                rows, stale, notice = chosen_rows(known.name, wanted, stored, store.renewed)
        with usage():
            board = boards.build(rows, title=title, stale=stale, scores=store.scores)
        drawn = {}
        if sheets:
            there = set(rows.loc[rows["status"] == "ok", "key"])
            drawn = of_images([row for row in wanted if row.key in there], data)
        board = with_audits(board, kept.verdicts(results, rows.itertuples()))
        page = render(
            board,
            rows,
            store.scores,
            store.details,
            profiles=store.profiles(),
            notice=notice,
            sheets=drawn,
        )
    write_file(path, page, MARK)
