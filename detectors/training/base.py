"""The base of deep detectors: a network, its losses and its scores, on the one training loop."""

from __future__ import annotations

import dataclasses
import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Generic, Self, TypeVar, cast

import numpy as np
import torch
from annotated_types import Ge, Gt, Lt
from numpy.typing import ArrayLike
from torch import Tensor, nn

from detectors.contract import (
    Collapsed,
    Detector,
    Diverged,
    Family,
    Floats,
    Unsupported,
    as_samples,
)
from detectors.networks.images import at_once
from detectors.training.augmentation import Augmentation, check
from detectors.training.loop import train
from detectors.training.patches import cut, join
from detectors.training.phases import Objective, Phase, mean_of
from detectors.training.replica import Replica
from detectors.training.trainable import Singles

ReadOuts = Mapping[str, Callable[..., Tensor]]
"""By name, functions of the detector and of rows (n, *shape), float64, that return (n,) scores."""

SCORE_ROWS = 128  # per padded batch: the arithmetic of a row does not depend on other rows

Net = TypeVar("Net", bound=nn.Module)


@dataclass(kw_only=True)
class DeepDetector(Detector, Generic[Net]):
    """Base of the deep methods. A method is its network, its losses and its scores.

    A subclass writes `_network`, `_losses`, and either `_score` (through `_read`) or a table
    `readouts` of its scores (`ReadOuts`, the default first). Where it needs them it writes
    `_noise` (random numbers of the losses), `_phases` (pretraining, adversaries, losses of a
    batch), `_renew` (buffers of the network that are not learned by gradients: a centre, a
    quantile) and `_conclude` (what the scores need from the training samples). If `vmap` cannot
    map the network, the class sets `trains_together` to False: its seeds then train one by one
    through the same loop.

    The defaults of settings are the same for every method unless it says otherwise; they were
    chosen by stability and by the loss of held-out training samples. Rates, noises and variances
    suit features of about unit variance, as a suite's scaler gives them; `fit` scales nothing.

    Attributes:
        flatten: whether images count as vectors, with dense layers instead of convolutions.
        patch: side, in pixels, of square patches half a side apart: the model is one of patches of
            images. Maps of an image are stitched, with means where patches overlap, and pooled to
            its score; a score without such a pooling, or a code, is the mean over the patches. By
            default whole images.
        augment: symmetries of normal images, or of their patches: each time a training image is
            seen, it is drawn which of them it has. Held-out and scored images stay as they are.
            "declared" stands for those on the card of the data set. By default none.
        epochs: most passes over the training samples; 0 leaves the initial weights. Fits of `ae`
            mostly stop before 200, by the loss of held-out samples; most of `vae`, `sae`, `cae`
            and `dagmm` end there (on cardio, glass and letter 22 % of `ae`, 67 to 100 % of the
            others). Twice as many passes lower the held-out loss by another 0.2 % of its fall for
            `ae` and 2 to 4 % for the others, at up to twice the time. A cosine schedule of the rate
            lowers it less than a constant one.
        max_steps: most steps of a phase of training, which limits the epochs of large training
            sets: 20,000 steps are 200 epochs of 3,200 samples.
        batch_size: samples per step. With 32, small training sets have several steps per epoch.
        learning_rate: of AdamW. 0.003 reaches the same loss as 0.001 in about half the epochs;
            0.01 gives a higher loss.
        weight_decay: of AdamW, decoupled from the gradient. 0.01 and 0.1 made no difference.
        validation_share: share of the training samples that are held out, but at least 8. Their
            loss is computed after each epoch, and the best weights are kept. With 0.1, enough
            samples of small sets remain for training. With fewer than 32 training samples or a
            share of 0, all samples train for all epochs, and the last weights are kept.
        patience: number of epochs without a better validation loss after which training stops. 40
            gives lower losses than 20 for small training sets, whose epochs have few steps.
        max_gradient_norm: a longer gradient is scaled down to this norm, which prevents rare steps
            that move the weights too far. A VAE's bound is higher with 1 than with 10 or 100; an
            autoencoder's loss is the same.

    After `fit`: `net_`, the network with its weights on the CPU; `losses_`, the mean training
    loss of each epoch of the last phase, by its first objective; `epochs_`, their number;
    `converged_`, whether that phase ended because the loss of held-out samples had not fallen for
    `patience` epochs, or that of training was low enough; `curves_`, every loss and the validation
    loss of each epoch, by name; `remark_`, a warning that every score repeats, or an empty text.
    """

    family: ClassVar[Family] = "deep"
    takes_images: ClassVar[bool] = True
    trains_together: ClassVar[bool] = True
    preload: ClassVar[tuple[str, ...]] = ("torch._dynamo",)  # torch's optimisers import it late
    device = "cpu"  # where training runs: the runner sets it, it is not a setting

    flatten: bool = False
    patch: Annotated[int, Ge(8)] | None = None
    augment: Augmentation | None = None
    epochs: Annotated[int, Ge(0)] = 200
    max_steps: Annotated[int, Ge(1)] = 20_000
    batch_size: Annotated[int, Ge(1)] = 32
    learning_rate: Annotated[float, Gt(0)] = 3e-3
    weight_decay: Annotated[float, Ge(0)] = 0.0
    validation_share: Annotated[float, Ge(0), Lt(1)] = 0.1
    patience: Annotated[int, Ge(1)] = 40
    max_gradient_norm: Annotated[float, Gt(0)] = 1.0

    @classmethod
    def fit_together(
        cls, detectors: Sequence[Self], xs: Sequence[ArrayLike]
    ) -> list[Exception | None]:
        """Fit detectors that differ only in their seeds, each on its own samples (n, *shape).

        Each is then equal, bit for bit, to a detector after `fit` alone.

        Returns:
            One outcome per detector: None, or the exception that `fit` would raise.

        Raises:
            ValueError: two seeds are equal, or settings, devices or shapes of samples are not.
        """
        _check_company(detectors)
        outcomes: dict[int, Exception | None] = {}
        replicas: list[tuple[Self, Replica]] = []
        for detector, x in zip(detectors, xs, strict=True):
            vars(detector).pop("_shape_", None)  # unfitted, unless this fit succeeds
            try:
                samples = detector._suited(as_samples(x))
                material = detector._material(
                    cut(samples, detector.patch) if detector.patch else samples
                )
                if detector.augment:
                    check(detector.augment, material.shape[1:])
                replicas.append((detector, Replica(detector, material)))
            except Unsupported as error:
                outcomes[detector.seed] = error
        train([replica for _, replica in replicas])
        for detector, replica in replicas:
            if replica.outcome is None:
                detector._learn(replica)
            outcomes[detector.seed] = replica.outcome
        for detector, x in zip(detectors, xs, strict=True):
            if outcomes[detector.seed] is None:
                detector._fitted_on(x)
        return [outcomes[detector.seed] for detector in detectors]

    @property
    def n_parameters_(self) -> int | None:
        """Number of trained parameters."""
        return sum(parameter.numel() for parameter in self.net_.parameters())

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        """The number of epochs and `converged_` of the last phase, and every curve of training."""
        return {"epochs": self.epochs_, "converged": float(self.converged_), **self.curves_}

    def score(self, x: ArrayLike, readout: str | None = None) -> Floats:
        """As `Detector.score`; warns with `remark_`, if there is one."""
        scores = super().score(x, readout)
        self._warn()
        return scores

    def encode(self, x: ArrayLike) -> Floats:
        """As `Detector.encode`; warns with `remark_`, if there is one."""
        codes = super().encode(x)
        self._warn()
        return codes

    def _warn(self) -> None:
        if self.remark_:
            warnings.warn(self.remark_, stacklevel=3)

    def _suited(self, samples: Floats) -> Floats:
        if self.flatten and samples.ndim > 2:
            suited = samples.reshape(len(samples), -1).astype(np.float64)
        else:
            suited = super()._suited(samples)
        if self.patch and (suited.ndim != 4 or self.patch > min(suited.shape[2:])):
            msg = (
                f"patch = {self.patch} needs images (n, c, h, w) with sides of at least as many "
                f"pixels; {type(self).__name__} has {suited.shape}; take a smaller one or none"
            )
            raise Unsupported(msg)
        return suited

    def _fit(self, x: Floats) -> None:
        (outcome,) = self.fit_together([self], [x])
        if outcome is not None:
            raise outcome

    def _learn(self, replica: Replica) -> None:
        self.net_: Net = cast("Net", replica.finished_net())
        self.curves_ = replica.curves
        self.losses_ = np.array(replica.losses)
        self.epochs_ = len(self.losses_)
        self.converged_ = replica.converged
        self.remark_ = ""
        try:
            rows = replica.x.numpy()
            self._conclude(rows if rows.ndim > 2 else rows.astype(np.float64))
        except (Unsupported, Diverged, Collapsed) as error:
            replica.outcome = error

    def _material(self, x: Floats) -> Floats:
        """Return the rows to train on; by default the training samples x (n, *shape).

        A method that learns from rows derived from all samples returns these, and keeps what it
        needs to derive rows from other samples.

        Raises:
            Unsupported: the samples do not suit the settings.
        """
        return x

    def _score(self, x: Floats, readout: str) -> Floats:
        read = cast("ReadOuts", self.readouts)[readout]
        return self._read(lambda rows: read(self, rows), x)

    @abstractmethod
    def _network(self, shape: tuple[int, ...]) -> Net:
        """Return a new network for samples of this shape, with weights drawn by torch."""

    def _losses(self, net: Net, x: Tensor, noise: Tensor) -> Tensor:
        """Return the (n,) losses of samples x (n, *shape), given the `_noise` of n rows.

        It depends only on its arguments and the settings: its operations are recorded in one of
        the first steps and replayed in all later ones.
        """
        raise NotImplementedError

    def _phases(self) -> tuple[Phase, ...]:
        """Return the phases of training; by default one that minimises the mean of `_losses`."""
        return (Phase((Objective(mean_of(self._losses)),), self.epochs),)

    def _noise(self, net: Net, draws: np.random.Generator, n: int) -> Singles:
        """Return the (n, ...) random numbers for the losses of n rows; none by default."""
        return np.empty((n, 0), dtype=np.float32)

    def _renew(self, net: Net, x: Tensor, phase: Phase, epoch: int) -> None:
        """Set the buffers of the network.

        For a network with buffers, it is called without gradients before the first epoch of each
        phase (also of a phase without epochs) and after every epoch.

        Args:
            net: with its current weights.
            x: (n, *shape) the rows to train on, without those held out, on the network's device.
            phase: the current phase.
            epoch: number of epochs of the phase that have ended.
        """

    def _conclude(self, x: Floats) -> None:
        """Learn what the scores need from the rows of `_material` (n, ...), after the training.

        Raises:
            Unsupported: the rows do not suit the settings.
            Diverged: a learned attribute is not finite.
            Collapsed: the model gives all samples the same score.
        """

    def _read(self, read: Callable[[Tensor], Tensor], x: Floats) -> Floats:
        """Return read(rows) of all samples, in padded batches of a size fixed by their shape.

        Args:
            read: maps float64 rows (n_together, *shape) to a tensor (n_together, ...).
            x: samples (n, *shape).
        """
        if self.patch and x.shape[2:] != (self.patch, self.patch):
            return self._read_patches(read, x, self.patch)
        parts, n_together = [], at_once(SCORE_ROWS, x.shape[1:])
        with torch.no_grad():  # not inference mode: a score may compute gradients
            for start in range(0, len(x), n_together):
                rows = torch.tensor(x[start : start + n_together])
                batch = torch.zeros(n_together, *x.shape[1:], dtype=torch.float64)
                batch[: len(rows)] = rows
                parts.append(read(batch)[: len(rows)].double())
            return cast("Floats", torch.cat(parts).numpy())

    def _read_patches(self, read: Callable[[Tensor], Tensor], x: Floats, side: int) -> Floats:
        """Return read(rows) of the patches of images (n, c, h, w), joined for each image."""
        n_patches = len(cut(x[:1], side))
        n_together = max(1, SCORE_ROWS // n_patches)
        parts = []
        for start in range(0, len(x), n_together):
            some = x[start : start + n_together]
            parts.append(join(self._read(read, cut(some, side)), len(some), x.shape[2:], side))
        return np.concatenate(parts)


def _check_company(detectors: Sequence[DeepDetector[Net]]) -> None:
    seeds = [detector.seed for detector in detectors]
    if len(set(seeds)) < len(seeds):
        msg = f"seeds {seeds} are not distinct; train each seed once"
        raise ValueError(msg)
    alike = [dataclasses.replace(detector, seed=0) for detector in detectors]
    if any(twin != alike[0] for twin in alike):
        msg = "detectors differ in more than their seeds; fit those with other settings separately"
        raise ValueError(msg)
    if len({detector.device for detector in detectors}) > 1:
        msg = "detectors are on different devices; fit those on one device together"
        raise ValueError(msg)
