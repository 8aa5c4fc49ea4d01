"""Record the tensor operations of a function once, then replay them without its overhead.

Small networks spend most of a training step in modules, transforms and the autograd engine, before
the kernels; replaying the kernels alone saves a third of the time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

N_UNRECORDED = 16  # calls before the record, which takes as long as about twenty calls
_SAME_SHAPE_IS_SAME = {torch.ops.aten.expand.default, torch.ops.aten.view.default}


def recorded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with its tensor operations recorded in one call and replayed later.

    The function must depend only on its arguments, whose shapes must not change; then the replay
    gives the same bits.
    """
    replay: Callable[..., Any] | None = None
    n_unrecorded = 0

    def call(*arguments: Tensor) -> Any:
        nonlocal replay, n_unrecorded
        if replay is not None:
            return replay(*arguments)
        if n_unrecorded < N_UNRECORDED:
            n_unrecorded += 1
            return function(*arguments)
        recorder = _Recorder(arguments)
        with recorder:
            values = function(*arguments)
        replay = recorder.finish(values)
        return values

    return call


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records each operation that reaches the kernels as a node of a graph."""

    def __init__(self, arguments: tuple[Tensor, ...]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph = fx.Graph()
        self.root = torch.nn.Module()
        self.kept: list[Tensor] = []  # alive, so that no two tensors share an id
        self.nodes: dict[int, fx.Node] = {}
        for i, argument in enumerate(arguments):
            self._know(argument, self.graph.placeholder(f"argument{i}"))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and record it."""
        kwargs = kwargs or {}
        value = func(*args, **kwargs)
        if func in _SAME_SHAPE_IS_SAME and value.shape == args[0].shape:
            self._know(value, self._node(args[0]))
            return value
        node = self.graph.call_function(func, *tree_map(self._node, (args, kwargs)))
        if isinstance(value, Tensor):
            self._know(value, node)
        else:
            for i, each in enumerate(value):
                self._know(each, self.graph.call_function(operator.getitem, (node, i)))
        return value

    def finish(self, values: Any) -> fx.GraphModule:
        """Return the recorded graph as a function that returns the counterparts of `values`."""
        self.graph.output(tree_map(self._node, values))
        self.graph.eliminate_dead_code()
        return fx.GraphModule(self.root, self.graph)

    def _know(self, tensor: Tensor, node: fx.Node) -> None:
        self.kept.append(tensor)
        self.nodes[id(tensor)] = node

    def _node(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) not in self.nodes:  # a constant of the function
            name = f"constant{len(self.kept)}"
            self.root.register_buffer(name, value)
            self._know(value, self.graph.get_attr(name))
        return self.nodes[id(value)]
