"""The table of detectors: their names and where their classes are. It imports no method.

To add a detector, write its class in a file of this package and add one line to `TABLE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, NamedTuple

from detectors.entry import Entry, UnknownDetector, read_entry
from detectors.networks.backbones import NAMES
from detectors.pyod.table import pyod_entry
from detectors.settings import nearest

ENTRY_POINTS = "fathom.detectors"
BACKBONE = "backbone:"  # before the name of a pretrained network


class Method(NamedTuple):
    """A line of the table.

    Attributes:
        target: "package.module:Class"; the class declares everything else.
        preset: settings that the name fixes.
    """

    target: str
    preset: Mapping[str, Any] = MappingProxyType({})


# All deep methods are implemented here. PyOD has some of them too: its ALAD draws random numbers
# while scoring, its LUNAR finds each negative at distance 0 from itself, and its AnoGAN takes only
# vectors. The suite `peers` compares its AutoEncoder, VAE and DeepSVDD with those of this package.
TABLE: dict[str, Method] = {
    "aae": Method("detectors.deep.adversarial.aae:AAE"),
    "adae": Method("detectors.deep.adversarial.adae:ADAE"),
    "ae": Method("detectors.deep.autoencoders.autoencoder:Autoencoder"),
    "alad": Method("detectors.deep.adversarial.alad:ALAD"),
    "anogan": Method("detectors.deep.adversarial.anogan:AnoGAN"),
    # With 4, the paper's value for images, 0 of 5 units stayed active on cardio and 1 of 6 on
    # letter; with 2, 2 and 3 did.
    "beta-vae": Method("detectors.deep.variational.vae:VAE", {"beta": 2.0}),
    "backbone:lite0": Method("detectors.features.nearest:PooledFeatures", {"backbone": "lite0"}),
    "cae": Method("detectors.deep.autoencoders.contractive:ContractiveAutoencoder"),
    "ce-vae": Method("detectors.deep.variational.context:ContextEncodingVAE"),
    "ces-ae": Method("detectors.deep.autoencoders.cumulative:CumulativeErrorAutoencoder"),
    "constrained-aae": Method("detectors.deep.adversarial.constrained:ConstrainedAAE"),
    "copod": Method("detectors.shallow.ecdf:COPOD"),
    "dae": Method("detectors.deep.autoencoders.denoising:DenoisingAutoencoder"),
    "dagmm": Method("detectors.deep.density.dagmm:DAGMM"),
    "deep-svdd": Method("detectors.deep.one_class.deep_svdd:DeepSVDD"),
    "deep-svdd-soft": Method(
        "detectors.deep.one_class.deep_svdd:DeepSVDD", {"objective": "soft-boundary"}
    ),
    "dfkde": Method("detectors.features.dfkde:DFKDE"),
    "dfm": Method("detectors.features.dfm:DFM"),
    "dte-c": Method("detectors.deep.density.dte:DTECategorical"),
    "ecod": Method("detectors.shallow.ecdf:ECOD"),
    "eigenvector-distance": Method("detectors.shallow.as_published:EigenvectorDistance"),
    "fcdd": Method("detectors.deep.one_class.fcdd:FCDD"),
    "feature-bagging": Method("detectors.shallow.bagging:FeatureBagging"),
    "findout": Method("detectors.shallow.findout:FindOut"),
    "flow": Method("detectors.deep.density.flow:Flow"),
    "gmm": Method("detectors.shallow.density:GaussianMixtureDensity"),
    "goad": Method("detectors.deep.self_supervised.goad:GOAD"),
    "icl": Method("detectors.deep.self_supervised.icl:ICL"),
    "iforest": Method("detectors.shallow.forest:IsolationForest"),
    "iforest-legacy-seed": Method("detectors.shallow.as_published:LegacySeedIsolationForest"),
    "k-means--": Method("detectors.shallow.kmeans_minus_minus:KMeansMinusMinus"),
    "kde": Method("detectors.shallow.density:KernelDensity"),
    "kmeans": Method("detectors.shallow.kmeans:KMeans"),
    "knn": Method("detectors.shallow.neighbours:KNN"),
    "ladder-vae": Method("detectors.deep.variational.ladder:LadderVAE"),
    "linear-ae": Method(
        "detectors.deep.autoencoders.autoencoder:Autoencoder", {"hidden": (), "flatten": True}
    ),
    "loda-legacy-seed": Method("detectors.shallow.loda:LegacySeedLODA"),
    "lof": Method("detectors.shallow.neighbours:LOF"),
    "lunar": Method("detectors.deep.self_supervised.lunar:LUNAR"),
    "mae": Method("detectors.deep.autoencoders.masked:MaskedAutoencoder"),
    "mahalanobis": Method("detectors.shallow.covariance:Mahalanobis"),
    "max-abs-z": Method("detectors.shallow.baselines:MaxAbsZ"),
    "mean-distance": Method("detectors.shallow.baselines:MeanDistance"),
    "mean-embedding": Method("detectors.groups.mean_embedding:MeanEmbedding"),
    "mmd": Method("detectors.groups.mmd:MMD"),
    "oc-nn": Method("detectors.deep.one_class.oc_nn:OCNN"),
    "oc-nn-pretrained": Method("detectors.deep.one_class.oc_nn:OCNN", {"pretrained": True}),
    "ocsmm": Method("detectors.groups.ocsmm:OCSMM"),
    "ocsvm": Method("detectors.shallow.svm:OCSVM"),
    "ocsvm-nystroem": Method("detectors.shallow.svm:NystroemOCSVM"),
    "padim": Method("detectors.features.padim:PaDiM"),
    "patchcore": Method("detectors.features.patchcore:PatchCore"),
    "pca": Method("detectors.shallow.pca:PCA"),
    "pca-residual-map": Method("detectors.shallow.pca_residual_map:PCAResidualMap"),
    "random": Method("detectors.shallow.baselines:Random"),
    "robust-ae": Method("detectors.deep.autoencoders.robust:RobustAutoencoder"),
    "row-index": Method("detectors.shallow.baselines:RowIndex"),
    "sae": Method("detectors.deep.autoencoders.sparse:SparseAutoencoder"),
    "spade": Method("detectors.features.spade:SPADE"),
    "ssim-ae": Method("detectors.deep.autoencoders.ssim:SSIMAutoencoder"),
    "vae": Method("detectors.deep.variational.vae:VAE"),
    # A known failure mode: its loss is the mean squared error plus the summed divergence.
    "vae-averaged": Method(
        "detectors.deep.variational.vae:VAE",
        {"decoder": "gaussian-fixed", "fixed_variance": 0.5, "averaged": True},
    ),
    "vae-bernoulli": Method("detectors.deep.variational.vae:VAE", {"decoder": "bernoulli"}),
    "vq-vae": Method("detectors.deep.variational.vq:VQVAE"),
    "wae-gan": Method("detectors.deep.adversarial.wae:WAEGAN"),
    "wae-mmd": Method("detectors.deep.adversarial.wae:WAEMMD"),
}


@cache
def _of_table(name: str) -> Entry:
    return read_entry(*TABLE[name])


@cache
def _foreign() -> dict[str, Entry]:
    """Return the detectors of other installed packages (entry-point group `fathom.detectors`).

    Raises:
        ValueError: one cannot be read, or two have one name; the message names the package.
    """
    found: dict[str, Entry] = {}
    for point in entry_points(group=ENTRY_POINTS):
        package = f"the package {point.dist.name if point.dist else point.value}"
        if point.name in TABLE or point.name in found:
            msg = f"two detectors are called {point.name!r}; rename that of {package}"
            raise ValueError(msg)
        try:
            found[point.name] = read_entry(point.value)
        except (ValueError, FileNotFoundError) as error:
            msg = f"detector {point.name!r}: {error}; repair or remove {package}"
            raise ValueError(msg) from None
    return found


def names() -> tuple[str, ...]:
    """Return every registered name, sorted. PyOD classes and files are not registered."""
    return tuple(sorted([*TABLE, *_foreign()]))


def find(base: str) -> Entry:
    """Return the registry's entry of a base name.

    Raises:
        UnknownDetector: no such name; the message has the nearest ones.
        FileNotFoundError: a `path.py:Class` whose file does not exist.
    """
    if base in TABLE:
        return _of_table(base)
    if (name := base.removeprefix(BACKBONE)) != base and name in NAMES:
        return read_entry(TABLE[f"{BACKBONE}lite0"].target, {"backbone": name})
    if base.startswith("pyod:"):
        return pyod_entry(base.removeprefix("pyod:"))
    if ".py:" in base:
        return read_entry(base)
    if base in _foreign():
        return _foreign()[base]
    hint = f"name its class too, {base}:CLASS" if base.endswith(".py") else nearest(base, names())
    msg = f"unknown detector {base!r}; {hint}"
    raise UnknownDetector(msg)
