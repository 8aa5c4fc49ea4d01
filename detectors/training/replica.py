"""The training state of one seed: its rows, epochs, best weights and outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.contract import Diverged, Floats
from detectors.networks.dense import build_seeded
from detectors.training.augmentation import POSES
from detectors.training.phases import Phase
from detectors.training.trainable import Singles, Trainable

MIN_VALIDATION = 8  # rows; the mean loss of fewer is too uncertain for early stopping


def n_validation(n: int, share: float) -> int:
    """Return how many of n training rows a share of them holds out.

    At least 8; none if the share is 0 or 8 rows are more than a quarter of all.
    """
    if share == 0 or n < 4 * MIN_VALIDATION:
        return 0
    return max(MIN_VALIDATION, int(share * n))


def held_and_trained(
    detector: Trainable, n: int, selects: bool = True
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which of n training rows a phase holds out, and which it trains on."""
    n_held = n_validation(n, detector.validation_share) * selects
    rows = detector.stream("validation split").permutation(n)
    return rows[:n_held], rows[n_held:]


class Batches(NamedTuple):
    """Rows of one replica in batches of fixed size; the last one is padded with index 0.

    Attributes:
        rows: (steps, batch) indices into the block's pool.
        weight: (steps, batch) one over the number of rows in the batch, 0 for padding.
        noise: (steps, batch, ...) random numbers for the losses.
        poses: (steps, batch) numbers of the symmetries that images are shown in.
    """

    rows: NDArray[np.int64]
    weight: Singles
    noise: Singles
    poses: NDArray[np.int64]

    def between(self, start: int, stop: int) -> Batches:
        """Return the batches of some steps."""
        some = slice(start, stop)
        return Batches(self.rows[some], self.weight[some], self.noise[some], self.poses[some])

    def mean(self, losses: Floats) -> Floats:
        """Return the (...) means over all rows, given the (steps, ...) means of the batches."""
        counts = (self.weight > 0).sum(axis=1)
        means: Floats = counts @ losses / counts.sum()
        return means


class Replica:
    """One seed in training.

    Args:
        detector: settings and streams.
        x: training samples (n, *shape).

    Attributes:
        net: the network, on the detector's device until it is finished; between phases it holds the
            replica's weights.
        weights: (P,) the best parameters so far, in the network's order.
        state: (S,) the buffers that belong to them.
        curves: by name, a number for each epoch.
        outcome: the exception that `fit` raises, None if it succeeds.
        phase: the current phase, with its epochs limited by `max_steps`.
        converged: whether the loss of held-out rows has not fallen for `patience` epochs, or that
            of the training rows is below the phase's `enough`.
        done: whether the phase has ended for this replica.

    Raises:
        Unsupported: the detector has no network for samples of this shape.
    """

    def __init__(self, detector: Trainable, x: Floats) -> None:
        self.detector = detector
        with np.errstate(over="ignore"):
            self.x = torch.from_numpy(np.require(x, np.float32, ["C", "W"]))  # no copy of images
        self.net = build_seeded(lambda: detector._network(x.shape[1:]), detector.seed)
        self.weights = nn.utils.parameters_to_vector(self.net.parameters()).detach()
        self.state = read_state(self.net)
        self.net.to(detector.device)
        self.curves: dict[str, list[float]] = {}
        self.outcome: Exception | None = None
        self.done = True

    def enter(self, phase: Phase) -> None:
        """Begin a phase: split the rows; the detector sets the network's buffers."""
        self.epoch, self.converged = 0, False
        self.done = phase.epochs == 0 or self.outcome is not None
        self._held, self._train = held_and_trained(self.detector, len(self.x), phase.selects)
        steps = -(-len(self._train) // self.detector.batch_size)
        most = max(1, self.detector.max_steps // steps)
        self.phase = replace(phase, epochs=min(phase.epochs, most))
        self._best, self._best_epoch = np.inf, 0
        if self.outcome is None:
            self.state = self.renewed(self.weights)

    def renewed(self, weights: Tensor) -> Tensor:
        """Return the buffers (S,) that the detector sets for these weights (P,)."""
        if len(self.state):
            write_weights(self.net, weights)
            x = self.x[self._train].to(self.detector.device)
            with torch.no_grad():
                self.detector._renew(self.net, x, self.phase, self.epoch)
        return read_state(self.net)

    def start(self, offset: int) -> None:
        """Begin the first epoch of a phase; the rows start at `offset` of the block's pool."""
        stream, phase = self.detector.stream, self.phase
        self._order = stream(phase.stream("data order"))
        self._draws = stream(phase.stream("noise"))
        self._poses = stream(phase.stream("augmentation"))
        held_draws = stream(phase.stream("validation noise"))
        self.held = self._batches(offset + self._held, held_draws)
        self._offset = offset
        self._begin_epoch()

    def _batches(self, rows: NDArray[np.int64], draws: np.random.Generator) -> Batches:
        size = self.detector.batch_size
        steps = -(-len(rows) // size)
        index = np.zeros((steps, size), dtype=np.int64)
        index.flat[: len(rows)] = rows
        taken = np.arange(index.size).reshape(index.shape) < len(rows)
        weight = taken / taken.sum(axis=1, keepdims=True)
        noise = self.detector._noise(self.net, draws, steps * size)
        noise = noise.reshape(steps, size, *noise.shape[1:])
        return Batches(index, weight.astype(np.float32), noise, np.zeros_like(index))

    def _begin_epoch(self) -> None:
        order = self._offset + self._order.permutation(self._train)
        self._epoch = self._batches(order, self._draws)
        if augment := self.detector.augment:
            shape = self._epoch.rows.shape
            poses = self._poses.integers(len(POSES[augment]), size=shape)
            self._epoch = self._epoch._replace(poses=poses)
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
        """Record the (steps, objectives) losses of the last batches."""
        self._step_losses.append(losses)

    def end_epoch(self, weights: Tensor) -> Tensor | None:
        """Record an epoch that ended with these weights (P,).

        A replica that is done keeps its slot until its block is done, and records nothing.

        Returns:
            The buffers (S,) that the detector sets for them; None if they do not change.
        """
        if self.done:
            return None
        losses = self._epoch.mean(np.concatenate(self._step_losses))
        for objective, loss in zip(self.phase.objectives, losses, strict=True):
            self._note_curve(objective.name, float(loss))
        self.epoch += 1
        if not (np.isfinite(losses).all() and weights.isfinite().all()):
            self._diverge()
            return None
        return self.renewed(weights)

    def judge(self, held_losses: Floats, weights: Tensor, state: Tensor | None) -> None:
        """Judge the epoch that ended, and begin the next one.

        Args:
            held_losses: (steps,) losses of the batches `held`, at the weights and the buffers.
            weights: (P,) the weights after the epoch.
            state: (S,) the buffers that go with them, of a replica that is not done.
        """
        if not self.done and state is not None:
            self._judge(float(self.held.mean(held_losses)) if len(self._held) else None)
            if self._best_epoch == self.epoch:
                self.weights, self.state = weights, state
        self._begin_epoch()

    def _judge(self, held: float | None) -> None:
        if held is not None:
            self._note_curve("validation", held)
            if not np.isfinite(held):
                self._diverge()
                return
        if held is None or held < self._best:
            self._best, self._best_epoch = np.inf if held is None else held, self.epoch
        stalled = self.epoch - self._best_epoch >= self.detector.patience
        self.converged = stalled or self.losses[-1] < self.phase.enough
        self.done = self.converged or self.epoch == self.phase.epochs

    def _diverge(self) -> None:
        msg = (
            f"the loss is not finite in epoch {self.epoch}; scale the features or lower "
            f"learning_rate, which is {self.detector.learning_rate:g}"
        )
        self.outcome, self.done = Diverged(msg), True

    def _note_curve(self, name: str, value: float) -> None:
        self.curves.setdefault(self.phase.stream(name), []).append(value)

    @property
    def losses(self) -> list[float]:
        """The mean training loss of each epoch of the phase, by its first objective."""
        return self.curves.get(self.phase.stream(self.phase.objectives[0].name), [])

    def finished_net(self) -> nn.Module:
        """Return the network on the CPU, with the final weights and buffers of the training."""
        write_weights(self.net, self.weights)
        write_state(self.net, self.state)
        return self.net.cpu().eval()


def write_weights(net: nn.Module, weights: Tensor) -> None:
    """Set the parameters of a network from one vector (P,)."""
    parameters = list(net.parameters())
    parts = torch.split(weights, [each.numel() for each in parameters])
    with torch.no_grad():
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.copy_(part.view_as(parameter))


def read_state(net: nn.Module) -> Tensor:
    """Return a copy of the buffers of a network in one vector (S,)."""
    parts = [buffer.flatten() for buffer in net.buffers()]
    return torch.cat(parts) if parts else torch.zeros(0)


def write_state(net: nn.Module, state: Tensor) -> None:
    """Set the buffers of a network from one vector (S,)."""
    lengths = [buffer.numel() for buffer in net.buffers()]
    for buffer, part in zip(net.buffers(), torch.split(state, lengths), strict=True):
        buffer.copy_(part.view_as(buffer))
