"""The contract holds for every registered detector, read-out, head and untrained model."""

import random
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pytest

from detectors import make, names
from detectors.conformance.checks import CHECKS, CheckFailed, checks_for
from detectors.conformance.subject import Subject
from detectors.contract import Detector, Floats
from detectors.factory import load_class
from detectors.networks.posteriors.families import FAMILIES
from detectors.registry import TABLE, find
from detectors.spec import Spec
from tests.helpers.quick import QUICK

FEW = (
    {"iforest": {"n_estimators": 20}}
    | {name: {"epochs": 4} for name in TABLE if find(name).takes_epochs}
    | {name: {"epochs": 4, **settings} for name, settings in QUICK.items()}
    | {name: {"pretrained": False} for name in TABLE if ".features." in find(name).target}
    | {"dte-c": {"epochs": 9, "hidden": (64, 64), "learning_rate": 0.01}}
)
# Each further read-out once, of names that share their class or its table of read-outs.
READERS = {load_class(find(name).target): name for name in TABLE if not find(name).preset}
OF_TABLES = {id(cls.readouts): cls for cls in sorted(READERS, key=lambda c: -len(c.__mro__))}
READOUTS = [
    f"{READERS[cls]}:{readout}"
    for cls in OF_TABLES.values()
    for readout in find(READERS[cls]).readouts[1:]
]
HEADS = ["ae+lof", "ae+ocsvm", "ae+kmeans", "ae+knn", "vae+lof"]
UNTRAINED = ["untrained-ae", "untrained-vae", "untrained-vae:elbo", "untrained-ae+lof"]
SUBJECTS = [
    *(Subject(text, FEW.get(text, {})) for text in names()),
    *(Subject(text, FEW[text.partition(":")[0]]) for text in READOUTS),
    *(Subject(text, FEW[text.partition("+")[0]]) for text in HEADS),
    Subject("ae+deep-svdd", {"epochs": 4, "head": {"epochs": 4}}),
    *(Subject(text) for text in UNTRAINED),
    *(Subject("vae", {"epochs": 4, "posterior": name}) for name in FAMILIES if name != "diagonal"),
]
EXTRAPOLATES = "the discriminator met no codes this far from the prior and from its game's"
EXCUSES = {
    "oc-nn": {"far_samples_score_higher": "its outputs saturate, and rise on one side of the data"},
    "aae:discriminator": {"far_samples_score_higher": EXTRAPOLATES},
    "wae-gan:discriminator": {"far_samples_score_higher": EXTRAPOLATES},
    "vq-vae:code-likelihood": {
        "far_samples_score_higher": "a far sample takes entries that typical samples take too"
    },
    "ladder-vae:kl-bottom": {
        "far_samples_score_higher": "the prior given far codes may outweigh the sample"
    },
    "random": {"far_samples_score_higher": "it looks at nothing"},
}


def _cases():
    for subject in SUBJECTS:
        for name, check in checks_for(subject).items():
            reason = EXCUSES.get(subject.text, {}).get(name)
            excuse = pytest.mark.xfail(reason=reason, strict=True, raises=CheckFailed)
            marks = [excuse] if reason else []
            marks += [pytest.mark.slow] if ".features." in subject.spec.entry.target else []
            posterior = subject.settings.get("posterior", "")
            marks += [pytest.mark.slow] if posterior else []
            label = ":".join(filter(None, (subject.text, posterior, name)))
            yield pytest.param(subject, check, id=label, marks=marks)


@pytest.mark.parametrize(("subject", "check"), [*_cases()])
def test_the_contract_holds(subject, check):
    check(subject)


def test_every_excuse_is_for_a_subject_and_a_check():
    texts = {subject.text for subject in SUBJECTS}
    checks = set(chain.from_iterable(checks_for(subject) for subject in SUBJECTS))
    assert set(EXCUSES) <= texts
    assert set(chain.from_iterable(EXCUSES.values())) <= checks


OF_ROWS = [
    name
    for name in names()
    if (entry := find(name)).family == "shallow" and not (entry.takes_groups or entry.images_only)
]


@pytest.mark.parametrize("name", OF_ROWS)
def test_a_shallow_detector_takes_images_as_their_pixels(name):
    images = np.random.default_rng(0).normal(size=(90, 1, 2, 3)).astype(np.float32)
    flat = images.reshape(90, 6)
    of_images = make(name).fit(images).score(images[:9])
    assert np.array_equal(of_images, make(name).fit(flat).score(flat[:9]))


def test_score_before_fit_says_so():
    with pytest.raises(ValueError, match="KNN is not fitted; call fit"):
        make("knn").score(np.zeros((3, 2)))


def test_an_unknown_readout_of_a_fitted_detector_says_which_there_are():
    with pytest.raises(ValueError, match="unknown read-out 'elbo'; KNN has no named read-outs"):
        make("knn", n_neighbors=1).fit(np.eye(3)).score(np.eye(3), "elbo")


@dataclass(kw_only=True)
class Broken(Detector):
    """Distance to the mean, with the fault that the check of that name must find."""

    fault: str

    def fit(self, x):
        if self.fault == "layout_and_dtype_do_not_matter" and np.asarray(x).dtype == np.float32:
            x = x + 1
        if self.fault == "not_finite_input_is_unsupported":
            x = np.nan_to_num(x)
        super().fit(x)
        return None if self.fault == "fit_returns_self" else self

    def score(self, x, readout=None):
        if self.fault == "another_width_is_unsupported":
            x = x[:, : len(self.mean_)]
        return super().score(x, readout)

    def _fit(self, x: Floats) -> None:
        match self.fault:
            case "global_random_state_untouched":
                random.random()
            case "settings_stay":
                self.seed += 1
            case "data_stay":
                x += 1
            case "pickles":
                self.unpicklable_ = lambda: 0
        if self.fault != "refit_forgets_the_first_fit" or not hasattr(self, "mean_"):
            self.mean_ = x.mean(axis=0)

    def _score(self, x: Floats, readout: str) -> Floats:
        distances = np.linalg.norm(x - self.mean_, axis=1)
        match self.fault:
            case "scores_are_finite_numbers":
                return distances / (distances == distances.min())
            case "far_samples_score_higher":
                return -distances
            case "same_seed_gives_same_scores":
                return distances + random.random()
            case "score_depends_on_companions_only_if_declared":
                return distances - distances.mean()
        return distances


class BrokenSubject(Subject):
    """A subject whose detector has the fault that is its name."""

    def make(self, **settings):
        return Broken(fault=self.text)

    @property
    def spec(self):
        return Subject("mean-distance").spec


FAULTS = {
    "fit_returns_self": "fit does not return self",
    "settings_stay": "settings were .* and became",
    "data_stay": "changes its input in place",
    "scores_are_finite_numbers": "23 of 24 scores are not finite",
    "far_samples_score_higher": "is the sign right",
    "same_seed_gives_same_scores": "a second score gives 24 different scores",
    "global_random_state_untouched": "fit or score changes the global generator of .*; draw from",
    "refit_forgets_the_first_fit": "fitted before on other samples gives 24 different scores",
    "score_depends_on_companions_only_if_declared": "scores alone differ by .*; declare",
    "pickles": "cannot be pickled",
    "layout_and_dtype_do_not_matter": "float32 input gives 24 different scores",
    "not_finite_input_is_unsupported": "fit with nan is accepted",
    "another_width_is_unsupported": "score with another width is accepted",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_check_finds_the_fault_it_is_named_after(fault):
    with pytest.raises(CheckFailed, match=FAULTS[fault]):
        CHECKS[fault](BrokenSubject(fault))


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_detector_without_fault_passes(check):
    check(BrokenSubject("no fault"))


def test_a_declared_dependence_that_is_none_is_found(monkeypatch):
    monkeypatch.setattr(Spec, "transductive", True)
    with pytest.raises(CheckFailed, match="is declared transductive, but is not"):
        CHECKS["score_depends_on_companions_only_if_declared"](Subject("knn"))


COMPANIONS = "tests/helpers/companions.py"


@pytest.mark.fault(
    area="detectors and their processes",
    kind="a scale that is taken from the first rows that are scored",
    how="a detector that keeps the scale of the first call of `score`",
    promise="the check of the contract finds that its scores depend on the other test rows",
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_a_scale_of_the_first_rows_that_are_scored_is_found():
    with pytest.raises(CheckFailed, match="declare `transductive = True`"):
        CHECKS["score_depends_on_companions_only_if_declared"](Subject(f"{COMPANIONS}:Lazy"))


def test_rounding_errors_of_float32_are_no_dependence_on_companions():
    network = Subject(f"{COMPANIONS}:Network")
    assert network.spec.entry.family == "shallow"  # its author has not set it
    CHECKS["score_depends_on_companions_only_if_declared"](network)
