"""The table of detectors: their names, and where their classes are. It imports no method.

To add a detector, write its class in a file of this package and add one line to `TABLE`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any

from detectors.entry import DEEP_PRELOAD, Entry, UnknownDetector, read_entry
from detectors.pyod.table import pyod_entry
from detectors.settings import nearest

ENTRY_POINTS = "fathom.detectors"


def _deep(
    target: str, readouts: tuple[str, ...] = (), *, images_only: bool = False, **preset: Any
) -> Entry:
    """Return the entry of a model on the one training loop, with settings that its name fixes."""
    return Entry(
        f"detectors.deep.{target}",
        "deep",
        readouts,
        encodes=True,
        trains_together=True,
        takes_device=True,
        takes_epochs=True,
        images_only=images_only,
        preset=preset,
        preload=DEEP_PRELOAD,
    )


_AE = ("reconstruction", "largest-error")
_PRIOR = ("reconstruction", "latent-likelihood")
_DISCRIMINATED = ("reconstruction", "discriminator", "latent-likelihood")
_VAE = (
    "elbo",
    "reconstruction",
    "reconstruction-probability",
    "log-mean-probability",
    "mean-decoding-probability",
    "jacodeco",
    "prior-likelihood",
    "importance-weighted",
    "kl",
    "mahalanobis",
    "symmetric-kl",
    "fisher-rao",
)

# Deep methods are ours. Of those that PyOD has too, its ALAD draws while scoring, its LUNAR finds
# negatives at their own distance 0, its AnoGAN takes vectors alone, and its AutoEncoder, VAE and
# DeepSVDD are peers in the suite `peers`, where ours are compared with them. CES-AE, DAGMM, DTE-C,
# flows, GOAD, ICL, OC-NN and WAE it has not.
TABLE: dict[str, Entry] = {
    "aae": _deep("aae:AAE", _DISCRIMINATED),
    "ae": _deep("autoencoder:Autoencoder", _AE),
    "alad": _deep("alad:ALAD", ("features", "l1", "l2", "logits")),
    "anogan": _deep("anogan:AnoGAN", ("anomaly", "residual", "feature")),
    # The paper's 4, for images, kept 0 of 5 units active on cardio and 1 of 6 on letter; 2 kept
    # 2 and 3.
    "beta-vae": _deep("vae:VAE", _VAE, beta=2.0),
    "cae": _deep("contractive:ContractiveAutoencoder", _AE),
    "ces-ae": _deep("cumulative:CumulativeErrorAutoencoder", ("cumulative", *_AE)),
    "copod": Entry("detectors.shallow.ecdf:COPOD"),
    "dae": _deep("denoising:DenoisingAutoencoder", _AE),
    "dagmm": _deep("dagmm:DAGMM"),
    "deep-svdd": _deep("deep_svdd:DeepSVDD"),
    "deep-svdd-soft": _deep("deep_svdd:DeepSVDD", objective="soft-boundary"),
    "dte-c": _deep("dte:DTECategorical"),
    "ecod": Entry("detectors.shallow.ecdf:ECOD"),
    "eigenvector-distance": Entry("detectors.shallow.as_published:EigenvectorDistance"),
    "feature-bagging": Entry("detectors.shallow.bagging:FeatureBagging"),
    "findout": Entry("detectors.shallow.findout:FindOut"),
    "flow": _deep("flow:Flow"),
    "gmm": Entry("detectors.shallow.density:GaussianMixtureDensity"),
    "goad": _deep("goad:GOAD"),
    "icl": _deep("icl:ICL"),
    "iforest": Entry("detectors.shallow.forest:IsolationForest"),
    "iforest-legacy-seed": Entry("detectors.shallow.as_published:LegacySeedIsolationForest"),
    "k-means--": Entry("detectors.shallow.kmeans_minus_minus:KMeansMinusMinus"),
    "kde": Entry("detectors.shallow.density:KernelDensity"),
    "kmeans": Entry("detectors.shallow.kmeans:KMeans"),
    "knn": Entry("detectors.shallow.neighbours:KNN"),
    "linear-ae": _deep("autoencoder:Autoencoder", _AE, hidden=(), flatten=True),
    "loda-legacy-seed": Entry("detectors.shallow.loda:LegacySeedLODA"),
    "lof": Entry("detectors.shallow.neighbours:LOF"),
    "lunar": _deep("lunar:LUNAR"),
    "mae": _deep("masked:MaskedAutoencoder", _AE),
    "mahalanobis": Entry("detectors.shallow.covariance:Mahalanobis"),
    "max-abs-z": Entry("detectors.shallow.baselines:MaxAbsZ", "control"),
    "mean-distance": Entry("detectors.shallow.baselines:MeanDistance", "control"),
    "oc-nn": _deep("oc_nn:OCNN"),
    "oc-nn-pretrained": _deep("oc_nn:OCNN", pretrained=True),
    "ocsvm": Entry("detectors.shallow.svm:OCSVM"),
    "ocsvm-nystroem": Entry("detectors.shallow.svm:NystroemOCSVM"),
    "pca": Entry("detectors.shallow.pca:PCA"),
    "random": Entry("detectors.shallow.baselines:Random", "control"),
    "row-index": Entry("detectors.shallow.baselines:RowIndex", "control", transductive=True),
    "sae": _deep("sparse:SparseAutoencoder", _AE),
    "ssim-ae": _deep("ssim:SSIMAutoencoder", _AE, images_only=True),
    "vae": _deep("vae:VAE", _VAE),
    # The trap: its loss is the mean squared error plus the summed divergence.
    "vae-averaged": _deep(
        "vae:VAE", _VAE, decoder="gaussian-fixed", fixed_variance=0.5, averaged=True
    ),
    "vae-bernoulli": _deep("vae:VAE", _VAE, decoder="bernoulli"),
    "wae-gan": _deep("wae:WAEGAN", _DISCRIMINATED),
    "wae-mmd": _deep("wae:WAEMMD", _PRIOR),
}


@cache
def _foreign() -> dict[str, Entry]:
    """Detectors of other installed packages (entry-point group `fathom.detectors`).

    Raises:
        ValueError: one of them cannot be read, or has the name of another; names its package.
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
    """Return every registered name, sorted; PyOD classes and files come beside them."""
    return tuple(sorted([*TABLE, *_foreign()]))


def find(base: str) -> Entry:
    """Return the registry's entry of a base name.

    Raises:
        UnknownDetector: no such name; the message has the nearest ones.
        FileNotFoundError: a `path.py:Class` whose file does not exist.
    """
    if base in TABLE:
        return TABLE[base]
    if base.startswith("pyod:"):
        return pyod_entry(base.removeprefix("pyod:"))
    if ".py:" in base:
        return read_entry(base)
    if base in _foreign():
        return _foreign()[base]
    hint = f"name its class too, {base}:CLASS" if base.endswith(".py") else nearest(base, names())
    msg = f"unknown detector {base!r}; {hint}"
    raise UnknownDetector(msg)
