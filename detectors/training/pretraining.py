"""The phase that pretrains an encoder in an autoencoder."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from detectors.networks.dense import squared_error
from detectors.networks.images import at_once
from detectors.training.phases import Objective, Phase, mean_of

PRETRAINING = "pretraining"
CHUNK = 1024  # rows per call of a network between epochs


def pretraining(epochs: int) -> Phase:
    """Return the phase that trains the `encoder` and `decoder` of a network to reconstruct x."""
    restore = Objective(
        mean_of(lambda net, x, _: squared_error(x, net.decoder(net.encoder(x)))),
        ("encoder", "decoder"),
    )
    return Phase((restore,), epochs, PRETRAINING)


def in_chunks(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return function(x) of rows (n, ...), computed for at most CHUNK of them at a time."""
    return torch.cat([function(rows) for rows in torch.split(x, at_once(CHUNK, x.shape[1:]))])
