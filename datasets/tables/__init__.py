"""The table of data sets, by group. Reading it loads no data and imports no loader."""

from __future__ import annotations

from datasets.sources import Entry
from datasets.tables import embedded

TABLE: dict[str, Entry] = {entry.name: entry for group in (embedded.ENTRIES,) for entry in group}
