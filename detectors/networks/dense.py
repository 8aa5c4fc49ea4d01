"""Fully connected networks, and the rules for their sizes.

The sizes depend only on the size of the input; they are not tuned to data sets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from detectors.streams import integer_seed

LANES = 16  # of the widest vector registers, in single precision
SLOPE = 0.01  # of the leaky ReLU, so that every weight always has a gradient


class Dense(nn.Module):
    """x W + b for x (n, n_in): `nn.Linear` with a transposed weight, (n_in, n_out).

    In this layout five replicas under `vmap` are one batched product with contiguous gradients,
    which saves an eighth of a training step. The initial weights are those of `nn.Linear`: uniform
    in +-1 / sqrt(n_in).
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

    On some processors the kernels sum the last rows in another order unless m is a multiple of the
    lanes of a vector register, so w is padded. For scores, not for training.
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
    """Return the (n,) squared errors of reconstructions (n, *shape), as means over features."""
    return (restored - x).square().flatten(1).mean(-1)


def hidden_sizes(d: int) -> tuple[int, int]:
    """Return the two hidden widths for d features: about the width of the input, then half of it.

    The first is a power of two between 64 and 256, which gives few features enough units and limits
    the cost of many.
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

    Modules draw their initial weights from torch's global generator, which stays as it is: the
    draws of this thread are passed a generator of their own.
    """
    with _Drawing(torch.Generator().manual_seed(integer_seed(seed, "weights"))):
        return build()


class _Drawing(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Passes a generator to the operations of this thread that would use the global one."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.generator = generator

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation."""
        kwargs = kwargs or {}
        if kwargs.get("generator") is None and _takes_generator(func.overloadpacket):
            func, kwargs = func.overloadpacket, {**kwargs, "generator": self.generator}
        return func(*args, **kwargs)


@cache
def _takes_generator(operation: Any) -> bool:
    overloads = [getattr(operation, name) for name in operation.overloads()]
    arguments = [argument.name for each in overloads for argument in each._schema.arguments]
    return "generator" in arguments
