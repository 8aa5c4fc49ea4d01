"""The files of the rows of image data sets."""

from __future__ import annotations

import importlib
from pathlib import Path

from datasets import catalogue, files
from datasets.formats.images import Picture


def pictures(name: str, data: Path | None = None) -> list[Picture] | None:
    """Return the files of each row of a data set; None where rows are not image files with masks.

    Args:
        name: of the data set, with options or without.
        data: the data folder, see `data_folder`.
    """
    entry = catalogue.find(name)
    module, _, function = entry.loader.partition(":")
    if function != "category":
        return None
    paths = files.locate(entry, files.data_folder(data))
    listed = importlib.import_module(module).pictures(paths, entry.options["masks"])
    found: list[Picture] = listed[0]
    return found
