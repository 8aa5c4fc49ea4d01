"""The signal-to-noise ratio of a gradient that is estimated from draws.

Rainforth et al., "Tighter variational bounds are not necessarily better", ICML 2018,
arXiv:1802.04537: with more draws per sample an importance-weighted bound is tighter, and its
gradient by the encoder has less signal in its noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

N_ESTIMATES = 32


def signal_to_noise(loss: Callable[[], Tensor], weights: Sequence[Tensor]) -> float:
    """Return the ratio for all weights together, of a loss with new draws in every call.

    It is the norm of the mean gradient over the root of the gradients' total variance, equation 9
    for a vector. The mean of 32 estimates has a 32nd of that variance, which is subtracted.
    """
    gradients = []
    with torch.enable_grad():
        for _ in range(N_ESTIMATES):
            parts = torch.autograd.grad(loss(), weights)
            gradients.append(torch.cat([part.flatten() for part in parts]))
    together = torch.stack(gradients).double()
    variance = together.var(0).sum()
    signal = together.mean(0).square().sum() - variance / N_ESTIMATES
    return float((signal.clamp(min=0) / variance).sqrt().nan_to_num())  # 0 for no gradient at all
