"""The losses of generators and discriminators, in logits.

Goodfellow et al., "Generative adversarial networks", NeurIPS 2014, arXiv:1406.2661. A generator
lowers `real_loss` of what it makes (the non-saturating loss of their section 3), a discriminator
lowers `real_loss` of the true and `fake_loss` of the made samples.
"""

from __future__ import annotations

from torch import Tensor, nn

BETAS = (0.5, 0.999)  # of AdamW in a game, after Radford et al., arXiv:1511.06434


def real_loss(logits: Tensor) -> Tensor:
    """Return -log D of samples that pass for true, given the (n, 1) logits of D, as (n,)."""
    return nn.functional.softplus(-logits).squeeze(-1)


def fake_loss(logits: Tensor) -> Tensor:
    """Return -log(1 - D) of samples found out, given the (n, 1) logits of D, as (n,)."""
    return nn.functional.softplus(logits).squeeze(-1)
