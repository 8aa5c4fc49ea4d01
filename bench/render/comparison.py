"""A comparison as text for a terminal, and as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from bench.history.compare import COST_MARGIN, COSTS, MARGIN, Comparison, Judged, Line
from bench.render.values import NONE, share

STYLES = {"better": "green", "worse": "bold red", "same": "", "not comparable": "yellow"}
HEADS = {"fit_seconds": "fit", "score_us": "score"}
MIN_NAME = 15  # cells left to a detector's label however narrow the terminal
MOST = 3  # data sets or failing rows named of a detector
CAPTION = (
    "better, worse: the change differs from 0 at the 5 % level, corrected for the number of "
    "detectors that changed (Holm), and by more than {margin:g}. same: neither; a wide interval "
    "proves no equality. Intervals are of these data sets, over seeds (~ over data sets, where "
    "seeds are too few). Costs are ratios of different runs: a verdict takes a factor of "
    "{factor:.3g}."
)


def print_comparison(made: Comparison, console: Console) -> None:
    """Print the table of verdicts, what may be why, and the notes."""
    a, b = made.sides
    say(console, Text(f"{a.name} → {b.name}: {made.metric.name}", style="bold"))
    for name, side in (("a", a), ("b", b)):
        say(console, f"{name}: {side.meaning}, {len(side.records)} rows")
    console.print(_table(made))
    for line in made.lines:
        for sentence in _sentences(line):
            say(console, sentence)
    for cause, labels in _causes(made.lines).items():
        say(console, f"{cause}: {', '.join(labels)}")
    say(console, "")
    for note in made.notes:
        say(console, note)
    say(console, CAPTION.format(margin=MARGIN, factor=math.exp(COST_MARGIN)))


def say(console: Console, text: str | Text) -> None:
    """Print a text as it is."""
    console.print(text, markup=False, highlight=False)


def to_json(made: Comparison) -> str:
    """Return everything the comparison holds but the rows; absent numbers are null."""
    content = {
        "metric": made.metric.name,
        "sides": [
            {"name": side.name, "meaning": side.meaning, "rows": len(side.records)}
            for side in made.sides
        ],
        "lines": [asdict(line) for line in made.lines],
        "notes": made.notes,
    }
    return json.dumps(_without_nan(content), ensure_ascii=False, indent=2)


class _Label:
    """A detector's label, which goes on in another line behind a sign of its own."""

    def __init__(self, label: str) -> None:
        self.parts = re.split(r"(?<=[-:+,\[])", label)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        sizes = [cell_len(part) for part in self.parts]
        return Measurement(max(sizes), sum(sizes)).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = [""]
        for part in self.parts:
            if cell_len(lines[-1] + part) > options.max_width:
                lines.append("")
            lines[-1] += part
        yield Text("\n".join(filter(None, lines)), overflow="fold")


def _table(made: Comparison) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    several = len({(line.protocol, line.scaler, line.device) for line in made.lines}) > 1
    table.add_column("detector", min_width=MIN_NAME)
    if several:
        table.add_column("under", overflow="fold")
    for head in ("a", "b", "change", "95 %"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for name in COSTS:
        table.add_column(HEADS[name], justify="right", no_wrap=True)
    table.add_column("pairs", justify="right")
    for line in made.lines:
        verdict = Text(line.quality.verdict, style=STYLES[line.quality.verdict])
        under = [f"{line.protocol}, {line.scaler}, {line.device}"] if several else []
        same = f" ({line.same_rows} same)" if line.same_rows else ""
        table.add_row(
            _Label(line.label),
            *under,
            share(line.a),
            share(line.b),
            signed(line.quality.change.mean) if line.quality.change else NONE,
            limits(line.quality),
            verdict,
            *(_ratio(line.costs.get(name)) for name in COSTS),
            f"{line.pairs}{same}",
        )
    return table


def _sentences(line: Line) -> Iterable[str]:
    """Yield what the table does not say of a line: why its verdict, where it fell, what fails."""
    if line.quality.why:
        yield f"{line.label}: {line.quality.verdict}: {line.quality.why}"
    if line.quality.verdict in ("better", "worse") and line.by_dataset:
        sign = 1 if line.quality.verdict == "worse" else -1
        ordered = sorted(line.by_dataset.items(), key=lambda item: sign * item[1])
        told = ", ".join(f"{name} {signed(value)}" for name, value in ordered[:MOST])
        yield f"{line.label}: {line.quality.verdict}, most on {told}"
    for what, rows in (("fails now", line.failing), ("failed before", line.mended)):
        more = f"; {len(rows) - MOST} more" if len(rows) > MOST else ""
        if rows:
            yield f"{line.label} {what}: {'; '.join(rows[:MOST])}{more}"
    if line.seeds_in_order:
        yield f"{line.label}: other seeds, paired in their order"
    other = {judged.why for judged in line.costs.values() if judged.why}
    for why in sorted(other):
        yield f"{line.label}: costs not comparable: {why}"


def _causes(lines: Sequence[Line]) -> dict[str, list[str]]:
    """Return what differs, each with the detectors it differs for."""
    found: dict[str, list[str]] = {}
    for line in lines:
        for kind, texts in line.causes.items():
            found.setdefault(f"{kind}: {', '.join(texts)}", []).append(line.label)
    return found


def limits(judged: Judged) -> str:
    """Return the limits of a change in words, with a mark where they are over data sets."""
    if judged.change is None or math.isnan(judged.change.low):
        return NONE
    mark = "~" if judged.change.of_data_sets else ""
    return f"{mark}{signed(judged.change.low)} to {signed(judged.change.high)}"


def signed(value: float) -> str:
    """Return a change with its sign and three decimals."""
    text = f"{value:+.3f}".replace("0.", ".", 1).replace("-", "\N{MINUS SIGN}")
    return "0" if value == 0 else text


def _ratio(judged: Judged | None) -> str:
    if judged is None or judged.change is None:
        return NONE
    mark = {"better": " better", "worse": " worse"}.get(judged.verdict, "")
    return f"\N{MULTIPLICATION SIGN}{math.exp(judged.change.mean):.2f}{mark}"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
