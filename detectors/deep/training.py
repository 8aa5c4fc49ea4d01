"""The one training loop: the seeds of a job train together as one batched model.

Five replicas, one a seed, are stacked: their weights are the rows of one tensor, `torch.func`
maps a plain module and its gradient over them, one fused AdamW steps them all (Loshchilov and
Hutter, "Decoupled weight decay regularization", ICLR 2019, arXiv:1711.05101). Each replica has
its own split, weights, data order and noise, all from the named streams of its seed, and its own
clock: its epoch ends when its own rows are through.

Seed s always trains in slot s % 5 of block s // 5, and a slot without a seed is padding: which
seeds train beside a replica changes not one bit of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap
from torch.utils._pytree import tree_map

from detectors.contract import Diverged, Floats
from detectors.deep.networks import build_seeded
from detectors.deep.recording import recorded

if TYPE_CHECKING:
    from detectors.deep.base import DeepDetector

BLOCK = 5
MIN_VALIDATION = 8  # rows; the mean loss of fewer says too little to stop by

Singles = NDArray[np.float32]


def n_validation(n: int, share: float) -> int:
    """Return how many of n training rows are held out, for a share of them.

    At least 8; none where the share is 0 or 8 rows would be more than a quarter of all.
    """
    if share == 0 or n < 4 * MIN_VALIDATION:
        return 0
    return max(MIN_VALIDATION, int(share * n))


class Batches(NamedTuple):
    """Rows of one replica in batches of fixed size; the last one is padded with place 0.

    Attributes:
        rows: (steps, batch) places in the block's pool, in which row 0 is all zeros.
        weight: (steps, batch) one over the number of rows in the batch, 0 where padded.
        noise: (steps, batch, k) random numbers of the losses.
    """

    rows: NDArray[np.int64]
    weight: Singles
    noise: Singles

    def between(self, start: int, stop: int) -> Batches:
        """Return the batches of some steps."""
        return Batches(self.rows[start:stop], self.weight[start:stop], self.noise[start:stop])

    def mean(self, losses: Floats) -> float:
        """Return the mean over all rows, given the (steps,) means of the batches."""
        counts = (self.weight > 0).sum(axis=1)
        return float(losses @ counts / counts.sum())


class Replica:
    """One seed's share of a block: its rows, its clock, its best weights and how it ended.

    Args:
        detector: settings and streams.
        x: training samples (n, *shape).

    Raises:
        Unsupported: the detector has no network for samples of this shape.
    """

    def __init__(self, detector: DeepDetector[Any], x: Floats) -> None:
        self.detector = detector
        self.x = torch.tensor(x, dtype=torch.float32)
        self.net = build_seeded(lambda: detector._network(x.shape[1:]), detector.seed)
        self.weights = nn.utils.parameters_to_vector(self.net.parameters()).detach()
        self.losses: list[float] = []
        self.outcome: Diverged | None = None
        self.done = detector.epochs == 0

    def start(self, offset: int) -> None:
        """Split the rows, which begin at `offset` of the block's pool, and begin an epoch."""
        detector, n = self.detector, len(self.x)
        rows = offset + detector.stream("validation split").permutation(n)
        n_held = n_validation(n, detector.validation_share)
        self._train = rows[n_held:]
        self._order, self._draws = detector.stream("data order"), detector.stream("noise")
        self.held = self._batches(rows[:n_held], detector.stream("validation noise"))
        self._best, self._best_epoch = np.inf, 0
        self._begin_epoch()

    def _batches(self, rows: NDArray[np.int64], draws: np.random.Generator) -> Batches:
        size = self.detector.batch_size
        steps = -(-len(rows) // size)
        index = np.zeros((steps, size), dtype=np.int64)
        index.flat[: len(rows)] = rows
        weight = (index > 0) / (index > 0).sum(axis=1, keepdims=True)
        noise = self.detector._noise(self.net, draws, steps * size)
        return Batches(
            index, weight.astype(np.float32), noise.reshape(steps, size, *noise.shape[1:])
        )

    def _begin_epoch(self) -> None:
        self._epoch = self._batches(self._order.permutation(self._train), self._draws)
        self._taken = 0
        self._step_losses: list[Floats] = []

    @property
    def left(self) -> int:
        """Number of steps to the end of the epoch."""
        return len(self._epoch.rows) - self._taken

    def take(self, steps: int) -> Batches:
        """Return the next batches of the epoch."""
        self._taken += steps
        return self._epoch.between(self._taken - steps, self._taken)

    def note(self, losses: Floats) -> None:
        """Note the (steps,) losses of the batches taken last."""
        self._step_losses.append(losses)

    def end_epoch(self, held_losses: Floats, weights: Tensor) -> None:
        """Judge the epoch that ended and begin the next one.

        A replica that is done keeps its slot busy until its block is; nothing of it is noted.

        Args:
            held_losses: (steps,) losses of the batches `held`.
            weights: (P,) the weights, a live view: they are copied where they are kept.
        """
        if not self.done:
            loss = self._epoch.mean(np.concatenate(self._step_losses))
            held = self.held.mean(held_losses) if len(self.held.rows) else None
            self._judge(loss, held, weights)
        self._begin_epoch()

    def _judge(self, loss: float, held: float | None, weights: Tensor) -> None:
        detector = self.detector
        self.losses.append(loss)
        epoch = len(self.losses)
        if not (np.isfinite([loss, held or 0.0]).all() and weights.isfinite().all()):
            msg = (
                f"the loss left the finite numbers in epoch {epoch}; scale the features or lower "
                f"learning_rate, which is {detector.learning_rate:g}"
            )
            self.outcome, self.done = Diverged(msg), True
            return
        if held is None or held < self._best:
            self._best, self._best_epoch = np.inf if held is None else held, epoch
            self.weights = weights.clone()
        self.done = epoch == detector.epochs or epoch - self._best_epoch >= detector.patience

    def finished_net(self) -> nn.Module:
        """Return the network with the weights that training ended with."""
        parameters = list(self.net.parameters())
        parts = torch.split(self.weights.cpu(), [each.numel() for each in parameters])
        with torch.no_grad():
            for parameter, part in zip(parameters, parts, strict=True):
                parameter.copy_(part.view_as(parameter))
        return self.net.eval()


def train(replicas: Sequence[Replica]) -> None:
    """Train replicas of distinct seeds to their end, in blocks; none stops another.

    Raises:
        ValueError: the samples of the replicas differ in shape.
    """
    shapes = {tuple(replica.x.shape[1:]) for replica in replicas}
    if len(shapes) > 1:
        msg = f"samples have shapes {sorted(shapes)}; fit samples of one shape together"
        raise ValueError(msg)
    blocks: dict[int, dict[int, Replica]] = defaultdict(dict)
    for replica in replicas:
        size = BLOCK if replica.detector.trains_together else 1
        block, slot = divmod(replica.detector.seed, size)
        blocks[block][slot] = replica
    for slots in blocks.values():
        if not all(replica.done for replica in slots.values()):
            _train_block(slots)


def _train_block(slots: Mapping[int, Replica]) -> None:
    """Train until every replica is done, in spans that end where an epoch of one of them does."""
    block = _Block(slots)
    while not all(replica.done for replica in slots.values()):
        span = min(replica.left for replica in slots.values())
        losses = block.train({slot: replica.take(span) for slot, replica in slots.items()})
        for slot, replica in slots.items():
            replica.note(losses[:, slot])
        ended = {slot: replica for slot, replica in slots.items() if replica.left == 0}
        held = block.evaluate({slot: replica.held for slot, replica in ended.items()})
        for slot, replica in ended.items():
            steps = len(replica.held.rows)
            replica.end_epoch(held[:steps, slot], block.weights[slot].detach())


class _Block:
    """The stacked weights (size, P) of a block, its pool of rows, its loss and its optimiser."""

    def __init__(self, slots: Mapping[int, Replica]) -> None:
        first = next(iter(slots.values()))
        self.detector = first.detector
        self.device = torch.device(self.detector.device)
        self.size = BLOCK if self.detector.trains_together else 1
        weights = torch.zeros(self.size, len(first.weights))
        pool = [torch.zeros_like(first.x[:1])]
        for slot, replica in slots.items():
            weights[slot] = replica.weights
            replica.start(offset=sum(map(len, pool)))
            pool.append(replica.x)
        self.pool = torch.cat(pool).to(self.device)
        self.weights = weights.to(self.device)
        mean_loss = _by_weights(_MeanLoss(first.net, self.detector._losses))
        if self.detector.trains_together:
            self.mean_losses = recorded(vmap(mean_loss))
            self.gradients = recorded(vmap(grad_and_value(mean_loss)))
        else:
            self.mean_losses = _for_one(mean_loss)
            self.gradients = _for_one(grad_and_value(mean_loss))
        self.optimizer = torch.optim.AdamW(
            [self.weights],
            lr=self.detector.learning_rate,
            weight_decay=self.detector.weight_decay,
            fused=True,
        )

    def train(self, batches: Mapping[int, Batches]) -> Floats:
        """Take a step on each batch; return the (steps, size) losses before each step."""
        losses = []
        for step in self._steps(batches):
            gradients, loss = self.gradients(self.weights, *step)
            norms = torch.linalg.vector_norm(gradients, dim=1, keepdim=True)
            gradients *= (self.detector.max_gradient_norm / norms).clamp_(max=1.0)
            self.weights.grad = gradients
            self.optimizer.step()
            losses.append(loss)
        return _to_numpy(losses)

    def evaluate(self, batches: Mapping[int, Batches]) -> Floats:
        """Return the (steps, size) losses of batches."""
        losses = [self.mean_losses(self.weights, *step) for step in self._steps(batches)]
        return _to_numpy(losses) if losses else np.empty((0, self.size))

    def _steps(self, batches: Mapping[int, Batches]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield x (size, batch, *shape), weight (size, batch), noise (size, batch, k) a step.

        Slots without a replica, or whose batches are through, get rows of zeros and weight 0.
        """
        steps = max(len(each.rows) for each in batches.values())
        together = []
        for parts in zip(*batches.values(), strict=True):
            stacked = np.zeros((steps, self.size, *parts[0].shape[1:]), dtype=parts[0].dtype)
            for slot, part in zip(batches, parts, strict=True):
                stacked[: len(part), slot] = part
            together.append(torch.from_numpy(stacked).to(self.device))
        for index, weight, noise in zip(*together, strict=True):
            x = self.pool.index_select(0, index.flatten())
            yield x.view(*index.shape, *x.shape[1:]), weight, noise


def _to_numpy(losses: list[Tensor]) -> Floats:
    return cast("Floats", torch.stack(losses).double().cpu().numpy())


class _MeanLoss(nn.Module):
    """The weighted mean of a method's losses: a module, so that its weights can be swapped."""

    def __init__(self, net: nn.Module, losses: Callable[[Any, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.net = net
        self.losses = losses

    def forward(self, x: Tensor, weight: Tensor, noise: Tensor) -> Tensor:
        """Return the scalar loss of a batch."""
        return (weight * self.losses(self.net, x, noise)).sum()


def _by_weights(module: nn.Module) -> Callable[..., Any]:
    """Return `module` as a function of all its weights in one vector (P,) and its arguments."""
    shapes = {name: parameter.shape for name, parameter in module.named_parameters()}
    lengths = [shape.numel() for shape in shapes.values()]

    def call(weights: Tensor, *arguments: Tensor) -> Any:
        parts = zip(shapes.items(), torch.split(weights, lengths), strict=True)
        parameters = {name: part.view(shape) for (name, shape), part in parts}
        return functional_call(module, parameters, arguments, tie_weights=False)

    return call


def _for_one(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` for stacks of one, without `vmap`."""

    def call(*stacks: Tensor) -> Any:
        return tree_map(lambda each: each[None], function(*(stack[0] for stack in stacks)))

    return call
