"""Time series as vectors."""

from __future__ import annotations

from datasets.sources import Archive, Entry, Facts, File

_ECG5000 = Entry(
    name="ecg5000",
    kind="tabular",
    family="ecg5000",
    source="UCR archive, https://www.timeseriesclassification.com/description.php?Dataset=ECG5000",
    licence="none stated; to be cited",
    citation=(
        "Dau et al., The UCR time series archive, 2019, doi:10.1109/JAS.2019.1911747; "
        "Goldberger et al., PhysioBank, Circulation 101(23), 2000, record chf07"
    ),
    loader="datasets.ucr:ecg5000",
    traps=(
        "easy: the largest absolute z-score has an AUROC of .98, as kNN has",
        "42 % anomalies: average precision starts at that prevalence",
        "all beats are of one patient: neighbours in time stand on both sides of a split",
    ),
    has_official_split=True,
    folders=("ecg5000",),
    archives=(
        Archive(
            File(
                "ECG5000.zip",
                ("https://www.timeseriesclassification.com/aeon-toolkit/ECG5000.zip",),
            ),
            into="ecg5000",
        ),
    ),
    facts=Facts(n=5000, shape=(140,), n_anomalies=2081, duplicates=0),
)

ENTRIES = (_ECG5000,)
