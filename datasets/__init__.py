"""The data sets that detectors are compared on, each a frozen record that checks itself.

    from datasets import card, load, names
    data = load("digits/3")  # class 3 is normal: data.x (1797, 64), data.y (1797,), 1 = anomaly

Importing this package, and `names` and `card`, read no data and import no scikit-learn.
"""

from datasets.catalogue import UnknownDataSet, card, data_folder, load, names
from datasets.record import Card, DataSet, OfficialSplit, content_sha256

__all__ = [
    "Card",
    "DataSet",
    "OfficialSplit",
    "UnknownDataSet",
    "card",
    "content_sha256",
    "data_folder",
    "load",
    "names",
]
