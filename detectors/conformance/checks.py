"""The contract of `detectors.contract` as functions.

Each check takes a `Subject`. Where the contract does not hold, it raises `CheckFailed` with one
sentence. `checks_for(subject)` returns the checks that apply.
"""

from __future__ import annotations

import copy
import dataclasses
import pickle
import random
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.conformance.companions import largest_move, spread_of
from detectors.conformance.subject import N_FAR, N_TEST, Subject, brought_within
from detectors.contract import Floats, Unsupported
from detectors.factory import load_class, make, make_model
from detectors.localisation import POOLINGS
from detectors.spec import Spec
from detectors.streams import global_generators, stream


class CheckFailed(AssertionError):
    """Raised by a check; the message says what does not hold."""


Check = Callable[[Subject], None]


def fit_returns_self(subject: Subject) -> None:
    """`fit` returns the detector."""
    detector = subject.make()
    _expect(detector.fit(subject.samples[0]) is detector, "fit does not return self")


def settings_stay(subject: Subject) -> None:
    """`fit` and `score` change no setting."""
    detector = subject.make()
    before = copy.deepcopy(dataclasses.asdict(detector))
    detector.fit(subject.samples[0]).score(subject.samples[1])
    after = dataclasses.asdict(detector)
    _expect(before == after, f"settings were {before} and became {after}")


def data_stay(subject: Subject) -> None:
    """`fit` and `score` do not change their arrays."""
    x, z = subject.samples
    subject.make().fit(x).score(z)
    same = np.array_equal(x, subject.samples[0]) and np.array_equal(z, subject.samples[1])
    _expect(same, "fit or score changes its input in place")


def scores_are_finite_numbers(subject: Subject) -> None:
    """`score` returns (n,) finite float64 that are not all equal."""
    scores = subject.fitted().score(subject.samples[1])
    _expect_scores(scores, N_TEST)
    _expect(len(np.unique(scores)) > 1, f"all scores are {scores[0]}")


def far_samples_score_higher(subject: Subject) -> None:
    """Samples far from all training samples score above typical ones on average."""
    scores = subject.fitted().score(subject.samples[1])
    near, far = scores[:-N_FAR].mean(), scores[-N_FAR:].mean()
    _expect(far > near, f"far samples score {far:.4g}, typical ones {near:.4g}; is the sign right?")


def same_seed_gives_same_scores(subject: Subject) -> None:
    """Equal seeds give equal scores, whatever the global generators; scoring twice does too."""
    x, z = subject.samples
    with global_generators(1):
        detector = subject.make().fit(x)
        first = detector.score(z)
    with global_generators(2):
        _expect_equal(detector.score(z), first, "a second score")
        _expect_equal(subject.make().fit(x).score(z), first, "a second detector of this seed")


def global_random_state_untouched(subject: Subject) -> None:
    """`fit` and `score` do not change the global generators of random, numpy and torch."""
    detector = subject.make()
    before = _global_states()
    detector.fit(subject.samples[0])
    fitted = _global_states()
    detector.score(subject.samples[1])
    moved = {n for n in before if before[n] != fitted[n] or fitted[n] != _global_states()[n]}
    advice = "draw from one of its own, or in torch.random.fork_rng()"
    _expect(
        not moved,
        f"fit or score changes the global generator of {', '.join(sorted(moved))}; {advice}",
    )


def refit_forgets_the_first_fit(subject: Subject) -> None:
    """A second `fit` forgets the first."""
    x, z = subject.samples
    other = np.concatenate([3 * x[::-1] + 1, 5 * x[:9]])
    again = subject.make().fit(other).fit(x).score(z)
    _expect_equal(again, subject.fitted().score(z), "a detector fitted before on other samples")


def score_depends_on_companions_only_if_declared(subject: Subject) -> None:
    """A score is the same alone, together and permuted, except for a transductive detector."""
    z = subject.samples[1]
    order = stream(0, "order").permutation(N_TEST)
    half = N_TEST // 2

    def scored(parts: Iterable[Floats]) -> Floats:  # each way afresh: it may keep what it scored
        with global_generators(0):
            detector = subject.fitted()
            return np.concatenate([detector.score(part) for part in parts])

    together = scored([z])
    moved = {
        "permuted": _distance(together, order, lambda: scored([z[order]])),
        "in halves": _distance(together, slice(half, None), lambda: scored([z[half:]])),
        "alone": _distance(together, slice(None), lambda: scored(row[None] for row in z)),
    }
    worst = max(moved, key=lambda way: moved[way])
    if subject.spec.transductive:
        _expect(moved[worst] > subject.tolerance, "it is declared transductive, but is not")
    else:
        message = (
            f"scores {worst} differ by {moved[worst]:.2g} of their spread; declare "
            "`transductive = True` if a score depends on the other test samples"
        )
        _expect(moved[worst] <= subject.tolerance, message)


def pickles(subject: Subject) -> None:
    """A fitted detector survives pickling with equal scores."""
    detector = subject.fitted()
    z = subject.samples[1]
    try:
        pickled = pickle.dumps(detector)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        msg = f"a fitted detector cannot be pickled: {error}"
        raise CheckFailed(msg) from error
    _expect_equal(pickle.loads(pickled).score(z), detector.score(z), "its pickle")


def layout_and_dtype_do_not_matter(subject: Subject) -> None:
    """float32, integer, Fortran-ordered, strided and read-only input give equal scores."""
    x, z = (np.rint(4 * samples) for samples in subject.samples)
    expected = subject.make().fit(x).score(z)
    for name, change in _LAYOUTS.items():
        scores = subject.make().fit(change(x)).score(change(z))
        _expect_equal(scores, expected, f"{name} input")


def one_feature_works_or_is_unsupported(subject: Subject) -> None:
    """Samples of one feature are scored, or `Unsupported`."""
    x, z = subject.samples
    _expect_scores_or_unsupported(subject, x[:, :1], z[:, :1])


def constant_column_works_or_is_unsupported(subject: Subject) -> None:
    """A column that is constant only in training is scored, or `Unsupported`."""
    x, z = subject.samples
    x[:, 0], z[: N_TEST // 2, 0] = 0.1, 0.1
    _expect_scores_or_unsupported(subject, x, z)


def few_rows_work_or_are_unsupported(subject: Subject) -> None:
    """One, two and three training samples are enough, or `Unsupported`."""
    x, z = subject.samples
    for n in (1, 2, 3):
        _expect_scores_or_unsupported(subject, x[:n], z)


def not_finite_input_is_unsupported(subject: Subject) -> None:
    """NaN and infinite values are `Unsupported`, in `fit` and in `score`."""
    for value in (np.nan, np.inf):
        x, z = subject.samples
        x[3, -1] = z[3, -1] = value
        _expect_unsupported(subject.make().fit, x, f"fit with {value}")
        _expect_unsupported(subject.fitted().score, z, f"score with {value}")


def another_width_is_unsupported(subject: Subject) -> None:
    """Test samples of another width than the training samples are `Unsupported`."""
    wide = np.repeat(subject.samples[1], 2, axis=1)
    _expect_unsupported(subject.fitted().score, wide, "score with another width")


def codes_are_consistent(subject: Subject) -> None:
    """Codes are (n, k) finite float64, equal alone and together."""
    x, z = (brought_within(samples, subject.bounds) for samples in subject.samples)
    detector = subject.make_model().fit(x)
    codes = detector.encode(z)
    right = codes.ndim == 2 and len(codes) == N_TEST and np.isfinite(codes).all()
    _expect(right, f"codes of {N_TEST} samples have shape {codes.shape} or are not finite")
    alone = np.concatenate([detector.encode(row[None]) for row in z])
    _expect_close(alone, codes, subject.tolerance, "codes of single samples")


def maps_are_consistent(subject: Subject) -> None:
    """Maps are finite, of the samples' shape, equal alone and together, and pool to the score."""
    x, z = (brought_within(samples, subject.bounds) for samples in subject.samples)
    detector: Any = make(subject.text, **subject.settings).fit(x)
    maps = np.asarray(detector.localize(z))
    expected = z.shape if z.ndim == 2 else (len(z), *z.shape[2:])
    right = maps.shape == expected and np.isfinite(maps).all()
    _expect(right, f"maps of samples {z.shape} have shape {maps.shape} or are not finite")
    alone = np.concatenate([detector.localize(row[None]) for row in z[::4]])
    _expect_close(alone, maps[::4], subject.tolerance, "maps of single samples")
    if pooling := subject.spec.pooling:
        scores = detector.score(z)
        pooled = POOLINGS[pooling](maps.reshape(len(z), -1))
        order = np.argsort(pooled)
        falls = -np.diff(scores[order]).min() / np.ptp(scores)
        _expect(falls < 1e-6, f"the {pooling} of a map does not order samples as their scores do")


def training_moves_every_parameter_and_lowers_the_loss(subject: Subject) -> None:
    """Training changes every parameter of the network and lowers the loss, except in a game."""
    x = brought_within(subject.samples[0], subject.bounds)
    trained: Any = make_model(subject.spec, **subject.settings).fit(x)
    initial: Any = make_model(subject.spec, **{**subject.settings, "epochs": 0}).fit(x)
    start = dict(initial.net_.named_parameters())
    for name, parameter in trained.net_.named_parameters():
        _expect(bool((parameter != start[name]).any()), f"training leaves {name} unchanged")
    first, last = trained.losses_[0], trained.losses_[-1]
    is_game = trained._phases()[-1].is_game
    _expect(is_game or last < first, f"the loss went from {first:.4g} to {last:.4g}")


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        fit_returns_self,
        scores_are_finite_numbers,
        settings_stay,
        data_stay,
        far_samples_score_higher,
        same_seed_gives_same_scores,
        global_random_state_untouched,
        refit_forgets_the_first_fit,
        score_depends_on_companions_only_if_declared,
        pickles,
        layout_and_dtype_do_not_matter,
        one_feature_works_or_is_unsupported,
        constant_column_works_or_is_unsupported,
        few_rows_work_or_are_unsupported,
        not_finite_input_is_unsupported,
        another_width_is_unsupported,
    )
}


# The first checks to call each method, with samples that nothing is wrong with.
CALLS = {fit_returns_self.__name__: "fit", scores_are_finite_numbers.__name__: "score"}
CALL_NO_SCORE = (
    codes_are_consistent.__name__,
    maps_are_consistent.__name__,
    training_moves_every_parameter_and_lowers_the_loss.__name__,
)


def checks_for(subject: Subject) -> dict[str, Check]:
    """Return the checks that apply: more where a subject encodes, trains or localizes."""
    spec = subject.spec
    checks = dict(CHECKS)
    plain = not spec.head and spec.readout in (None, *spec.entry.readouts[:1])
    if spec.entry.encodes and plain:
        checks[codes_are_consistent.__name__] = codes_are_consistent
    if spec.pooling is not None:
        checks[maps_are_consistent.__name__] = maps_are_consistent
    if spec.entry.family == "deep" and plain and not spec.untrained and _trains(spec):
        check = training_moves_every_parameter_and_lowers_the_loss
        checks[check.__name__] = check
    return checks


def _trains(spec: Spec) -> bool:
    """Whether the training loop of this package trains the model."""
    from detectors.training.base import DeepDetector

    return issubclass(load_class(spec.entry.target), DeepDetector)


def _strided(x: Floats) -> Floats:
    return np.repeat(x, 2, axis=1)[:, ::2]


def _read_only(x: Floats) -> Floats:
    x = x.copy()
    x.flags.writeable = False
    return x


_LAYOUTS: dict[str, Callable[[Floats], NDArray[Any]]] = {
    "float32": lambda x: x.astype(np.float32),
    "integer": lambda x: x.astype(np.int64),
    "Fortran-ordered": np.asfortranarray,
    "strided": _strided,
    "read-only": _read_only,
}


def _expect(holds: bool | np.bool, message: str) -> None:
    if not holds:
        raise CheckFailed(message)


def _expect_equal(scores: Floats, expected: Floats, what: str) -> None:
    n_moved = int((scores != expected).sum())
    moved = float(np.abs(scores - expected).max())
    _expect(n_moved == 0, f"{what} gives {n_moved} different scores, by up to {moved:.2g}")


def _expect_close(values: Floats, expected: Floats, tolerance: float, what: str) -> None:
    moved = largest_move(values, expected, spread_of(expected))
    _expect(moved <= tolerance, f"{what} differ by {moved:.2g} of their spread")


def _expect_scores(scores: Floats, n: int) -> None:
    _expect(scores.shape == (n,), f"scores of {n} samples have shape {scores.shape}")
    _expect(scores.dtype == np.float64, f"scores are {scores.dtype}, not float64")
    n_bad = int((~np.isfinite(scores)).sum())
    _expect(n_bad == 0, f"{n_bad} of {n} scores are not finite")


def _expect_scores_or_unsupported(subject: Subject, x: Floats, z: Floats) -> None:
    try:
        scores = subject.make().fit(x).score(z)
    except Unsupported as reason:
        _expect(bool(str(reason)), "Unsupported was raised without a reason")
        return
    _expect_scores(scores, len(z))


def _expect_unsupported(method: Callable[[Floats], object], x: Floats, what: str) -> None:
    try:
        method(x)
    except Unsupported:
        return
    msg = f"{what} is accepted; raise Unsupported"
    raise CheckFailed(msg)


def _distance(
    together: Floats, rows: slice | NDArray[np.int64], score: Callable[[], Floats]
) -> float:
    """Return how far the scores of some rows move; infinitely if unsupported."""
    try:
        scores = score()
    except Unsupported:
        return float("inf")
    if not np.isfinite(scores).all():
        return float("inf")
    return largest_move(scores, together[rows], spread_of(together))


def _global_states() -> dict[str, Any]:
    """Return the states of the global random generators, comparable by `==`."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    states: dict[str, Any] = {"random": random.getstate(), "numpy": (kind, tuple(keys), *rest)}
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].get_rng_state().tolist()
    return states
