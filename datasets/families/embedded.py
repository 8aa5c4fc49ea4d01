"""Real data that ships with scikit-learn and needs no network.

The files are read directly: the sha256 on the card pins their content, and reading them takes
milliseconds, while importing scikit-learn takes seconds. If the content changes, the error of the
first load has the sha256 to pin.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from datasets.entry import Entry, Facts
from datasets.record import Array, Card, DataSet


def breast_cancer(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return WDBC: 30 measures of cell nuclei, benign normal and malignant anomalous."""
    x, target = read_table("breast_cancer.csv", header=True)
    return DataSet(card, x, target == 0)


def digits(card: Card, paths: Sequence[Path], normal: int) -> DataSet:
    """Return 8x8 images of digits as vectors; one class is normal, the other nine anomalous."""
    x, target = read_table("digits.csv.gz")
    return DataSet(card, x, target != normal)


def wine(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return 13 measures of wines; the first of three cultivars is anomalous."""
    x, target = read_table("wine_data.csv", header=True)
    return DataSet(card, x, target == 0)


def read_table(file: str, *, header: bool = False) -> tuple[Array, Array]:
    """Read one of scikit-learn's data files: numbers, the class in the last column.

    Args:
        file: its name within `sklearn/datasets/data`.
        header: whether its first line is not data.

    Returns:
        (n, d) float64 features and (n,) int64 classes.

    Raises:
        FileNotFoundError: scikit-learn, or this file of it, is not installed.
    """
    package = find_spec("sklearn")
    roots = package.submodule_search_locations if package else None
    path = Path(roots[0] if roots else "sklearn", "datasets", "data", file)
    if not path.is_file():
        msg = f"{path} does not exist; it comes with scikit-learn: reinstall scikit-learn"
        raise FileNotFoundError(msg)
    table = np.loadtxt(path, delimiter=",", skiprows=int(header))
    return table[:, :-1], table[:, -1].astype(np.int64)


_BREAST_CANCER = Entry(
    name="breast-cancer",
    kind="tabular",
    family="breast-cancer",
    source="UCI, Breast Cancer Wisconsin (Diagnostic), doi:10.24432/C5DW2B; in scikit-learn",
    licence="CC BY 4.0",
    citation=(
        "Street, Wolberg and Mangasarian, Nuclear feature extraction for breast tumor "
        "diagnosis, 1993, doi:10.1117/12.148698 [street1993wdbc]"
    ),
    content_sha256="d0c19272159d87477fde86a9696b9e1c87be5bc12bc682e1214c2799479211f5",
    facts=Facts(n=569, shape=(30,), n_anomalies=212, duplicates=0),
    known_issues=(
        "37 % anomalies, more in a test set: a random score has that average precision",
        "the same data as odds/wbc and adbench/WDBC, which keep fewer of the anomalies",
        "features are lengths, areas and ratios: their scales differ by a factor of a million",
    ),
    loader="datasets.families.embedded:breast_cancer",
)

_WINE = Entry(
    name="wine",
    kind="tabular",
    family="wine",
    source="UCI, Wine, doi:10.24432/C5PC7J; in scikit-learn",
    licence="CC BY 4.0",
    citation=(
        "Aeberhard and Forina, Wine, UCI Machine Learning Repository, 1992 [aeberhard1992wine]"
    ),
    content_sha256="e6c1c25d1cfff2ce905cef9ef079d29c324f0feb2cf8e25b855fc5becb8fcbd7",
    facts=Facts(n=178, shape=(13,), n_anomalies=59, duplicates=0),
    known_issues=(
        "cultivar 1 is anomalous, 2 and 3 are normal, as in ODDS and ADBench; those keep 10 "
        "of its 59 rows (129 x 13), here all 59 are kept: values do not compare with theirs",
        "33 % anomalies, more in a test set: a random score has that average precision",
        "small: half of the normals are 59 rows for 13 features",
        "rows are sorted by cultivar: split them in a random order",
    ),
    loader="datasets.families.embedded:wine",
)

_DIGITS_PINS = (
    (178, "ea20d51f03790466bd1fee37d7491f8b2e606a9888c1f1cb4e6fa25edf4f7fec"),
    (182, "c744103c949f001f9b264a6aa5f3979d78750c213c37a44e43c4b4aa68a421eb"),
    (177, "da67c21301fd54cde8674c1059db031968e01321b5255934d85dddc19989fd0f"),
    (183, "2d762c0646a6fb1189e05b1fdd0d1c2943e4a7d8f3de7aabe099751cacd4d4fa"),
    (181, "3d77983354a2cddef8df4176864451e1748a495220ef62300293482d5403548f"),
    (182, "32dc19951b7a74934c405cdfd65507d7ef6f5ac3403111c122b4ca5808ff3bfe"),
    (181, "79ec01c151d50b723024bf433799f97837ec302adba222dfeaf4ed5000694096"),
    (179, "de1f2e1bd8b79e430ff2b3eacdd98b60f1f3b3d190648f61924c5cb6151a9ddc"),
    (174, "dc16b106948157b5168be4412c71a14509d826c7c1fdecab56340aec9afcb140"),
    (180, "2b757590c7becb4045ad589999429128ffcbd73bfc36d80f2ac560cc53df3f43"),
)
"""Number of normals and sha256, by normal class."""


def _digits(normal: int, n_normals: int, sha256: str) -> Entry:
    return Entry(
        name=f"digits/{normal}",
        kind="tabular",
        family="digits",
        source=(
            "UCI, Optical Recognition of Handwritten Digits, test part, "
            "doi:10.24432/C50P49; in scikit-learn"
        ),
        licence="CC BY 4.0",
        citation=(
            "Alpaydin and Kaynak, Cascading classifiers, Kybernetika 34(4), 1998 "
            "[alpaydin1998digits]"
        ),
        content_sha256=sha256,
        facts=Facts(n=1797, shape=(64,), n_anomalies=1797 - n_normals, duplicates=0),
        max_test_anomaly_rate=0.10,
        known_issues=(
            "9 to 16 of the 64 pixels are constant within the normal class",
            "13 people wrote all digits and rows do not name them: training and test share writers",
            "the ten sets share their rows: they count as one family, not as ten data sets",
        ),
        loader="datasets.families.embedded:digits",
        options={"normal": normal},
        sides=(8, 8),
    )


ENTRIES = (
    _BREAST_CANCER,
    _WINE,
    *(_digits(k, n_normals, sha256) for k, (n_normals, sha256) in enumerate(_DIGITS_PINS)),
)
