"""Every usable detector of PyOD gives PyOD's own scores, and its table says what it depends on."""

import ast
import contextlib
import importlib
import inspect
import io
import os
from pathlib import Path

import numpy as np
import pyod.models
import pytest
from sklearn.datasets import load_breast_cancer

from detectors import UnknownDetector, Unsupported, make
from detectors.conformance.checks import CHECKS, CheckFailed
from detectors.conformance.subject import Subject
from detectors.pyod.adapter import _one_draw
from detectors.pyod.table import PYOD, UNUSABLE, pyod_entry
from detectors.spec import parse
from detectors.streams import global_generators, integer_seed

SHORT = {"epochs": 2, "epoch_num": 2, "n_epochs": 2, "stop_epochs": 1, "epochs_query": 2}
SMALL = {"n_ensemble": 3, "n_neighbors": 5, "n_estimators": 9, "kernel_approx_features": 20}
PRINTING = {"MO_GAAL", "SO_GAAL"}  # an epoch a line, whatever their settings
SLOW = {"LOCI", "RGraph", "ROD", "SOD", "VAE"}  # compile for seconds, or solve a program a row

pytestmark = [
    # PyOD's own calls, which it is not for the adapter to hide.
    pytest.mark.filterwarnings("ignore::FutureWarning:sklearn"),
    pytest.mark.filterwarnings("ignore:'pin_memory' argument:UserWarning"),
    pytest.mark.filterwarnings("ignore:max_samples:UserWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

ENTRIES = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in PYOD]


def _original(name):
    return getattr(importlib.import_module(f"pyod.models.{PYOD[name].module}"), name)


def _settings(name):
    if name == "SOD":
        return {"n_neighbors": 11, "ref_set": 8}
    known = inspect.signature(_original(name)).parameters
    return {key: value for key, value in (SHORT | SMALL).items() if key in known}


@pytest.fixture(scope="module")
def cancer():
    """80 benign rows to train, 20 benign and 20 malignant to test, all with 6 features."""
    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(axis=0)) / x.std(axis=0))[:, :6]
    return x[y == 1][:80], np.concatenate([x[y == 1][80:100], x[y == 0][:20]])


@pytest.mark.parametrize("name", ENTRIES)
def test_scores_are_those_of_pyod_used_directly(cancer, name):
    train, test = (rows[:, :1] if name == "MAD" else rows for rows in cancer)
    settings = _settings(name)
    adapted = make(f"pyod:{name}", seed=3, **settings).fit(train)
    scores = adapted.score(test)

    cls = _original(name)
    known = inspect.signature(cls).parameters
    seeds = dict.fromkeys(("random_state", "random_seed"), integer_seed(3, "estimator"))
    given = {**seeds, "n_features": train.shape[1]}
    settings |= {key: value for key, value in given.items() if key in known}
    with contextlib.redirect_stdout(io.StringIO()):
        with global_generators(integer_seed(3, "fit")):
            direct = cls(**settings)
            direct.fit(train)
        same = _one_draw() if PYOD[name].draws_noise else contextlib.nullcontext()
        with global_generators(integer_seed(3, "score")), same:
            expected = direct.decision_function(test)
    assert np.array_equal(scores, np.asarray(expected, dtype=np.float64))
    assert np.isfinite(scores).all()
    assert len(np.unique(scores)) > 1


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize(
    "check",
    [
        "score_depends_on_companions_only_if_declared",
        "global_random_state_untouched",
        "same_seed_gives_same_scores",
        "refit_forgets_the_first_fit",
        "data_stay",
    ],
)
def test_the_adapter_keeps_the_contract(capsys, monkeypatch, name, check):
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    CHECKS[check](Subject(f"pyod:{name}", _settings(name), 1 if name == "MAD" else 5))
    printed, errors = capsys.readouterr()
    assert (bool(printed), errors) == (name in PRINTING, "")
    assert "PYTHONHASHSEED" not in os.environ


@pytest.mark.parametrize("name", [n for n in PYOD if n not in SLOW])
def test_a_fitted_adapter_pickles(name):
    subject = Subject(f"pyod:{name}", _settings(name), 1 if name == "MAD" else 5)
    if name == "MO_GAAL":  # its discriminator is a class inside a function
        with pytest.raises(CheckFailed, match="cannot be pickled"):
            CHECKS["pickles"](subject)
    else:
        CHECKS["pickles"](subject)


def test_the_table_has_every_detector_of_pyod():
    found = set()
    for path in Path(pyod.models.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            bases = [ast.unparse(base) for base in getattr(node, "bases", [])]
            if isinstance(node, ast.ClassDef) and set(bases) & {
                "BaseDetector",
                "BaseDeepLearningDetector",
            }:
                found.add(node.name)
    assert found - {"BaseDeepLearningDetector"} == set(PYOD) | set(UNUSABLE)
    assert not set(PYOD) & set(UNUSABLE)


def test_kde_is_refused_since_far_scores_are_wrong_by_hundreds_of_nats():
    from pyod.models.kde import KDE

    x = np.random.default_rng(0).normal(size=(500, 8))
    far = 12 * x[:50]
    exact = make("kde", bandwidth=1.0).fit(x).score(far)
    assert np.abs(KDE().fit(x).decision_function(far) - exact).max() > 100
    with pytest.raises(ValueError, match=r"pyod:KDE cannot be used: the tree .*; use kde, whose"):
        make("pyod:KDE")


def test_names_are_specs_with_their_family_and_dependence():
    assert parse("pyod:ECOD").transductive
    assert parse("pyod:VAE").family == "deep"
    assert str(parse("pyod:KNN")) == "pyod:KNN"


def test_the_table_says_which_classes_take_a_device():
    taking = {name for name in PYOD if "device" in inspect.signature(_original(name)).parameters}
    assert {name for name in PYOD if parse(f"pyod:{name}").entry.takes_device} == taking


@pytest.mark.parametrize("name", [n for n in PYOD if PYOD[n].family == "deep"])
def test_a_deep_detector_stays_on_the_cpu_where_there_is_a_gpu(cancer, monkeypatch, name):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)  # torch here cannot use one
    detector = make(f"pyod:{name}", **_settings(name)).fit(cancer[0])
    assert str(getattr(detector.estimator_, "device", "cpu")) == "cpu"
    assert np.isfinite(detector.score(cancer[1])).all()


@pytest.mark.parametrize(
    ("name", "setting", "network"),
    [("AutoEncoder", "epoch_num", "model"), ("DeepSVDD", "epochs", "model_")],
)
def test_a_deep_detector_trains(cancer, name, setting, network):
    """PyOD's DeepSVDD was released for years without the line that moves its weights."""

    def weights(epochs):
        estimator = make(f"pyod:{name}", **{setting: epochs}).fit(cancer[0]).estimator_
        return [each.detach().numpy() for each in getattr(estimator, network).parameters()]

    few, many = weights(1), weights(20)
    assert few
    assert all((one != other).any() for one, other in zip(few, many, strict=True))


def test_the_device_that_a_run_sets_reaches_the_class_and_is_no_setting():
    detector = make("pyod:VAE")
    detector.device = "cuda"
    assert detector._estimator(n_features=6).device == "cuda"
    with pytest.raises(ValueError, match="pyod:VAE has no setting 'device'"):
        make("pyod:VAE", device="cuda")


def test_an_unknown_class_answers_with_the_nearest():
    with pytest.raises(UnknownDetector, match=r"unknown detector 'pyod:IForrest'.* IForest"):
        pyod_entry("IForrest")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("XGBOD", "labels"), ("DOMINANT", "graph"), ("SUOD", "package suod"), ("LSTMAD", "series")],
)
def test_a_class_that_cannot_work_says_why(name, reason):
    with pytest.raises(ValueError, match=f"pyod:{name} cannot be used: .*{reason}"):
        make(f"pyod:{name}")


def test_an_unknown_setting_answers_with_the_nearest():
    with pytest.raises(ValueError, match=r"pyod:LOF has no setting 'neighbors'; .*n_neighbors"):
        make("pyod:LOF", neighbors=3)
    with pytest.raises(ValueError, match=r"pyod:IForest has no setting 'random_state'"):
        make("pyod:IForest", random_state=3)


def test_a_setting_that_the_constructor_refuses_is_named():
    with pytest.raises(ValueError, match=r"pyod:KNN does not accept .*contamination must be in"):
        make("pyod:KNN", contamination=3)
    with pytest.raises(ValueError, match="seed = -1 is not accepted: an integer >= 0"):
        make("pyod:KNN", seed=-1)


@pytest.mark.parametrize(
    ("spec", "n", "message"),
    [
        ("pyod:AutoEncoder", 31, "32 needs at least 32 training samples, there are 31"),
        ("pyod:VAE", 31, "batch_size = 32 needs at least 32"),
        ("pyod:KNN", 5, "n_neighbors = 5 needs at least 6 training samples"),
        ("pyod:ABOD", 5, "n_neighbors = 5 needs at least 6"),
        ("pyod:LOF", 20, "n_neighbors = 20 needs at least 21"),
        ("pyod:LUNAR", 5, "n_neighbours = 5 needs at least 6"),
        ("pyod:Sampling", 19, "subset_size = 20 needs at least 20"),
        ("pyod:CBLOF", 7, "n_clusters = 8 needs at least 8"),
        ("pyod:AE1SVM", 65, "fails on a last batch of one row; change batch_size"),
        ("pyod:MAD", 40, "MAD takes a single feature, there are 6"),
    ],
)
def test_rows_or_features_that_pyod_stumbles_on_are_unsupported(cancer, spec, n, message):
    with pytest.raises(Unsupported, match=message):
        make(spec).fit(cancer[0][:n])


def test_cd_takes_two_features():
    with pytest.raises(Unsupported, match="CD takes 2 or more features, there are 1"):
        make("pyod:CD").fit(np.arange(9.0)[:, None])


def test_a_detector_of_the_batch_alone_wants_enough_test_rows(cancer):
    detector = make("pyod:COF", n_neighbors=5).fit(cancer[0])
    with pytest.raises(Unsupported, match="COF with n_neighbors = 5 needs at least 6"):
        detector.score(cancer[1][:5])


def test_a_lone_last_row_is_scored(cancer):
    detector = make("pyod:AE1SVM", epochs=1, batch_size=32).fit(cancer[0])
    assert np.array_equal(detector.score(cancer[1][:33])[:32], detector.score(cancer[1][:32]))
