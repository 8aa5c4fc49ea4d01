"""The losses of generators and discriminators, in terms of logits.

Goodfellow et al., "Generative adversarial networks", NeurIPS 2014, arXiv:1406.2661. A generator
minimises `real_loss` of generated samples (the non-saturating loss of section 3), a discriminator
minimises `real_loss` of real and `fake_loss` of generated samples.
"""

from __future__ import annotations

from torch import Tensor, nn

BETAS = (0.5, 0.999)  # of AdamW in games, after Radford et al., arXiv:1511.06434


def real_loss(logits: Tensor) -> Tensor:
    """Return the (n,) values -log D of samples, given the (n, 1) logits of D."""
    return nn.functional.softplus(-logits).squeeze(-1)


def fake_loss(logits: Tensor) -> Tensor:
    """Return the (n,) values -log(1 - D) of samples, given the (n, 1) logits of D."""
    return nn.functional.softplus(logits).squeeze(-1)
