"""The command that counts false alarms on shifted normal images."""

from __future__ import annotations

from typing import Annotated

from bench.cli.common.errors import Usage, usage
from bench.cli.common.options import (
    FOLDER,
    ROWS,
    Data,
    DataSets,
    Detectors,
    Device,
    FigureFile,
    Format,
    Results,
    StoredName,
    option,
)
from bench.cli.common.output import console, write_figure
from bench.cli.common.selection import rows_of, stored_suite
from bench.cli.common.stores import open_store
from bench.render.formats import TABLE


def shifts(
    suite: StoredName = None,
    detectors: Detectors = None,
    datasets: DataSets = None,
    alarm_rate: Annotated[
        float,
        option(
            ROWS,
            "P",
            "largest probability of an alarm on a normal image without a shift (default: 0.05)",
        ),
    ] = 0.05,
    device: Device = "auto",
    figure: FigureFile = None,
    format: Format = TABLE,
    results: Results = FOLDER,
    data: Data = None,
) -> None:
    """Count false alarms on normal images, brighter or blurred.

    The rows are those of the suite `mvtec-shift`, or of any other with data sets that have shifts,
    such as textures-shift/*; run it first. Thresholds are fixed on held-out normals.
    """
    from bench.boards.shifts import PROTOCOL, alarms, groups_of_test
    from bench.render import formats
    from bench.render.documents.shifts import ShiftsDocument, draw
    from datasets.shifts import has_shifts

    with open_store(results) as store:
        parts = {"detectors": detectors, "datasets": datasets}
        chosen, device, data = stored_suite(store, suite, device, data, **parts)
        wanted = [row for row in rows_of(chosen, device, data) if has_shifts(row.dataset)]
        if not wanted or any(row.protocol != PROTOCOL for row in wanted):
            msg = (
                f"{chosen.name} has no data set with shifts under the protocol official; name a "
                "suite that has, such as mvtec-shift"
            )
            raise Usage(msg)
        stored = store.statuses()
        keys: dict[tuple[str, str], list[str]] = {}
        for row in wanted:
            if stored.get(row.key) == "ok":
                keys.setdefault((row.dataset, row.label), []).append(row.key)
        found = []
        with usage():
            groups = {name: groups_of_test(name, data) for name, _ in keys}
            for (name, label), of_seeds in keys.items():
                rows = [
                    (scores[1], groups[name]) for key in of_seeds if (scores := store.scores(key))
                ]
                found.append(alarms(label, name, rows, alarm_rate))
    if not found:
        msg = (
            f"no row of {chosen.name} is stored with status ok; run `bench run {chosen.name}` first"
        )
        raise Usage(msg)
    missing = len(wanted) - sum(map(len, keys.values()))
    notes = (f"{missing} of {len(wanted)} rows are missing or failed.",) if missing else ()
    document = ShiftsDocument(found, alarm_rate, notes)
    formats.show(document, format, console())
    write_figure(figure, lambda: draw(document))
