"""What skops cannot store, tensors of torch and trees of scipy, as arrays within any object."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any, NamedTuple

import numpy as np


class Packed(NamedTuple):
    """A tensor, a parameter of a network, or a tree as an array."""

    kind: str
    array: Any


def packed(thing: Any) -> Any:
    """Return a deep copy in which arrays stand for tensors and trees.

    Raises:
        Exception: of any kind, if the thing holds what cannot be copied.
    """
    import torch
    from scipy.spatial import KDTree

    return _replaced(thing, (torch.Tensor, KDTree), _pack)


def unpacked(thing: Any) -> Any:
    """Return a deep copy with the tensors and trees of what was `packed`."""
    return _replaced(thing, Packed, _unpack)


def _pack(thing: Any) -> Packed:
    kind = {"Parameter": "parameter", "KDTree": "tree"}.get(type(thing).__name__, "tensor")
    return Packed(kind, np.asarray(thing.data if kind == "tree" else thing.detach().cpu()))


def _unpack(packed: Packed) -> Any:
    if packed.kind == "tree":
        from scipy.spatial import KDTree

        return KDTree(packed.array)
    import torch

    tensor = torch.from_numpy(np.array(packed.array))
    return torch.nn.Parameter(tensor) if packed.kind == "parameter" else tensor


def _replaced(thing: Any, kind: Any, by: Any) -> Any:
    """Return a deep copy in which each object of a kind is replaced; pickle only finds them."""
    found: list[Any] = []

    class Finder(pickle.Pickler):
        def persistent_id(self, each: Any) -> bool | None:
            if not isinstance(each, kind):
                return None
            found.append(each)
            return True

    Finder(io.BytesIO(), protocol=5).dump(thing)
    return copy.deepcopy(thing, {id(each): by(each) for each in found})
