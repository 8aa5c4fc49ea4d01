"""Record the tensor operations of a function once, then replay them without its overhead.

Small networks spend most of a training step in modules, transforms and the autograd engine, before
the kernels; replaying the kernels alone takes less than half the time.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache, partial
from types import BuiltinFunctionType, MethodDescriptorType
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

N_UNRECORDED = 8  # calls before the record, which costs what seven or more replays save
_CALL = "call_function"
_SAME_SHAPE_IS_SAME = {
    torch.ops.aten.expand.default,
    torch.ops.aten.view.default,
    torch.ops.aten._unsafe_view.default,
}


def recorded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with its tensor operations recorded in one call and replayed later.

    The function must depend only on its arguments, whose shapes must not change, and on tensors
    that exist before its calls, which it may write into; then the replay gives the same bits.
    """
    replay: Callable[..., Any] | None = None
    n_unrecorded = 0

    def call(*arguments: Tensor) -> Any:
        nonlocal replay, n_unrecorded
        if replay is not None:
            with torch.inference_mode():
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


def _run(operation: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Run an operation; return what ran it, and its value."""
    try:
        target = _binding(operation)
        value = target(*args, **kwargs)
    except TypeError:  # not all arguments of an operation are those of Python: an index of None
        target = operation
        value = target(*args, **kwargs)
    return target, value if operation._schema.returns else None


@cache
def _binding(operation: Any) -> Any:
    """Return the function of Python for an operation, or itself; a call takes 1 us less."""
    for home in (torch, torch._C._nn, Tensor):
        binding = getattr(home, operation.overloadpacket.__name__, None)
        if isinstance(binding, BuiltinFunctionType | MethodDescriptorType):
            return binding
    return operation


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records each operation that reaches the kernels as a node of a graph.

    Tensors that exist before the call are constants of the graph, and so are views of them.
    """

    def __init__(self, arguments: tuple[Tensor, ...]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph = fx.Graph()
        self.constants: dict[fx.Node, Tensor] = {}
        self.effects: set[fx.Node] = set()  # nodes that write into tensors
        self.kept: list[Tensor] = []  # alive, so that no two tensors share an id
        self.nodes: dict[int, fx.Node] = {}
        for i, argument in enumerate(arguments):
            self._know(argument, self.graph.placeholder(f"argument{i}"))
        self.first = next(iter(self.graph.nodes))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and record it."""
        kwargs = kwargs or {}
        target, value = _run(func, args, kwargs)
        if func.is_view and all(map(self._is_constant, tree_leaves((args, kwargs)))):
            return value
        if func in _SAME_SHAPE_IS_SAME and value.shape == args[0].shape:
            self._know(value, self._node(args[0]))
            return value
        node = self.graph.call_function(target, *tree_map(self._node, (args, kwargs)))
        if func._schema.is_mutable:
            self.effects.add(node)
        if isinstance(value, Tensor):
            self._know(value, node)
        else:
            for i, each in enumerate(value or ()):
                self._know(each, self.graph.call_function(operator.getitem, (node, i)))
        return value

    def finish(self, values: Any) -> Callable[..., Any]:
        """Return the recorded graph as a function that returns the counterparts of `values`."""
        self.graph.output(tree_map(self._node, values))
        self.graph.eliminate_dead_code(lambda each: each.op != _CALL or each in self.effects)
        replay = fx.GraphModule(torch.nn.Module(), self.graph).forward
        return partial(replay, *self.constants.values())

    def _know(self, tensor: Tensor, node: fx.Node) -> None:
        self.kept.append(tensor)
        self.nodes[id(tensor)] = node

    def _is_constant(self, value: Any) -> bool:
        node = self.nodes.get(id(value))
        return node is None or node in self.constants

    def _node(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) not in self.nodes:
            with self.graph.inserting_before(self.first):
                node = self.graph.placeholder(f"constant{len(self.constants)}")
            self.constants[node] = value
            self._know(value, node)
        return self.nodes[id(value)]
