"""The table of data sets, by group. Reading it loads no data and imports no loader."""

from __future__ import annotations

from datasets.entry import Entry
from datasets.tables import (
    adbench,
    classic,
    embedded,
    generated,
    images,
    inspection,
    medical,
    odds,
    series,
)

_GROUPS = (embedded, generated, adbench, odds, classic, images, inspection, medical, series)

TABLE: dict[str, Entry] = {entry.name: entry for group in _GROUPS for entry in group.ENTRIES}
