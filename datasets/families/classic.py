"""Tables that many papers use, read from the published files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets.codes import Codes
from datasets.entry import Archive, Entry, Facts, File
from datasets.files import WrongData
from datasets.record import Array, Card, DataSet, OfficialSplit

if TYPE_CHECKING:
    import pandas as pd

KDD_TEXTS = (1, 2, 3)  # protocol, service, flag
_KDD_LABEL = 41
_ARRHYTHMIA_RARE = (3, 4, 5, 7, 8, 9, 14, 15)


def kddcup99(card: Card, paths: Sequence[Path], attacks_normal: bool) -> DataSet:
    """Return connections of 41 features, three of them texts, one-hot later.

    Args:
        card: of the data set.
        paths: the file of 10 %.
        attacks_normal: whether the attacks, which are the majority, are normal, as in the papers
            of DAGMM and GOAD.
    """
    table = _read(paths[0], _KDD_LABEL + 1)
    attack = (table[_KDD_LABEL] != "normal.").to_numpy()
    x, codes = _kdd_features(table)
    return DataSet(card, x, ~attack if attacks_normal else attack, codes=codes)


def nsl_kdd(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return connections of 41 features; normals of the training part train, all others test.

    Args:
        card: of the data set.
        paths: KDDTrain+.txt and KDDTest+.txt; their last column, a difficulty, is left out.
    """
    import pandas as pd

    parts = [_read(path, _KDD_LABEL + 2) for path in paths]
    table = pd.concat(parts, ignore_index=True)
    y = (table[_KDD_LABEL] != "normal").to_numpy()
    x, codes = _kdd_features(table)
    return DataSet(card, x, y, OfficialSplit.at(len(parts[0]), y), codes=codes)


def covertype(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return patches of forest of 54 features; cover type 2 is normal, type 4 anomalous.

    The other five types are left out, as in ODDS and ADBench, which keep 10 of the features.
    """
    table = _read(paths[0], 55).to_numpy()
    kept = table[np.isin(table[:, -1], (2, 4))]
    return DataSet(card, kept[:, :-1].astype(np.int16), kept[:, -1] == 4)


def arrhythmia(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return 279 features of electrocardiograms; classes of few patients are anomalous.

    Those are 3, 4, 5, 7, 8, 9, 14 and 15, as in ODDS, which leaves out five of the features.
    Missing values are NaN.
    """
    table = _read(paths[0], 280, na="?").to_numpy(np.float64)
    return DataSet(card, table[:, :-1], np.isin(table[:, -1], _ARRHYTHMIA_RARE))


def creditcard(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return payments of 29 features, the time left out; frauds are anomalous."""
    import pandas as pd

    table = _read_csv(paths[0], header=0)
    if not {"Time", "Class"} <= set(table.columns):
        msg = f"{paths[0]} has no columns Time and Class; it is not the published file"
        raise WrongData(msg)
    features = table.drop(columns=["Time", "Class"]).apply(pd.to_numeric)
    return DataSet(card, features.to_numpy(np.float64), table["Class"].to_numpy())


def _kdd_features(table: pd.DataFrame) -> tuple[Array, Codes]:
    x = np.empty((len(table), _KDD_LABEL))
    texts = {}
    for j in range(_KDD_LABEL):
        if j in KDD_TEXTS:
            found, x[:, j] = np.unique(table[j].to_numpy(str), return_inverse=True)
            texts[j] = tuple(found.tolist())
        else:
            x[:, j] = table[j].to_numpy(np.float64)
    return x, Codes("one-hot", texts)


def _read(path: Path, n_columns: int, na: str | None = None) -> pd.DataFrame:
    """Return a table without names, packed or not, with columns 0, 1, ..."""
    table = _read_csv(path, header=None, na_values=na)
    if len(table.columns) != n_columns:
        msg = f"{path} has {len(table.columns)} columns, expected {n_columns}; fetch it again"
        raise WrongData(msg)
    return table


def _read_csv(path: Path, *, header: int | None, na_values: str | None = None) -> pd.DataFrame:
    import zlib

    import pandas as pd

    try:
        return pd.read_csv(path, header=header, na_values=na_values, low_memory=False)
    except (ValueError, EOFError, OSError, zlib.error) as error:
        msg = f"{path} is not a complete csv file: {error}; fetch it again"
        raise WrongData(msg) from error


_UCI = "https://archive.ics.uci.edu/static/public"
_FIGSHARE = "https://ndownloader.figshare.com/files"
_NSL_ADVICE = "get NSL-KDD.zip from https://www.unb.ca/cic/datasets/nsl.html"
_NSL_MIRRORS = (
    "https://raw.githubusercontent.com/jmnwong/NSL-KDD-Dataset/master",
    "https://raw.githubusercontent.com/defcom17/NSL_KDD/master",
)

_KDD = Entry(
    name="kddcup99",
    kind="tabular",
    family="kddcup99",
    source="UCI, KDD Cup 1999, 10 %, doi:10.24432/C51C7N",
    licence="CC BY 4.0",
    citation=(
        "Stolfo, Fan, Lee, Prodromidis and Chan, KDD Cup 1999 data, doi:10.24432/C51C7N "
        "[stolfo1999kddcup]"
    ),
    loader="datasets.families.classic:kddcup99",
    known_issues=(
        "attacks are 80 % of the rows: they are anomalous here, but normal in the papers of DAGMM "
        "and GOAD; ?attacks_normal=yes makes them normal",
        "145,586 of 494,021 rows are distinct: the same row may train and test",
        "three columns are codes of texts: encode them before distances are taken",
    ),
    files=(
        File(
            "kddcup99/kddcup.data_10_percent.gz",
            (f"{_FIGSHARE}/5976042",),
            sha256="8045aca0d84e70e622d1148d7df782496f6333bf6eb979a1b0837c42a9fd9561",
            unpacked_sha256="f8c8267ebcd9c0ed1fd7d6277fe5bfff8732e9b7db8e61b873542b2a534b6f9a",
        ),
    ),
    options={"attacks_normal": False},
    settable=("attacks_normal",),
    facts=Facts(494021, (41,), 396743),
)

_NSL_BLOBS = {  # as git names the content, the same in both mirrors
    "KDDTrain": "20002897492adc110190a10509aa694f26f7f308",
    "KDDTest": "b30e89605285a5ccd8cf8fd38dba72906c20d3dd",
}

_NSL = Entry(
    name="nsl-kdd",
    kind="tabular",
    family="kddcup99",
    source="NSL-KDD, https://www.unb.ca/cic/datasets/nsl.html",
    licence="none stated; to be cited",
    citation=(
        "Tavallaee, Bagheri, Lu and Ghorbani, A detailed analysis of the KDD CUP 99 data set, "
        "CISDA 2009, doi:10.1109/CISDA.2009.5356528 [tavallaee2009nslkdd]"
    ),
    loader="datasets.families.classic:nsl_kdd",
    known_issues=(
        "official split: the test part has attacks of kinds that are not in the training part",
        "official split: 57 % of the test part are attacks, so a random score has that AP",
        "three columns are codes of texts: encode them before distances are taken",
    ),
    files=tuple(
        File(
            f"nsl-kdd/{name}+.txt",
            tuple(f"{mirror}/{name}%2B.txt" for mirror in _NSL_MIRRORS),
            git_blob=blob,
            advice=_NSL_ADVICE,
        )
        for name, blob in _NSL_BLOBS.items()
    ),
    has_official_split=True,
    facts=Facts(148517, (41,), 71463),
)

_CREDITCARD = Entry(
    name="creditcard",
    kind="tabular",
    family="creditcard",
    source="https://www.kaggle.com/datasets/mlg-ulb/creditcardfraud",
    licence="DbCL 1.0",
    citation=(
        "Dal Pozzolo, Caelen, Johnson and Bontempi, Calibrating probability with undersampling "
        "for unbalanced classification, SSCI 2015, doi:10.1109/SSCI.2015.33 "
        "[dalpozzolo2015creditcard]"
    ),
    loader="datasets.families.classic:creditcard",
    known_issues=(
        "492 of 284,807 payments are frauds: a random score has an average precision of 0.2 %",
        "features are principal components of all rows, training and test",
        "rows are in the order of time: a random split trains on the future",
        "only frauds that were noticed are labelled",
    ),
    files=(
        File(
            "creditcard/creditcard.csv",
            ("https://storage.googleapis.com/download.tensorflow.org/data/creditcard.csv",),
            sha256="76274b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89",
            n_bytes=150828752,
            advice="get it from https://www.kaggle.com/datasets/mlg-ulb/creditcardfraud",
        ),
    ),
    facts=Facts(284807, (29,), 492),
)

_ARRHYTHMIA = Entry(
    name="arrhythmia",
    kind="tabular",
    family="arrhythmia",
    source="UCI, Arrhythmia, doi:10.24432/C5BS32",
    licence="CC BY 4.0",
    citation=(
        "Guvenir, Acar and Muderrisoglu, Arrhythmia, UCI, 1998, doi:10.24432/C5BS32 "
        "[guvenir1998arrhythmia]"
    ),
    loader="datasets.families.classic:arrhythmia",
    known_issues=(
        "452 x 279 with missing values; ODDS has 452 x 274 of it, DAMI 450 x 259",
        "more than half as many features as rows: distances to training rows say little",
    ),
    files=(File("arrhythmia/arrhythmia.data"),),
    archives=(Archive(File("arrhythmia.zip", (f"{_UCI}/5/arrhythmia.zip",)), into="arrhythmia"),),
    # Four public copies have these values, with other names and separators: at github.com
    # SttefanB/Proiect_SVM_Clasificare_Pacienti_Aritmie, matinmoezzi/data-mining-course-project,
    # naufalzaid17/dataset_arrhythmia and galihatha/Case-Based-1.
    values_sha256="7bd0082d75c7012ca17266582648e4c800ea77370861087c2e9b620fa44dd7d7",
    facts=Facts(452, (279,), 66),
)

_COVERTYPE = Entry(
    name="covertype",
    kind="tabular",
    family="covertype",
    source="UCI, Covertype, doi:10.24432/C50K5N",
    licence="CC BY 4.0",
    citation=(
        "Blackard and Dean, Comparative accuracies of artificial neural networks and discriminant "
        "analysis in predicting forest cover types, 1999, doi:10.1016/S0168-1699(99)00046-0 "
        "[blackard1999covertype]"
    ),
    loader="datasets.families.classic:covertype",
    known_issues=(
        "anomalies lie at lower elevations: one feature detects most of them",
        "44 of 54 columns are one-hot codes of area and soil; ODDS and ADBench leave them out",
        "five of seven cover types are left out, as in ODDS and ADBench",
    ),
    files=(
        File(
            "covertype/covtype.data.gz",
            (f"{_FIGSHARE}/5976039",),
            sha256="614360d0257557dd1792834a85a1cdebfadc3c4f30b011d56afee7ffb5b15771",
        ),
    ),
    facts=Facts(286048, (54,), 2747),
)

ENTRIES = (_KDD, _NSL, _CREDITCARD, _ARRHYTHMIA, _COVERTYPE)
