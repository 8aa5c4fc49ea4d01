"""Models: calibration at the promised rate, by one held-out part or by folds."""

import numpy as np
import pytest

import datasets
from bench.deploy.explain import ERRORS, OCCLUSION, explain
from bench.deploy.model import fit
from bench.stats.conformal import false_alarm_band, normals_needed
from datasets.formats.schema import Known
from datasets.samples import Samples, Schema, read
from detectors import names
from detectors.spec import parse
from tests.bench.deploy.test_saving import NEEDS_WEIGHTS
from tests.helpers.quick import QUICK


def vectors(x, y=None):
    columns = tuple(Known(f"c{j}", "number") for j in range(x.shape[1]))
    return Samples(x, y, Schema("made up", x.shape[1:], columns), [])


def normals(n, d=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_anomalies_that_are_labelled_neither_train_nor_calibrate():
    x = np.concatenate([normals(100), normals(20, seed=1) + 50])
    y = np.repeat([0, 1], [100, 20])
    model, without = (
        fit("mean-distance", samples, folds=1) for samples in (vectors(x, y), vectors(x[:100]))
    )
    np.testing.assert_array_equal(model.score(x), without.score(x))
    assert (model.n_trained, model.n_held) == (80, 20)
    assert model.alarms(model.score(x)[1])[100:].all()


def test_normals_are_held_out_once_each_where_they_are_few():
    few, many = (fit("mean-distance", vectors(normals(n))) for n in (999, 1000))
    assert (len(few.parts), few.n_held, few.threshold) == (5, 999, None)
    assert (len(many.parts), many.n_held) == (1, 200)
    assert many.threshold == np.sort(many.parts[0].held)[-10]


def test_what_trains_does_not_calibrate_and_the_reverse():
    x = normals(100)
    model = fit("knn", vectors(x), settings={"n_neighbors": 1}, folds=5)
    assert all((part.held > 0).all() for part in model.parts)  # a training sample has distance 0
    assert all(part.scaler.steps[-1].n_samples_seen_ == 80 for part in model.parts)


@pytest.mark.parametrize(
    ("n", "arguments", "reason"),
    [
        (94, {"folds": 1}, "0.05 needs 19 held-out normals, there are 18"),
        (18, {}, "0.05 needs 19 held-out normals, there are 18"),
        (98, {"alarm_rate": 0.01}, "0.01 needs 99 held-out normals, there are 98"),
        (98, {"scaler": "standrad"}, "unknown scaler"),
    ],
)
def test_what_cannot_be_fitted_is_refused_before_a_fit(n, arguments, reason):
    with pytest.raises(ValueError, match=reason):
        fit("mean-distance", vectors(normals(n)), note=pytest.fail, **arguments)


def test_another_alarm_rate_needs_no_other_fit():
    model = fit("mean-distance", vectors(normals(200)), folds=1)
    p = model.score(normals(5000, seed=1))[1]
    rates = [model.alarms(p, rate).mean() for rate in (0.05, 0.1, 0.5)]
    assert rates == sorted(rates)
    with pytest.raises(ValueError, match="needs 99"):
        model.alarms(p, 0.01)


@pytest.mark.parametrize("folds", [1, 5])
@pytest.mark.parametrize("spec", ["knn", "iforest", "gmm"])
def test_unseen_normals_alarm_at_the_rate(spec, folds):
    model = fit(spec, vectors(normals(400)), folds=folds)
    for rate in (0.05, 0.1, 0.3):
        alarms = model.alarms(model.score(normals(1000, seed=1))[1], rate)
        low, high = false_alarm_band(model.n_held, 1000, rate, level=0.999)
        assert low <= alarms.mean() <= high


SETS = (
    *("breast-cancer", "wine", "digits/0", "digits/3", "digits/8"),
    *("adbench/cardio", "adbench/pendigits", "adbench/satellite", "adbench/thyroid"),
    *("adbench/letter", "adbench/mammography"),
)


def rates_of(spec):
    """Yield set, rate, share of alarms among new normals and its band, of each set at each rate."""
    for name in filter(datasets.present, SETS):
        data = datasets.load(name)
        order = np.random.default_rng(0).permutation(np.flatnonzero(data.y == 0))[:4000]
        half = len(order) // 2
        settings = {"epochs": 30} if spec == "ae" else {}
        model = fit(spec, vectors(data.x[order[:half]]), settings=settings)
        p = model.score(data.x[order[half:]])[1]
        for rate in (0.01, 0.05, 0.1):
            if model.n_held >= normals_needed(rate):
                band = false_alarm_band(model.n_held, len(p), rate)
                yield name, rate, model.alarms(p, rate).mean(), band


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["knn", "iforest", "ae", "pca"])
def test_false_alarm_rates_are_within_their_bands(spec):
    judged = list(rates_of(spec))
    outside = [each for each in judged if not each[3][0] <= each[2] <= each[3][1]]
    assert len(judged) >= 11
    assert len(outside) <= max(2, 0.1 * len(judged)), outside  # of bands of 95 %


SPOILED = 2
SHALLOW = ("ae", *(name for name in names() if parse(name).family != "deep"))
NOT_FIRST = {
    "oc-nn": "its features saturate, so that a far column does not stand out",
    "oc-nn-pretrained": "its features saturate, so that a far column does not stand out",
    "pca-residual-map": "takes images alone",
    "mean-embedding": "takes groups alone",
    "mmd": "takes groups alone",
    "ocsmm": "takes groups alone",
    "random": "a score of draws alone",
    "vae-bernoulli": "the cross-entropy of values within (0, 1) is large in usual columns, too",
    "row-index": "refused: its score depends on the other rows",
    "fcdd": "takes images alone",
    "ssim-ae": "takes images alone",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(name, marks=[] if name in SHALLOW else pytest.mark.slow)
        for name in names()
        if name not in NOT_FIRST and name not in NEEDS_WEIGHTS
    ],
)
def test_the_spoiled_column_is_ranked_first(spec):
    rng = np.random.default_rng(1)
    mixed = rng.normal(size=(4, 6))
    x = rng.normal(size=(240, 4)) @ mixed + 0.3 * rng.normal(size=(240, 6))
    new = rng.normal(size=(8, 4)) @ mixed
    new[:, SPOILED] = np.median(x[:, SPOILED]) + 8 * x[:, SPOILED].std()
    settings = {"epochs": 20} if parse(spec).entry.takes_epochs else {}
    settings |= QUICK.get(spec, {})
    model = fit(spec, vectors(x), folds=1, settings=settings)
    shares, means = explain(model, new)
    assert (shares.argmax(axis=1) == SPOILED).mean() > 0.6
    assert means in (ERRORS, OCCLUSION)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("spec", ["pca", "knn", "mean-distance", "ae"])
def test_the_spoiled_patch_is_ranked_first(spec):
    rng = np.random.default_rng(0)
    x = rng.integers(90, 110, (60, 1, 32, 32)).astype(np.uint8)
    new = x[:3].copy()
    new[:, :, 8:12, 20:24] = 250
    settings = {"epochs": 3} if spec == "ae" else {}
    model = fit(spec, Samples(x, None, Schema("made up", (1, 32, 32)), []), alarm_rate=0.2,
                folds=1, settings=settings)  # fmt: skip
    maps, _ = explain(model, new)
    assert maps.shape == (3, 32, 32)
    assert all(each[8:12, 20:24].sum() > 0.5 * np.maximum(each, 0).sum() for each in maps)


def test_the_columns_of_a_text_and_of_a_date_are_one_column(tmp_path):
    rng, n = np.random.default_rng(0), 120
    lines = ["city,amount,day"] + [
        f"{rng.choice(['Rome', 'Oslo'])},{rng.normal():.3f},2024-01-{rng.integers(1, 28):02}"
        for _ in range(n)
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines))
    samples = read(f"file:{path}?categorical=city&dates=calendar")
    model = fit("mean-distance", samples, folds=1)
    new = samples.x[:3].copy()
    new[:, 2:] += [[10, 0, 0, 0, 3e8]]  # the year, and the seconds
    shares, means = explain(model, new)
    assert shares.shape == (3, 3)
    assert (shares.argmax(axis=1) == 2).all()
    assert means == ERRORS
