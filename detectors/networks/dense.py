"""Fully connected networks, and the rules that choose their sizes from the size of the input.

None of them is tuned: they grow with the input and know nothing of a data set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from detectors.streams import integer_seed

LANES = 16  # of the widest vectors, in single precision
SLOPE = 0.01  # of the leaky ReLU: no unit dies, so every weight keeps a gradient


class Dense(nn.Module):
    """x W + b for x (n, n_in): `nn.Linear` with its weight the other way round, (n_in, n_out).

    In this layout five replicas under `vmap` are one batched product with contiguous gradients,
    which takes an eighth off a training step. The weights begin as those of `nn.Linear`:
    uniform in +-1 / sqrt(n_in).
    """

    def __init__(self, n_in: int, n_out: int, *, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = nn.Parameter(torch.empty(n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_out).uniform_(-bound, bound)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, n_out)."""
        product = x @ self.weight if self.training else rowwise_product(x, self.weight)
        return product if self.bias is None else product + self.bias


def rowwise_product(x: Tensor, w: Tensor) -> Tensor:
    """Return x @ w, (..., n, k) by (k, m), in which a row does not depend on its place in x.

    On some processors the kernels sum the rows at the edges in another order where m is no
    multiple of the vector's lanes, so w is padded to one. For scores, not for training.
    """
    m = w.shape[-1]
    return (x @ nn.functional.pad(w, (0, -m % LANES)))[..., :m]


def mlp(sizes: Sequence[int], *, bias: bool = True) -> nn.Sequential:
    """Return dense layers of these sizes, a leaky ReLU between them and none at the end."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [Dense(n_in, n_out, bias=bias), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers[:-1])


def squared_error(x: Tensor, restored: Tensor) -> Tensor:
    """Return the (n,) squared errors of restored samples (n, *shape), as means over features."""
    return (restored - x).square().flatten(1).mean(-1)


def hidden_sizes(d: int) -> tuple[int, int]:
    """Return the two hidden widths for d features: as wide as the input, then half of that.

    Widths are powers of two between 64 and 256 and so leave room for few features and keep the
    cost of many in bounds.
    """
    width = min(max(64, 2 ** math.ceil(math.log2(d))), 256)
    return width, width // 2


def code_size(d: int) -> int:
    """Return the size of the code for d features: 1 + sqrt(d), and less than d where d > 1.

    The rule of Cao, Nicolau and McDermott, "Learning neural representations for network anomaly
    detection", IEEE Transactions on Cybernetics 2019, doi:10.1109/TCYB.2018.2838668.
    """
    return max(1, min(1 + math.isqrt(d), d - 1))


def build_seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return `build()` with weights drawn from the stream "weights" of a seed.

    Modules draw their first weights from torch's global generator; it is set for them and put
    back as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(integer_seed(seed, "weights"))
        return build()
