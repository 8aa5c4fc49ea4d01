"""The reference page of what the methods were checked against, from `methods.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from generate_detectors import anchor, cited
from markup import page, table

from bench.render.references import of_detector
from detectors.registry import TABLE

LINES = Path(__file__).with_name("methods.toml")
COLUMNS = ("detectors", "paper", "equation", "checked", "does otherwise", "limits")
INTRODUCTION = """\
One line for each class of detectors. *Checked* names the independent computation that its tests
compare it with. What all deep methods do otherwise than most papers stands among the
[settings that they share](detectors.md#settings-of-all-deep-detectors): AdamW, batches of 32, and
the epoch of the lowest held-out loss."""


def methods() -> str:
    """Return the page."""
    lines = tomllib.loads(LINES.read_text())
    by_class: dict[str, list[str]] = {}
    for name, method in sorted(TABLE.items()):
        by_class.setdefault(method.target.partition(":")[2], []).append(name)
    rows = []
    for cls, names in by_class.items():
        line = lines[cls]
        linked = ", ".join(f"[{name}](#{anchor(name)})" for name in names)
        papers = "; ".join(cited(paper) for paper in of_detector(names[0]))
        columns = [line[key] for key in ("equation", "checked", "deviates", "limits")]
        rows.append([linked, papers, *columns])
    return page(["# Methods against their papers", INTRODUCTION, table(COLUMNS, rows)])
