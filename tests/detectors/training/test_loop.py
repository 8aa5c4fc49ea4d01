"""The training loop: seeds train together exactly as alone, and each ends in its own way."""

import gc
import pickle
import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from torch import nn
from torch.func import grad_and_value

from detectors import Diverged, Unsupported
from detectors.deep.autoencoders.autoencoder import Autoencoder
from detectors.deep.variational.vae import VAE
from detectors.networks.dense import Dense
from detectors.training.base import DeepDetector
from detectors.training.loop import _Block, _gradients_of_one
from detectors.training.replica import Batches, Replica, n_validation

# The loop's own behaviour, on two methods; what every method owes is in test_methods.py.
CLASSES = {"ae": Autoencoder, "vae": VAE}
EACH = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)


def samples(n, d=6, seed=0):
    """Correlated normals, a row of noise added: something to learn."""
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((n, 2)) @ np.random.default_rng(99).standard_normal((2, d))
    return factors + 0.1 * rng.standard_normal((n, d))


def weights(detector):
    return nn.utils.parameters_to_vector(detector.net_.parameters()).detach().numpy()


def assert_same_training(a, b):
    assert_array_equal(weights(a), weights(b))
    assert_array_equal(a.losses_, b.losses_)


@EACH
@pytest.mark.parametrize(
    ("d", "settings"),
    [
        (1, {}),
        (6, {}),
        (33, {"batch_size": 7}),
        (64, {}),
        (13, {"hidden": (37, 11), "latent_dim": 3, "batch_size": 5}),
    ],
)
def test_seeds_trained_together_equal_each_alone_bit_for_bit(cls, d, settings):
    xs = [samples(n, d, seed=n) for n in (90, 61, 130, 33, 20)]
    alone = [cls(seed=s, epochs=4, **settings).fit(x) for s, x in enumerate(xs)]
    together = [cls(seed=s, epochs=4, **settings) for s in range(5)]
    assert cls.fit_together(together, xs) == [None] * 5
    for one, other in zip(alone, together, strict=True):
        assert_same_training(one, other)
        for readout in cls.readouts or (None,):
            assert_array_equal(one.score(xs[0], readout), other.score(xs[0], readout))


@EACH
def test_order_and_number_of_seeds_change_nothing(cls):
    xs = {seed: samples(60 + seed, seed=seed) for seed in range(8)}

    def trained(seeds):
        detectors = {seed: cls(seed=seed, epochs=4) for seed in seeds}
        outcomes = cls.fit_together(list(detectors.values()), [xs[seed] for seed in detectors])
        assert outcomes == [None] * len(detectors)
        return detectors

    every = trained(range(8))
    for some in (trained([6, 3, 0]), trained([7, 1])):
        for seed, detector in some.items():
            assert_same_training(detector, every[seed])


@EACH
def test_scores_and_codes_do_not_depend_on_companions(cls):
    detector = cls(epochs=3).fit(samples(50))
    x = samples(300, seed=5)
    order = np.random.default_rng(0).permutation(300)
    for readout in cls.readouts or (None,):
        scores = detector.score(x, readout)
        assert_array_equal(detector.score(x[order], readout), scores[order])
        alone = [detector.score(x[i : i + 1], readout)[0] for i in range(20)]
        assert_array_equal(alone, scores[:20])
    assert_array_equal(detector.encode(x[order]), detector.encode(x)[order])


@EACH
def test_a_replica_that_diverges_fails_alone(cls):
    xs = [samples(60, seed=s) for s in range(3)]
    xs[1] = xs[1] * 1e38  # it overflows float32
    detectors = [cls(seed=s, epochs=4) for s in range(3)]
    first, second, third = cls.fit_together(detectors, xs)
    assert first is None
    assert third is None
    assert isinstance(second, Diverged)
    assert_same_training(detectors[0], cls(seed=0, epochs=4).fit(xs[0]))
    assert_same_training(detectors[2], cls(seed=2, epochs=4).fit(xs[2]))


def test_divergence_says_in_which_epoch_and_what_to_change():
    x = samples(60) * 1e25
    with pytest.raises(Diverged, match=r"in epoch 1; scale the features or lower learning_rate"):
        Autoencoder(epochs=3).fit(x)
    with pytest.raises(Diverged, match=r"in epoch \d; .* learning_rate, which is 1e\+25"):
        Autoencoder(epochs=5, learning_rate=1e25).fit(samples(60))


def test_a_refit_that_fails_leaves_the_detector_unfitted():
    detector = Autoencoder(epochs=1).fit(samples(40))
    with pytest.raises(Diverged):
        detector.fit(samples(40) * 1e25)
    with pytest.raises(ValueError, match="not fitted"):
        detector.score(samples(40))


def test_samples_out_of_rule_are_the_outcome_of_their_replica_alone():
    xs = [samples(20), np.full((20, 6), np.nan)]
    detectors = [Autoencoder(seed=s, epochs=1) for s in range(2)]
    first, second = Autoencoder.fit_together(detectors, xs)
    assert first is None
    assert isinstance(second, Unsupported)
    with pytest.raises(Unsupported, match="120 values that are missing or infinite"):
        Autoencoder().fit(xs[1])


def test_only_detectors_that_differ_in_their_seed_alone_train_together():
    xs = [samples(20)] * 2
    with pytest.raises(ValueError, match=r"seeds \[1, 1\] are not distinct"):
        Autoencoder.fit_together([Autoencoder(seed=1), Autoencoder(seed=1)], xs)
    with pytest.raises(ValueError, match="differ in more than their seed"):
        Autoencoder.fit_together([Autoencoder(seed=1), Autoencoder(seed=2, epochs=9)], xs)
    with pytest.raises(ValueError, match=r"shapes \[\(3,\), \(6,\)\]; fit samples of one shape"):
        Autoencoder.fit_together(
            [Autoencoder(seed=0), Autoencoder(seed=1)], [samples(20, 3), samples(20, 6)]
        )


@EACH
def test_a_replica_that_stops_early_keeps_its_best_weights_while_others_go_on(cls):
    noise = np.random.default_rng(1).standard_normal((160, 12))  # nothing to learn: it stops soon
    xs = [noise, samples(40, 12)]
    settings = {"epochs": 40, "patience": 3}
    detectors = [cls(seed=s, **settings) for s in range(2)]
    cls.fit_together(detectors, xs)
    early, late = detectors
    assert early.epochs_ < late.epochs_
    assert len(early.losses_) == early.epochs_
    assert_same_training(early, cls(seed=0, **settings).fit(noise))
    assert_same_training(late, cls(seed=1, **settings).fit(xs[1]))
    best = cls(seed=0, **{**settings, "epochs": early.epochs_ - 3, "patience": 99}).fit(noise)
    assert_array_equal(weights(early), weights(best))  # those of three epochs before the end


def test_validation_rows_are_at_least_eight_or_none():
    assert [n_validation(n, 0.1) for n in (1, 31, 32, 80, 200)] == [0, 0, 8, 8, 20]
    assert n_validation(500, 0.0) == 0


def test_many_rows_train_for_fewer_epochs():
    settings = {"epochs": 9, "max_steps": 8, "batch_size": 8, "validation_share": 0.0}
    epochs = [Autoencoder(**settings).fit(samples(n)).epochs_ for n in (8, 16, 20, 80)]
    assert epochs == [8, 4, 2, 1]


def test_without_validation_all_epochs_run_on_all_rows():
    detector = Autoencoder(epochs=30, patience=1).fit(samples(31))
    assert detector.epochs_ == 30


@dataclass(kw_only=True)
class Recorder(DeepDetector[nn.Module]):
    """Fits one number a feature; keeps every batch it is shown. Its `.item()` defies vmap."""

    trains_together = False

    def _network(self, shape):
        return Dense(shape[0], 1)

    def _losses(self, net, x, noise):
        if net.weight.requires_grad:  # a training step, not a validation
            vars(self).setdefault("shown_", []).append(x.detach().clone())
            x[0, 0].item()
        return (net(x) - 1).square().mean(1)

    def _score(self, x, readout):
        return x[:, 0]


def test_each_epoch_shows_every_training_row_once_in_a_new_order():
    x = np.arange(1.0, 22)[:, None]
    detector = Recorder(epochs=2, batch_size=8).fit(x)
    first, second = (torch.cat(detector.shown_[i : i + 3]).flatten().numpy() for i in (0, 3))
    for epoch in (first, second):
        assert sorted(epoch) == list(range(1, 22))  # alone, without rows of padding
    assert (first != second).any()


def test_the_held_out_rows_are_never_trained_on():
    x = np.arange(1.0, 81)[:, None]
    detector = Recorder(epochs=3).fit(x)
    shown = set(torch.cat(detector.shown_).flatten().tolist()) - {0.0}
    assert len(shown) == 72


def test_a_network_that_vmap_cannot_map_trains_seed_by_seed():
    x = samples(40)
    detectors = [Recorder(seed=s, epochs=3) for s in range(2)]
    assert Recorder.fit_together(detectors, [x, x]) == [None, None]
    assert_same_training(detectors[1], Recorder(seed=1, epochs=3).fit(x))


@dataclass(kw_only=True)
class PerfectAfterOneEpoch(DeepDetector[nn.Module]):
    """Its validation loss is 0 in the first epoch and 1 in all later ones."""

    trains_together = False

    def _network(self, shape):
        return Dense(shape[0], 1)

    def _losses(self, net, x, noise):
        if net.weight.requires_grad:
            return net(x).square().mean(1)
        epoch = vars(self)["judged_"] = vars(self).get("judged_", 0) + 1
        return torch.full((len(x),), float(epoch > 1))

    def _score(self, x, readout):
        return x[:, 0]


def test_a_validation_loss_of_zero_is_the_best_there_is():
    settings = {"batch_size": 8, "learning_rate": 0.1}  # the eight held rows are one batch
    long = PerfectAfterOneEpoch(epochs=9, patience=3, **settings).fit(samples(40))
    assert long.epochs_ == 4
    assert_array_equal(
        weights(long), weights(PerfectAfterOneEpoch(epochs=1, **settings).fit(samples(40)))
    )


def test_padded_rows_weigh_nothing_in_a_mean():
    rows, weight = np.array([[1, 2], [3, 0]]), np.float32([[0.5, 0.5], [1, 0]])
    batches = Batches(rows, weight, noise=np.zeros(0), poses=np.zeros_like(rows))
    assert batches.mean(np.array([2.0, 5.0])) == 3.0


def test_a_training_step_clips_each_replica_by_its_own_gradient():
    xs = [samples(40), 100 * samples(40)]
    detectors = [Autoencoder(seed=s, epochs=2, max_gradient_norm=0.5) for s in range(2)]
    Autoencoder.fit_together(detectors, xs)
    assert_same_training(
        detectors[0], Autoencoder(seed=0, epochs=2, max_gradient_norm=0.5).fit(xs[0])
    )
    free = Autoencoder(seed=1, epochs=2, max_gradient_norm=1e9).fit(xs[1])
    assert (weights(free) != weights(detectors[1])).any()


def test_training_goes_on_where_the_caller_takes_no_gradients():
    x = np.random.default_rng(0).random((12, 1, 8, 8))
    with torch.no_grad():
        inside = Autoencoder(epochs=2).fit(x)
    assert_same_training(inside, Autoencoder(epochs=2).fit(x))


@pytest.mark.parametrize("used", [1.0, 0.0], ids=["all are used", "one is not used"])
def test_gradients_of_one_are_those_of_torch_func(used):
    pieces, x = [torch.randn(1, 6), torch.randn(1, 2)], torch.randn(1, 4, 3)

    def loss(a, b, x):
        return (x @ a.view(3, 2) + (b if used else 1)).square().mean()

    gradients, value = _gradients_of_one(loss, (0, 1))(*pieces, x)
    of_one = [each[0] for each in (*pieces, x)]
    expected, before = grad_and_value(loss, argnums=(0, 1))(*of_one)
    assert value == before[None]
    for ours, theirs in zip(gradients, expected, strict=True):
        assert torch.equal(ours, theirs[None])


@EACH
@pytest.mark.parametrize("n", [1, 2, 5, 33])
def test_few_rows_one_feature_and_constant_columns_train(cls, n):
    for x in (samples(n), samples(n, 1), np.zeros((n, 4)), np.c_[samples(n, 2), np.ones(n)]):
        detector = cls(epochs=3).fit(x)
        for readout in cls.readouts or (None,):
            assert np.isfinite(detector.score(x, readout)).all()


@EACH
def test_global_random_states_stay(cls):
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    detector = cls(epochs=2).fit(samples(40))
    for readout in cls.readouts or (None,):
        detector.score(samples(10), readout)
    assert random.getstate() == states[0]
    assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])


@EACH
def test_a_pickled_detector_scores_the_same_and_is_small(cls):
    detector = cls(epochs=2).fit(samples(40))
    stored = pickle.dumps(detector)
    assert len(stored) < 8 * detector.n_parameters_ + 20_000
    assert_array_equal(pickle.loads(stored).score(samples(9)), detector.score(samples(9)))


@EACH
def test_refit_forgets_the_first_fit(cls):
    detector = cls(epochs=3).fit(samples(50, 3))
    assert_same_training(detector.fit(samples(40)), cls(epochs=3).fit(samples(40)))


def test_n_parameters_counts_weights_and_biases():
    d, wide, narrow, code = 6, 64, 32, 3
    dense = [(d, wide), (wide, narrow), (narrow, code), (code, narrow), (narrow, wide), (wide, d)]
    expected = sum(n_in * n_out + n_out for n_in, n_out in dense)
    assert Autoencoder(epochs=0).fit(samples(9)).n_parameters_ == expected
    assert VAE(epochs=0).fit(samples(9)).n_parameters_ == expected + narrow * code + code + d


def test_images_are_not_copied_to_be_trained_on():
    x = np.random.default_rng(0).random((40, 1, 8, 8), np.float32)
    assert np.shares_memory(Replica(Autoencoder(), x).x.numpy(), x)
    fitted = Autoencoder(epochs=2).fit(x)
    x.flags.writeable = False  # as of a memory map
    assert_same_training(Autoencoder(epochs=2).fit(x), fitted)


def test_large_images_are_scored_in_smaller_batches():
    detector, sizes = Autoencoder(epochs=0), []

    def read(rows):
        sizes.append(len(rows))
        return rows.flatten(1).sum(1)

    for shape, size in (((5,), 128), ((1, 8, 8), 128), ((1, 400, 400), 39)):
        x = np.ones((130, *shape), np.float32)
        assert_array_equal(detector._read(read, x), np.full(130, np.prod(shape)))
        assert set(sizes) == {size}
        sizes.clear()


def test_stacked_weights_and_rows_are_freed_at_the_end_without_the_garbage_collector():
    Autoencoder(epochs=1).fit(samples(60))  # the first one leaves what torch imports late
    gc.collect()
    gc.disable()
    try:
        Autoencoder(epochs=12).fit(samples(60))
        assert not [each for each in gc.get_objects() if type(each) is _Block]
    finally:
        gc.enable()
