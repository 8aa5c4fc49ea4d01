"""Autoencoder whose score sums its errors over all epochs of training.

Merrill and Eskandarian, "Modified autoencoder training and scoring for robust unsupervised anomaly
detection in deep learning", IEEE Access 8, 2020, doi:10.1109/ACCESS.2020.2997327: cumulative error
scoring, percentile loss, and early stopping at the knee of the loss. The authors score the training
samples; here the weights at the end of each epoch score new samples.

The knee is that of Satopaa et al., "Finding a kneedle in a haystack", ICDCS workshops 2011,
doi:10.1109/ICDCSW.2011.20.

Reference: [merrill2020cumulative], [satopaa2011kneedle]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor
from torch.func import functional_call

from detectors.contract import Floats
from detectors.networks.autoencoder import AutoencoderNet
from detectors.networks.dense import squared_error
from detectors.training.base import ReadOuts
from detectors.training.phases import Objective, Phase
from detectors.training.reconstruction import CodeReconstruction


class WatchedNet(AutoencoderNet):
    """An autoencoder with a buffer, so that training calls `_renew` after every epoch."""

    def __init__(
        self, shape: tuple[int, ...], hidden: tuple[int, ...] | None, latent_dim: int | None
    ) -> None:
        super().__init__(shape, hidden, latent_dim)
        self.register_buffer("epoch", torch.zeros(1))


@dataclass(kw_only=True)
class CumulativeErrorAutoencoder(CodeReconstruction):
    """Sum over the epochs of the squared errors of a network's reconstructions of a sample.

    A network learns frequent patterns first, so the sum is large for samples that are learned
    late, even if the final network reconstructs them well. In every batch the samples with the
    largest losses do not count, so that anomalies among the training samples are not learned.
    Training uses all samples for all epochs; afterwards the model returns to the knee of the loss.

    The read-outs `reconstruction` and `largest-error`, codes and their maps are those of the
    weights at the knee.

    Attributes:
        percentile: share of a batch whose losses count; 1 is the plain loss.
        stops_at_knee: whether epochs after the knee are discarded.
        epochs: most passes over the training samples; 50, as the weights of every epoch are kept
            until the knee is known.

    After `fit`: `history_`, the weights after each epoch up to the knee; `knee_`, their number.
    """

    epochs: Annotated[int, Ge(0)] = 50
    percentile: Annotated[float, Gt(0), Le(1)] = 0.95
    stops_at_knee: bool = True

    def _network(self, shape: tuple[int, ...]) -> WatchedNet:
        return WatchedNet(shape, self.hidden, self.latent_dim)

    def _phases(self) -> tuple[Phase, ...]:
        return (Phase((Objective(self._loss),), self.epochs, selects=False),)

    def _loss(self, net: AutoencoderNet, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        losses = squared_error(x, net(x))
        share_below = (losses[None, :] < losses[:, None]).float() @ weight
        return (weight * torch.where(share_below < self.percentile, losses, 0.0)).sum()

    def _renew(self, net: AutoencoderNet, x: Tensor, phase: Phase, epoch: int) -> None:
        if epoch == 0:
            self.history_: list[dict[str, Tensor]] = []
        if epoch > 0 or phase.epochs == 0:
            self.history_.append({k: v.detach().cpu().clone() for k, v in net.named_parameters()})

    def _conclude(self, x: Floats) -> None:
        self.knee_ = len(self.history_)
        if self.stops_at_knee and self.epochs_ > 0:
            self.knee_ = 1 + knee(self.losses_)
        del self.history_[self.knee_ :]
        self.net_.load_state_dict(self.history_[-1], strict=False)

    @property
    def diagnostics_(self) -> Mapping[str, float | Sequence[float]]:
        """As those of every deep detector, and the epoch of the knee."""
        return {**super().diagnostics_, "knee": self.knee_}

    def _cumulative(self, rows: Tensor) -> Tensor:
        """Sum over the epochs up to the knee of the mean squared error per feature."""
        total = torch.zeros(len(rows), dtype=torch.float64)
        for weights in self.history_:
            total += squared_error(rows, functional_call(self.net_, weights, (rows.float(),)))
        return total

    def _cumulative_errors(self, rows: Tensor) -> Tensor:
        """Sum over the epochs up to the knee of the squared errors (n, *shape)."""
        total = torch.zeros_like(rows)
        for weights in self.history_:
            total += (functional_call(self.net_, weights, (rows.float(),)) - rows).square()
        return total

    readouts: ClassVar[ReadOuts] = {
        "cumulative": _cumulative,
        "reconstruction": CodeReconstruction._mean_error,
        "largest-error": CodeReconstruction._largest_error,
    }
    localizes: ClassVar[Mapping[str, str]] = {
        "cumulative": "mean",
        "reconstruction": "mean",
        "largest-error": "max",
    }
    maps: ClassVar[ReadOuts] = {**CodeReconstruction.maps, "cumulative": _cumulative_errors}


def knee(losses: Floats) -> int:
    """Return the index of the knee of falling losses (epochs,): the point farthest below the chord.

    With both axes scaled to [0, 1], it is the first point at which 1 - x - y is largest.
    """
    span = np.ptp(losses)
    if len(losses) < 2 or span == 0:
        return len(losses) - 1
    x = np.linspace(0, 1, len(losses))
    return int(np.argmax(1 - x - (losses - losses.min()) / span))
