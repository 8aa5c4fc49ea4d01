"""The table of detectors and the grammar of their names. Importing it imports no method.

A spec is `base[:readout]` or `base+head`; a base is a registered name, `pyod:Class`,
`untrained-NAME` (the same model without a training step) or `path.py:Class`.

To add a detector, write its class in a file of this package and add one line to `TABLE`.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from detectors.contract import Detector, Family
from detectors.settings import nearest
from detectors.source import class_names, declared, source_file

ENTRY_POINTS = "fathom.detectors"
UNTRAINED = "untrained-"


class UnknownDetector(ValueError):
    """Raised for a name that is not registered, with the nearest ones that are."""


@dataclass(frozen=True)
class Entry:
    """What planning knows of a method without importing it.

    Attributes:
        target: "package.module:Class" or "path/to/file.py:Class".
        family: deep, shallow, hybrid or control.
        readouts: names of the scores a fitted model gives, the default first; empty for one.
        encodes: whether the model gives codes for a head.
        trains_together: whether seeds train as one batched model (`fit_together`).
        takes_device: whether it trains on a device that can be chosen; others run on the CPU.
        takes_epochs: whether it has the setting `epochs`, which `untrained-` sets to 0.
        transductive: whether a score depends on the other test rows.
        images_only: whether samples have to be images.
        preset: arguments fixed by the name.
        preload: further modules that the method imports, for whoever forks processes.
    """

    target: str
    family: Family = "shallow"
    readouts: tuple[str, ...] = ()
    encodes: bool = False
    trains_together: bool = False
    takes_device: bool = False
    takes_epochs: bool = False
    transductive: bool = False
    images_only: bool = False
    preset: Mapping[str, Any] = field(default_factory=dict)
    preload: tuple[str, ...] = ()


DEEP_PRELOAD = ("torch._dynamo",)  # which torch's optimisers import, seconds into the first fit


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


@dataclass(frozen=True)
class Spec:
    """A parsed detector name. `str(spec)` is its canonical form.

    Attributes:
        base: registered name, "pyod:Class" or "path.py:Class".
        entry: what the registry says of the base.
        untrained: whether the model is left without a training step.
        readout: the score to read, None for the only one or for a head.
        head: name of the detector on the model's codes, or None.
    """

    base: str
    entry: Entry
    untrained: bool = False
    readout: str | None = None
    head: str | None = None

    @property
    def model(self) -> str:
        """The canonical name of the fitted model, without read-out or head."""
        return UNTRAINED + self.base if self.untrained else self.base

    @property
    def family(self) -> Family:
        """Deep, shallow, hybrid (a head on a deep model) or control (also untrained models)."""
        if self.untrained:
            return "control"
        return "hybrid" if self.head else self.entry.family

    @property
    def head_entry(self) -> Entry | None:
        """What the registry says of the head."""
        return find(self.head) if self.head else None

    @property
    def transductive(self) -> bool:
        """Whether a score depends on the other test rows."""
        return self.entry.transductive

    def __str__(self) -> str:
        if self.head:
            return f"{self.model}+{self.head}"
        return f"{self.model}:{self.readout}" if self.readout else self.model


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
            found[point.name] = _read_entry(point.value)
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
        from detectors.pyod.table import pyod_entry

        return pyod_entry(base.removeprefix("pyod:"))
    if ".py:" in base:
        return _read_entry(base)
    if base in _foreign():
        return _foreign()[base]
    hint = f"name its class too, {base}:CLASS" if base.endswith(".py") else nearest(base, names())
    msg = f"unknown detector {base!r}; {hint}"
    raise UnknownDetector(msg)


def parse(text: str) -> Spec:
    """Return the spec that `text` names.

    Raises:
        UnknownDetector: an unknown base or head, with the nearest names.
        ValueError: a read-out or a head that the base does not have.
    """
    model, plus, head = text.strip().partition("+")
    untrained = model.startswith(UNTRAINED)
    base, readout = _split_readout(model.removeprefix(UNTRAINED))
    base = _canonical(base)
    entry = find(base)
    if untrained and not entry.takes_epochs:
        able = ", ".join(name for name, e in TABLE.items() if e.takes_epochs)
        msg = f"{text!r}: {base} has no untrained twin; models that have: {able}"
        raise ValueError(msg)
    if plus:
        head = _check_head(text, base, readout, entry, _canonical(head))
        return Spec(base, entry, untrained, head=head)
    if readout and readout not in entry.readouts:
        known = nearest(readout, entry.readouts) if entry.readouts else "it has a single score"
        msg = f"{base} has no read-out {readout!r}; {known}"
        raise ValueError(msg)
    default = entry.readouts[0] if entry.readouts else None
    return Spec(base, entry, untrained, readout=readout or default)


def _split_readout(model: str) -> tuple[str, str | None]:
    parts = model.split(":")
    n_base = 2 if parts[0] == "pyod" or parts[0].endswith(".py") else 1
    readout = ":".join(parts[n_base:])
    return ":".join(parts[:n_base]), readout or None


def _canonical(base: str) -> str:
    """Return a base; a file's path is relative to the working folder, or absolute outside it."""
    where, found, attribute = base.rpartition(".py:")
    if not found:
        return base
    path, here = Path(f"{where}.py").resolve(), Path.cwd()
    return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{attribute}"


def _check_head(text: str, base: str, readout: str | None, entry: Entry, head: str) -> str:
    if readout:
        msg = f"{text!r}: a head reads the codes, so leave out the read-out {readout!r}"
        raise ValueError(msg)
    if not entry.encodes:
        encoders = ", ".join(name for name, e in TABLE.items() if e.encodes)
        msg = f"{text!r}: {base} has no codes for a head; models that have: {encoders}"
        raise ValueError(msg)
    if find(head).family == "control":
        msg = f"{text!r}: a head is a shallow or a deep detector, {head} is a control"
        raise ValueError(msg)
    return head


def make(text: str, **settings: Any) -> Detector:
    """Return a new detector by its spec, for instance `make("vae+lof", latent_dim=4)`.

    Args:
        text: the spec.
        settings: settings of the model, `seed`, and `head={...}` for those of the head.

    Raises:
        UnknownDetector: unknown name.
        ValueError: unknown setting, or one out of range.
    """
    from detectors.compose import Hybrid, ReadOut

    spec = parse(text)
    model_settings = dict(settings)
    head_settings = model_settings.pop("head", {}) if spec.head else {}
    model = make_model(spec, **model_settings)
    if spec.head:
        head_settings = {"seed": model.seed, **head_settings}
        return Hybrid(encoder=model, head=make(spec.head, **head_settings), seed=model.seed)
    if spec.readout:
        return ReadOut(model=model, readout=spec.readout, seed=model.seed)
    return model


def make_model(spec: Spec, **settings: Any) -> Detector:
    """Return the model of a spec, without read-out or head.

    Raises:
        ValueError: unknown setting, or one out of range.
    """
    if spec.untrained:
        if "epochs" in settings:
            msg = f"{spec.model} takes no epochs; it is {spec.base} with none"
            raise ValueError(msg)
        settings = {**settings, "epochs": 0}
    cls = load_class(spec.entry.target)
    return cls.from_settings(spec.model, spec.entry.preset, settings)


def check(text: str, settings: Mapping[str, Any]) -> None:
    """Import the method of a spec and check its settings, and those of its head.

    Raises:
        ValueError: as `make`.
    """
    make(text, **settings)


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """Let a user's file import what lies beside it, as it does when python runs it."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


@cache
def load_class(target: str) -> type[Detector]:
    """Import the class of a registry target.

    Raises:
        ValueError: the class does not exist or is not a Detector.
    """
    where, _, attribute = target.rpartition(":")
    if where.endswith(".py"):
        name = "fathom_file_" + re.sub(r"\W", "_", str(Path(where).resolve()))
        module_spec = importlib.util.spec_from_file_location(name, source_file(target))
        if module_spec is None or module_spec.loader is None:
            msg = f"{where} cannot be imported as a python file"
            raise ValueError(msg)
        module = importlib.util.module_from_spec(module_spec)
        sys.modules[name] = module  # dataclasses and pickle look their module up there
        with _on_path(Path(where).resolve().parent):
            module_spec.loader.exec_module(module)
    else:
        module = importlib.import_module(where)
    cls = getattr(module, attribute, None)
    if not (isinstance(cls, type) and issubclass(cls, Detector)):
        msg = f"{target} is not a Detector; write `class {attribute}(Detector)` as a dataclass"
        raise ValueError(msg)
    return cls


def _read_entry(target: str) -> Entry:
    """Read what a class declares from its source, without importing it."""
    path, name = source_file(target), target.rpartition(":")[2]
    known = class_names(path)
    if name not in known:
        msg = f"{target}: no class {name!r} there; {nearest(name, known)}"
        raise UnknownDetector(msg)
    return Entry(target, **declared(path, name))
