"""Lower bounds of log p(x) from the logarithms of importance weights, w = p(x|z) p(z) / q(z|x)."""

from __future__ import annotations

import math

from torch import Tensor


def log_mean(logs: Tensor) -> Tensor:
    """Return the logarithm of the mean of exp(logs) over the first dimension, (L, n) -> (n,)."""
    return logs.logsumexp(0) - math.log(len(logs))


def renyi(log_weights: Tensor, alpha: float) -> Tensor:
    """Return log(mean over l of w_l^(1 - alpha)) / (1 - alpha) in nats, (L, n) -> (n,).

    The variational Renyi bound, Li and Turner, "Renyi divergence variational inference", NeurIPS
    2016, arXiv:1602.02311, equation 14. With alpha = 0 it is the importance-weighted bound of
    Burda, Grosse and Salakhutdinov, arXiv:1509.00519, equation 8; towards 1, the ELBO.
    """
    return log_mean((1 - alpha) * log_weights) / (1 - alpha)
