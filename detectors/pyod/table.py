"""The checked table of PyOD's detectors (version 3.6.7). Importing it imports no pyod.

Zhao, Nasrullah, Li, "PyOD: a Python toolbox for scalable outlier detection", JMLR 20, 2019.

Experiments showed which scores depend on the other test rows: rows were scored alone, in halves
and permuted. A test repeats them for every entry.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from detectors.contract import Family
from detectors.entry import Entry, UnknownDetector
from detectors.settings import nearest

TORCH_PRELOAD = ("torch._dynamo",)  # imported late, by torch's optimisers


@dataclass(frozen=True)
class PyODClass:
    """One detector of PyOD.

    Attributes:
        module: its module in `pyod.models`.
        family: deep or shallow.
        companions: how a score depends on the other test rows; empty if it does not.
        rows: a setting and a number: x needs as many rows as their sum.
        features: the fewest and the most features.
        scores_batch_alone: whether it ranks the test rows among themselves, without training.
        fails_on_lone_row: whether it fails on a last batch of one row.
        takes_device: whether its constructor takes the device to train on.
        draws_noise: whether scoring draws noise for every row; the adapter gives all rows the same.
        compiles: whether its first fit compiles code with numba, in seconds, without threads.
    """

    module: str
    family: Family = "shallow"
    companions: str = ""
    rows: tuple[str, int] = ("", 0)
    features: tuple[int, float] = (1, float("inf"))
    scores_batch_alone: bool = False
    fails_on_lone_row: bool = False
    takes_device: bool = False
    draws_noise: bool = False
    compiles: bool = False


_NEIGHBOURS = ("n_neighbors", 1)
_JOINED = "test rows are joined to the training rows, and both ranked together"
_BATCH = "test rows are compared with each other"
_DRAWS = "scoring draws random numbers in the order of the rows"

PYOD: dict[str, PyODClass] = {
    "ABOD": PyODClass("abod", rows=_NEIGHBOURS, compiles=True),
    "AE1SVM": PyODClass("ae1svm", "deep", fails_on_lone_row=True),
    "ALAD": PyODClass("alad", "deep", companions=_DRAWS, takes_device=True),
    "AnoGAN": PyODClass("anogan", "deep", takes_device=True),
    "AutoEncoder": PyODClass("auto_encoder", "deep", rows=("batch_size", 0), takes_device=True),
    "CBLOF": PyODClass("cblof", rows=("n_clusters", 0)),
    "CD": PyODClass("cd", companions=_BATCH, features=(2, float("inf"))),
    "COF": PyODClass("cof", companions=_BATCH, rows=_NEIGHBOURS, scores_batch_alone=True),
    "COPOD": PyODClass("copod", companions=_JOINED),
    "DIF": PyODClass("dif", "deep", companions=_BATCH, takes_device=True),
    "DeepSVDD": PyODClass("deep_svdd", "deep"),
    "ECOD": PyODClass("ecod", companions=_JOINED),
    "GMM": PyODClass("gmm"),
    "HBOS": PyODClass("hbos", compiles=True),
    "HDBSCAN": PyODClass("hdbscan"),
    "IForest": PyODClass("iforest"),
    "INNE": PyODClass("inne"),
    "KNN": PyODClass("knn", rows=_NEIGHBOURS),
    "KPCA": PyODClass("kpca"),
    "LMDD": PyODClass("lmdd", companions=_BATCH, compiles=True),
    "LOCI": PyODClass("loci", companions=_BATCH, compiles=True),
    "LODA": PyODClass("loda"),
    "LOF": PyODClass("lof", rows=_NEIGHBOURS),
    "LUNAR": PyODClass("lunar", "deep", rows=("n_neighbours", 1)),
    "MAD": PyODClass("mad", features=(1, 1)),
    "MCD": PyODClass("mcd"),
    "MO_GAAL": PyODClass("mo_gaal", "deep"),
    "OCSVM": PyODClass("ocsvm"),
    "PCA": PyODClass("pca"),
    "QMCD": PyODClass("qmcd"),
    "RGraph": PyODClass("rgraph", companions=_JOINED),
    "ROD": PyODClass("rod", companions=_BATCH, compiles=True),
    "SOD": PyODClass("sod", companions=_BATCH, rows=_NEIGHBOURS, scores_batch_alone=True),
    "SOS": PyODClass("sos", companions=_BATCH, compiles=True),
    "SO_GAAL": PyODClass("so_gaal", "deep"),
    "Sampling": PyODClass("sampling", rows=("subset_size", 0)),
    "VAE": PyODClass("vae", "deep", rows=("batch_size", 0), takes_device=True, draws_noise=True),
}

_GRAPH = "it takes a graph, not vectors"
_SERIES = "it takes a time series, not vectors"
_LABELS = "its fit needs labels"
_PACKAGE = "it needs the package {}, which fathom does not install"

UNUSABLE: dict[str, str] = {
    "ANOMALOUS": _GRAPH,
    "AnomalyDAE": _GRAPH,
    "AnomalyTransformer": _SERIES,
    "AudioAE": "it takes audio, not vectors",
    "CONAD": _GRAPH,
    "CoLA": _GRAPH,
    "DOMINANT": _GRAPH,
    "DevNet": _LABELS,
    "EmbeddingOD": "it takes text or images and an encoder",
    "FeatureBagging": _PACKAGE.format("combo"),
    "GUIDE": _GRAPH,
    "KDE": "the tree of scikit-learn behind it adds errors of up to hundreds of nats far from the "
    "training rows; use kde, whose tree has one leaf and none of them",
    "KShape": _SERIES,
    "LSCP": "it combines other detectors, which no setting can name",
    "LSTMAD": _SERIES,
    "MatrixProfile": _SERIES,
    "MultiModalOD": "it combines other detectors, which no setting can name",
    "Radar": _GRAPH,
    "SAND": _SERIES,
    "SCAN": _GRAPH,
    "SUOD": _PACKAGE.format("suod"),
    "SpectralResidual": _SERIES,
    "TimeSeriesOD": _SERIES,
    "XGBOD": _LABELS,
}


def compiling(modules: Collection[str]) -> list[str]:
    """Return the names of the detectors in `modules`, full names, whose first fit compiles."""
    return [
        f"pyod:{name}"
        for name, method in PYOD.items()
        if method.compiles and f"pyod.models.{method.module}" in modules
    ]


def pyod_entry(class_name: str) -> Entry:
    """Return the registry's entry of a class of PyOD.

    Raises:
        UnknownDetector: PyOD has no such class.
        ValueError: it has, but it cannot work here; the message says why.
    """
    if class_name in UNUSABLE:
        msg = f"pyod:{class_name} cannot be used: {UNUSABLE[class_name]}"
        raise ValueError(msg)
    if class_name not in PYOD:
        msg = f"unknown detector 'pyod:{class_name}'; {nearest(class_name, PYOD)}"
        raise UnknownDetector(msg)
    method = PYOD[class_name]
    return Entry(
        "detectors.pyod.adapter:PyOD",
        method.family,
        takes_device=method.takes_device,
        transductive=bool(method.companions),
        preset={"class_name": class_name},
        preload=(f"pyod.models.{method.module}", *TORCH_PRELOAD * (method.family == "deep")),
    )
