"""The data sets that detectors are compared on, each a frozen record that checks itself.

    from datasets import card, load, names
    data = load("digits/3")  # class 3 is normal: data.x (1797, 64), data.y (1797,), 1 = anomaly

Importing this package, and `names`, `find` and `card`, read no data and import no scikit-learn;
`card` reads files only if the catalogue does not pin their digests.
"""

from datasets.catalogue import (
    UnknownDataSet,
    card,
    find,
    load,
    matching,
    names,
    present,
    sample_files,
)
from datasets.codes import Codes
from datasets.entry import Archive, Entry, File
from datasets.files import MissingData, WrongData, data_folder
from datasets.record import Card, DataSet, OfficialSplit, content_sha256

__all__ = [
    "Archive",
    "Card",
    "Codes",
    "DataSet",
    "Entry",
    "File",
    "MissingData",
    "OfficialSplit",
    "UnknownDataSet",
    "WrongData",
    "card",
    "content_sha256",
    "data_folder",
    "find",
    "load",
    "matching",
    "names",
    "present",
    "sample_files",
]
