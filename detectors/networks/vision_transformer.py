"""DINOv2's small vision transformer, with the names of its published weights.

Dosovitskiy et al., "An image is worth 16x16 words: transformers for image recognition at scale",
ICLR 2021, arXiv:2010.11929; Oquab et al., "DINOv2: learning robust visual features without
supervision", TMLR 2024, arXiv:2304.07193.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CELL = 14  # side of a patch, in pixels
TRAINED_SIDE = 37  # patches of a side of the images for which positions were trained
OFFSET = 0.1  # added to the number of patches when positions are interpolated, as in the code
WIDTH, HEADS, DEPTH = 384, 6, 12
TAKEN = (4, 8, 12)  # blocks whose patches are maps


class Scale(nn.Module):
    """A factor for each feature (LayerScale)."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """Return x (..., d) times the factors."""
        return x * self.gamma


class Attention(nn.Module):
    """Self-attention of several heads."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens (n, t, d) of tokens (n, t, d)."""
        n, t, _ = x.shape
        parts = self.qkv(x).reshape(n, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*parts)
        mixed: Tensor = self.proj(seen.transpose(1, 2).flatten(2))
        return mixed


class Perceptron(nn.Module):
    """A dense layer of four times the width, and back."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Return (..., d) of x (..., d)."""
        changed: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return changed


class Block(nn.Module):
    """Attention and a perceptron, each added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attn, self.ls1 = _norm(), Attention(), Scale()
        self.norm2, self.mlp, self.ls2 = _norm(), Perceptron(), Scale()

    def forward(self, x: Tensor) -> Tensor:
        """Return the tokens (n, t, d) of tokens (n, t, d)."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        changed: Tensor = x + self.ls2(self.mlp(self.norm2(x)))
        return changed


class Patches(nn.Module):
    """The embedding of patches."""

    def __init__(self) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, WIDTH, CELL, CELL)

    def forward(self, x: Tensor) -> Tensor:
        """Return the map (n, d, rows, columns) of images (n, 3, h, w)."""
        embedded: Tensor = self.proj(x)
        return embedded


class DINOv2Small(nn.Module):
    """Normalised patches after three blocks, 14 pixels a cell, and the normalised class token."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, 1 + TRAINED_SIDE**2, WIDTH))
        self.patch_embed = Patches()
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm = _norm()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of images (n, 3, h, w), then (n, 384)."""
        embedded = self.patch_embed(x)
        rows, columns = embedded.shape[2:]
        patches = embedded + self._positions(rows, columns)
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        tokens = torch.cat([first, patches.flatten(2).mT], 1)
        maps = []
        for number, block in enumerate(self.blocks, 1):
            tokens = block(tokens)
            if number in TAKEN:
                normalised = self.norm(tokens)
                maps.append(normalised[:, 1:].mT.reshape(len(x), WIDTH, rows, columns))
        return [*maps, normalised[:, 0]]

    def _positions(self, rows: int, columns: int) -> Tensor:
        """Return the embedding (1, d, rows, columns) of the places of patches."""
        trained = self.pos_embed[:, 1:].mT.reshape(1, WIDTH, TRAINED_SIDE, TRAINED_SIDE)
        if (rows, columns) == (TRAINED_SIDE, TRAINED_SIDE):
            return trained
        factors = [(n + OFFSET) / TRAINED_SIDE for n in (rows, columns)]
        return functional.interpolate(trained, scale_factor=factors, mode="bicubic")


def _norm() -> nn.LayerNorm:
    return nn.LayerNorm(WIDTH, eps=1e-6)
