"""The one training loop: the seeds of a job train together as one batched model.

Five replicas, one per seed, are stacked: their weights are the rows of a few tensors, `torch.func`
maps a plain module and its gradient over them, and one fused AdamW per objective updates them all
(Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101).
Each replica has its own split, weights, data order and noise, all from the named streams of its
seed, and its own epochs, which end when it has seen all its rows.

Only vectors train so: for images, seeds train one by one through the same loop.

Seed s always trains in slot s % 5 of block s // 5, and a slot without a seed is padding, so that
a replica does not depend on the other seeds, bit for bit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap
from torch.optim.adamw import adamw

from detectors.contract import Floats
from detectors.training.augmentation import posed
from detectors.training.phases import BatchLoss, Objective, Phase
from detectors.training.recording import recorded
from detectors.training.replica import Batches, Replica
from detectors.training.trainable import Trainable

BLOCK = 5
EPSILON = 1e-8  # of AdamW

Piece = list[tuple[str, torch.Size]]  # names and shapes of consecutive parameters
Gradients = Callable[..., tuple[tuple[Tensor, ...], Tensor]]  # stacks -> gradients, losses


def train(replicas: Sequence[Replica]) -> None:
    """Train replicas of distinct seeds in blocks, each until it is done.

    Raises:
        ValueError: the samples of the replicas differ in shape.
    """
    shapes = {tuple(replica.x.shape[1:]) for replica in replicas}
    if len(shapes) > 1:
        msg = f"samples have shapes {sorted(shapes)}; fit samples of one shape together"
        raise ValueError(msg)
    blocks: dict[int, dict[int, Replica]] = defaultdict(dict)
    for replica in replicas:
        block, slot = divmod(replica.detector.seed, _block_size(replica))
        blocks[block][slot] = replica
    for slots in blocks.values():
        for phase in next(iter(slots.values())).detector._phases():
            for replica in slots.values():
                replica.enter(phase)
            if not all(replica.done for replica in slots.values()):
                _train_phase(slots, phase)


def _block_size(replica: Replica) -> int:
    """Return how many replicas train as one; for images it is one.

    Stacked convolutions are grouped convolutions, which take 1.3 to 4 times as long on a CPU.
    """
    return BLOCK if replica.detector.trains_together and replica.x.ndim == 2 else 1


def _train_phase(slots: Mapping[int, Replica], phase: Phase) -> None:
    """Train until every replica is done, in spans of steps that end with an epoch of a replica."""
    block = _Block(slots, phase)
    while not all(replica.done for replica in slots.values()):
        span = min(replica.left for replica in slots.values())
        losses = block.train({slot: replica.take(span) for slot, replica in slots.items()})
        for slot, replica in slots.items():
            replica.note(losses[:, :, slot])
        ended = {slot: replica for slot, replica in slots.items() if replica.left == 0}
        weights = {slot: block.weights_of(slot) for slot in ended}
        states = {slot: replica.end_epoch(weights[slot]) for slot, replica in ended.items()}
        for slot, state in states.items():
            if state is not None:
                block.state[slot] = state
        held = block.evaluate({slot: replica.held for slot, replica in ended.items()})
        for slot, replica in ended.items():
            steps = len(replica.held.rows)
            replica.judge(held[:steps, slot], weights[slot], states[slot])


class _Block:
    """The stacked weights of a block in pieces, its buffers, its pool of rows and its steps.

    A piece (size, p) holds consecutive parameters that the same objectives update, so that an
    optimiser updates whole pieces.
    """

    def __init__(self, slots: Mapping[int, Replica], phase: Phase) -> None:
        first = next(iter(slots.values()))
        self.detector = first.detector
        self.device = torch.device(self.detector.device)
        self.size = _block_size(first)
        weights = torch.zeros(self.size, len(first.weights))
        state = torch.zeros(self.size, len(first.state))
        pool = [torch.zeros_like(first.x[:1])] * (self.size > 1)  # the padding of slots
        for slot, replica in slots.items():
            weights[slot], state[slot] = replica.weights, replica.state
            replica.start(offset=sum(map(len, pool)))
            pool.append(replica.x)
        self.pool = (torch.cat(pool) if len(pool) > 1 else pool[0]).to(self.device)
        self.state = state.to(self.device)
        movers, pieces = _pieces(first.net, phase.objectives)
        lengths = [sum(shape.numel() for _, shape in piece) for piece in pieces]
        split = torch.split(weights.to(self.device), lengths, dim=1)
        self.pieces = [piece.contiguous() for piece in split]

        def by_weights(loss: BatchLoss) -> Callable[..., Tensor]:
            return _by_weights(first.net, loss, pieces)

        steps = []
        for number, objective in enumerate(phase.objectives):
            moved = tuple(i for i, by in enumerate(movers) if number in by)
            gradients = self._gradients(by_weights(objective.loss), moved)
            steps.append(
                _Step([self.pieces[i] for i in moved], gradients, objective, self.detector)
            )
        given = (*self.pieces, self.state)
        judge = by_weights(phase.judge or phase.objectives[0].loss)
        judge = vmap(judge) if self.size > 1 else _for_one(judge)

        def step(*batch: Tensor) -> Tensor:
            return torch.stack([each.take((*given, *batch)) for each in steps])

        def losses(*batch: Tensor) -> Tensor:
            return judge(*given, *batch)

        self.step, self.losses = step, losses  # free of `self`, so that all is freed with it
        if self.size > 1:
            self.step, self.losses = recorded(step), recorded(losses)

    def _gradients(self, loss: Callable[..., Tensor], moved: tuple[int, ...]) -> Gradients:
        """Return the function that computes gradients and losses of stacked replicas."""
        if self.size > 1:
            return vmap(grad_and_value(loss, argnums=moved))
        return _gradients_of_one(loss, moved)

    def weights_of(self, slot: int) -> Tensor:
        """Return a copy of the weights (P,) of a replica."""
        return torch.cat([piece[slot] for piece in self.pieces])

    def train(self, batches: Mapping[int, Batches]) -> Floats:
        """Step on each batch; return the (steps, objectives, size) losses before each step."""
        return _to_numpy([self.step(*batch) for batch in self._batches(batches)])

    def evaluate(self, batches: Mapping[int, Batches]) -> Floats:
        """Return the (steps, size) validation losses of batches."""
        losses = [self.losses(*batch) for batch in self._batches(batches)]
        return _to_numpy(losses) if losses else np.empty((0, self.size))

    def _batches(self, batches: Mapping[int, Batches]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield x (size, batch, *shape), weight (size, batch), noise (size, batch, ...) a step.

        Slots without a replica or without further batches get rows of zeros with weight 0. A block
        of one gets no padding, which would count in a batch's statistics.
        """
        steps = max(len(each.rows) for each in batches.values())
        together = []
        for parts in zip(*batches.values(), strict=True):
            stacked = np.zeros((steps, self.size, *parts[0].shape[1:]), dtype=parts[0].dtype)
            for slot, part in zip(batches, parts, strict=True):
                stacked[: len(part), slot] = part
            together.append(torch.from_numpy(stacked).to(self.device))
        for index, weight, noise, poses in zip(*together, strict=True):
            if self.size == 1:  # nothing is stacked: no padding is needed
                rows = weight[0] > 0
                index, weight, noise = index[:, rows], weight[:, rows], noise[:, rows]
                poses = poses[:, rows]
            x = self.pool.index_select(0, index.flatten())
            if self.detector.augment:
                x = posed(x, poses.flatten(), self.detector.augment)
            yield x.view(*index.shape, *x.shape[1:]), weight, noise


class _Step:
    """A step of one objective: gradients with respect to its pieces, then AdamW."""

    def __init__(
        self,
        moved: list[Tensor],
        gradients: Gradients,
        objective: Objective,
        detector: Trainable,
    ) -> None:
        self.moved, self.gradients = moved, gradients
        self.max_norm = detector.max_gradient_norm
        self.averages = [torch.zeros_like(piece) for piece in moved]
        self.squares = [torch.zeros_like(piece) for piece in moved]
        self.counts = [torch.zeros((), device=piece.device) for piece in moved]
        self.update = partial(
            adamw,
            foreach=False,
            fused=True,
            amsgrad=False,
            beta1=objective.betas[0],
            beta2=objective.betas[1],
            lr=objective.pace * detector.learning_rate,
            weight_decay=detector.weight_decay,
            eps=EPSILON,
            maximize=False,
        )

    def take(self, given: tuple[Tensor, ...]) -> Tensor:
        """Update the pieces; return the (size,) losses before the step."""
        gradients, loss = self.gradients(*given)
        norms = torch.stack([torch.linalg.vector_norm(each, dim=1) for each in gradients])
        norm = torch.linalg.vector_norm(norms, dim=0)[:, None]
        scale = (self.max_norm / norm).clamp_(max=1.0)
        clipped = [gradient * scale for gradient in gradients]
        self.update(self.moved, clipped, self.averages, self.squares, [], self.counts)
        return loss


def _to_numpy(losses: list[Tensor]) -> Floats:
    return cast("Floats", torch.stack(losses).double().cpu().numpy())


def _pieces(
    net: nn.Module, objectives: Sequence[Objective]
) -> tuple[list[frozenset[int]], list[Piece]]:
    """Return the pieces of the parameters, and the numbers of the objectives that update each."""

    def movers(parameter: tuple[str, nn.Parameter]) -> frozenset[int]:
        part = parameter[0].partition(".")[0]
        return frozenset(i for i, o in enumerate(objectives) if not o.parts or part in o.parts)

    grouped = [(by, list(group)) for by, group in groupby(net.named_parameters(), key=movers)]
    pieces = [[(name, each.shape) for name, each in group] for _, group in grouped]
    return [by for by, _ in grouped], pieces


class _BatchLoss(nn.Module):
    """A method's loss of a batch, as a module, so that `functional_call` can swap its weights."""

    def __init__(self, net: nn.Module, loss: BatchLoss) -> None:
        super().__init__()
        self.net = net
        self.loss = loss

    def forward(self, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        """Return the scalar loss of a batch."""
        return self.loss(self.net, x, weight, noise)


def _by_weights(net: nn.Module, loss: BatchLoss, pieces: list[Piece]) -> Callable[..., Tensor]:
    """Return the loss as a function of pieces (p,), buffers (S,), x, weight and noise."""
    module = _BatchLoss(net, loss)
    buffers = [(f"net.{name}", buffer.shape) for name, buffer in net.named_buffers()]
    named = [*([(f"net.{name}", shape) for name, shape in piece] for piece in pieces), buffers]

    def call(*arguments: Tensor) -> Tensor:
        tensors: dict[str, Tensor] = {}
        for each, vector in zip(named, arguments, strict=False):
            parts = torch.split(vector, [shape.numel() for _, shape in each])
            tensors |= {
                name: part.view(shape) for (name, shape), part in zip(each, parts, strict=True)
            }
        batch = arguments[len(named) :]
        return cast("Tensor", functional_call(module, tensors, batch, tie_weights=False))

    return call


def _gradients_of_one(loss: Callable[..., Tensor], moved: tuple[int, ...]) -> Gradients:
    """Return the function that computes gradients and loss for stacks of one.

    It uses autograd alone: with `torch.func` a step of convolutions takes a fifth longer.
    """

    def call(*stacks: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        given = [stack[0].detach() for stack in stacks]
        leaves = [given[i].requires_grad_() for i in moved]
        with torch.enable_grad():
            value = loss(*given)
        gradients = torch.autograd.grad(value, leaves, materialize_grads=True)
        return tuple(each[None] for each in gradients), value.detach()[None]

    return call


def _for_one(judge: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return `judge` as a function of stacks of one."""

    def call(*stacks: Tensor) -> Tensor:
        return judge(*(stack[0] for stack in stacks))[None]

    return call
