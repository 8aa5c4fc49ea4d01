"""Maximum mean discrepancy of codes and draws from a Gaussian prior.

Gretton et al., "A kernel two-sample test", JMLR 13, 2012,
https://jmlr.org/papers/v13/gretton12a.html. The kernel, its scales and the unbiased estimate are
those of Tolstikhin et al., "Wasserstein auto-encoders", ICLR 2018, arXiv:1711.01558.
"""

from __future__ import annotations

from torch import Tensor

SCALES = (10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1)  # of the authors' code, for near and far codes
TINY = 1e-12


def mmd(codes: Tensor, prior: Tensor, weight: Tensor) -> Tensor:
    """Return the unbiased estimate of the squared MMD of two samples; it may be negative.

    It is the estimate in algorithm 2 of Tolstikhin et al., for rows of equal weights; a sample of
    one row has no pairs, and its own term is 0.

    Args:
        codes: (n, k).
        prior: (n, k) draws from N(0, I).
        weight: (n,) for both samples: one over the number of rows, and 0 for padding.
    """
    pairs = weight[:, None] * weight
    distinct = 1 - weight.square().sum()  # (m - 1) / m for m rows
    own = pairs - weight.square().diag()
    within = (own * (_kernel(codes, codes) + _kernel(prior, prior))).sum()
    return within / distinct.clamp(min=TINY) - 2 * (pairs * _kernel(codes, prior)).sum()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    """Return the (n, m) sums over scales s of C / (C + |a - b|^2), C = 2 k s.

    2 k is the mean squared distance of two draws from the prior in k dimensions.
    """
    squares = a.square().sum(-1)[:, None] + b.square().sum(-1) - 2 * a @ b.T
    bases = a.new_tensor([2 * a.shape[-1] * s for s in SCALES])[:, None, None]
    return (bases * (bases + squares.clamp(min=0)).reciprocal()).sum(0)
