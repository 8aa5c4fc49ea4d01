"""Tables that many papers use, from their first sources."""

from __future__ import annotations

from datasets.entry import Archive, Entry, Facts, File

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
    citation="Stolfo, Fan, Lee, Prodromidis and Chan, KDD Cup 1999 data, doi:10.24432/C51C7N",
    loader="datasets.families.classic:kddcup99",
    traps=(
        "attacks are 80 % of the rows: they are anomalous here, and normal in the papers of DAGMM "
        "and GOAD, which ?attacks_normal=yes gives",
        "145,586 of 494,021 rows are distinct: the same row may train and test",
        "three columns are codes of texts: encode them before distances are taken",
    ),
    files=(
        File(
            "kddcup99/kddcup.data_10_percent.gz",
            (f"{_FIGSHARE}/5976042",),
            sha256="8045aca0d84e70e622d1148d7df782496f6333bf6eb979a1b0837c42a9fd9561",
        ),
    ),
    options={"attacks_normal": False},
    settable=("attacks_normal",),
    facts=Facts(494021, (41,), 396743),
)

_NSL = Entry(
    name="nsl-kdd",
    kind="tabular",
    family="kddcup99",
    source="NSL-KDD, https://www.unb.ca/cic/datasets/nsl.html",
    licence="none stated; to be cited",
    citation=(
        "Tavallaee, Bagheri, Lu and Ghorbani, A detailed analysis of the KDD CUP 99 data set, "
        "CISDA 2009, doi:10.1109/CISDA.2009.5356528"
    ),
    loader="datasets.families.classic:nsl_kdd",
    traps=(
        "the test part has attacks of kinds that are not in the training part",
        "57 % of the test part are attacks: average precision starts at that prevalence",
        "three columns are codes of texts: encode them before distances are taken",
    ),
    files=tuple(
        File(
            f"nsl-kdd/{name}+.txt",
            tuple(f"{mirror}/{name}%2B.txt" for mirror in _NSL_MIRRORS),
            advice=_NSL_ADVICE,
        )
        for name in ("KDDTrain", "KDDTest")
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
        "for unbalanced classification, SSCI 2015, doi:10.1109/SSCI.2015.33"
    ),
    loader="datasets.families.classic:creditcard",
    traps=(
        "492 of 284,807 payments are frauds: average precision starts at 0.2 %",
        "features are principal components of all rows, training and test",
        "rows are in the order of time: a random split lets the future train",
        "frauds are those that were noticed",
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
    citation="Guvenir, Acar and Muderrisoglu, Arrhythmia, UCI, 1998, doi:10.24432/C5BS32",
    loader="datasets.families.classic:arrhythmia",
    traps=(
        "452 x 279 with missing values; ODDS has 452 x 274 of it, DAMI 450 x 259",
        "more than half as many features as rows: distances to training rows say little",
    ),
    files=(File("arrhythmia/arrhythmia.data"),),
    archives=(Archive(File("arrhythmia.zip", (f"{_UCI}/5/arrhythmia.zip",)), into="arrhythmia"),),
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
        "analysis in predicting forest cover types, 1999, doi:10.1016/S0168-1699(99)00046-0"
    ),
    loader="datasets.families.classic:covertype",
    traps=(
        "anomalies lie at lower elevations: one feature tells most of them",
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
