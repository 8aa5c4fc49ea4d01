"""Audits of data sets: what they find, and the verdict."""

from dataclasses import fields, replace
from statistics import NormalDist

import numpy as np
import pytest

import datasets
from bench.audit import kept
from bench.audit.measure import Measured, measure
from bench.audit.numbers import aurocs, with_labels
from bench.audit.verdict import SMALL, ceiling, findings, trivial, verdict
from bench.metrics.delong import Components
from bench.metrics.scored import auroc
from datasets import Card, DataSet
from datasets.record import About
from detectors import make


def data_set(x, y, kind="tabular", name="made/up"):
    about = {f.name: getattr(datasets.find("wine"), f.name) for f in fields(About)}
    card = Card(**about | {"name": name, "kind": kind}, sha256="0" * 64, from_files=True)
    return DataSet(card=card, x=x, y=y)


def measured(x, y, **kind):
    return measure(data_set(x, y, **kind), "one-class", "standard")


def texts(found):
    return " ".join(each.found for each in findings(found))


def blobs(n=400, m=100, d=6, shift=0.0, seed=0):
    """Normals correlated in pairs of features; anomalies break that, and are shifted."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(n + m, d // 2))
    x = np.hstack([base, base + 0.2 * rng.normal(size=base.shape)])
    x[n:, d // 2 :] = rng.normal(size=(m, d // 2)) + shift
    return x, np.repeat([0, 1], [n, m])


@pytest.fixture(scope="module", autouse=True)
def _one_seed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.audit.measure.SEEDS", range(1))
        yield


@pytest.fixture(scope="module")
def sound():
    return measured(*blobs())


def test_a_set_whose_anomalies_need_more_than_one_number_is_decisive(sound):
    assert verdict(sound) == "decisive"
    assert 0.8 < ceiling(sound)[1] < 0.99
    assert trivial(sound)[1] < 0.8
    assert sound.scores["random"] == pytest.approx(0.5, abs=0.1)


def test_brightness_that_separates_images_is_found_without_being_named():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [200, 80])
    light = np.where(y == 1, 0.42, 0.5) + 0.02 * rng.normal(size=len(y))
    textures = 0.25 * rng.random((len(y), 1, 32, 32)) * rng.choice([0.2, 2], (len(y), 1, 1, 1))
    x = (light[:, None, None, None] + textures - textures.mean((2, 3), keepdims=True)).astype("f4")
    found = measured(x, y, kind="image")
    assert verdict(found) == "confounded"
    assert trivial(found)[0] in ("brightness", "norm")
    assert found.numbers["brightness"][0] > 0.95 > found.scores["knn"]
    assert "labels choose it" in texts(found)


def test_copies_across_the_split_and_labels_that_contradict_each_other_are_found():
    x, y = blobs()
    x[:360], y[:1] = np.repeat(x[:60], 6, axis=0), 1
    found = measured(x, y)
    assert verdict(found) == "confounded"
    assert found.seen_normals > 0.8
    assert found.conflicts == 1
    assert "of the anomalies equal a training row" in texts(found)
    assert "1 distinct rows occur with both labels" in texts(found)
    assert "dedup=true" in " ".join(each.act for each in findings(found))


def test_near_copies_are_found_where_no_row_is_equal():
    x, y = blobs()
    x[200:400] = x[:200] + 1e-5
    found = measured(x, y)
    assert found.seen_normals == 0
    assert "nearly equal a training row" in texts(found)


def test_missing_values_that_mark_anomalies_are_a_number_of_their_own():
    x, y = blobs()
    x[np.flatnonzero(y)[:90], 0] = np.nan
    found = measured(x, y)
    assert found.numbers["missing values"][0] == pytest.approx(0.95, abs=0.02)
    assert verdict(found) == "confounded"


def test_a_set_that_a_baseline_solves_is_saturated_and_one_of_few_anomalies_too_small():
    assert verdict(measured(*blobs(shift=6))) == "saturated"
    few = measured(*blobs(m=8))
    assert few.resolved > SMALL
    assert verdict(few) == "too small"
    assert "8 anomalies and 200 normals resolve differences from" in texts(few)
    alone = measured(*blobs(m=1))
    assert alone.resolved is None
    assert verdict(alone) == "too small"


def test_the_rules_and_thresholds_alone_decide(sound):
    assert verdict(replace(sound, resolved=SMALL * 1.01)) == "too small"
    assert verdict(replace(sound, seen_normals=0.5)) == "confounded"
    assert verdict(replace(sound, scores=sound.scores | {"max-abs-z": 0.95})) == "confounded"
    assert verdict(replace(sound, scores=sound.scores | {"lof": 0.991})) == "saturated"


def test_the_choice_of_a_feature_by_labels_is_judged_on_other_rows():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [60, 20])
    noise = rng.normal(size=(80, 2000))
    assert np.abs(aurocs(y, noise) - 0.5).max() > 0.2
    assert with_labels(y, noise, noise, rng) == pytest.approx(0.5, abs=0.15)
    hidden = noise.copy()
    hidden[y == 1, 1234] -= 4
    assert with_labels(y, noise, hidden, rng) > 0.95


def test_columns_have_the_aurocs_of_the_metric():
    rng = np.random.default_rng(0)
    y, scores = rng.integers(0, 2, 50), rng.integers(0, 5, (50, 3)).astype(float)
    assert aurocs(y, scores) == pytest.approx([auroc(y, column) for column in scores.T])


def test_what_a_subsample_resolves_is_what_the_whole_test_set_would(monkeypatch):
    x, y = blobs(n=2000, m=600)
    whole = measured(x, y)
    monkeypatch.setattr("bench.audit.measure.MOST_ROWS", 500)
    part = measured(x, y)
    assert (whole.used_test, part.used_test, part.n_test) == (1600, 500, 1600)
    assert part.resolved == pytest.approx(whole.resolved, rel=0.25)


def test_the_resolved_difference_is_found_in_four_of_five_test_sets():
    """By simulation: two detectors that differ by it, tested by DeLong's error of each test set."""
    rng = np.random.default_rng(0)
    n, m = 300, 60
    y = np.repeat([0, 1], [n, m])

    def scores(skill):
        common = rng.normal(size=n + m)
        return [common + rng.normal(size=n + m) + y * each for each in skill]

    def error(pair):
        return np.sqrt(sum(Components.of(y, pair).variances())[0, 1])

    resolved = (1.96 + 0.8416) * np.mean([error(scores((1.5, 1.5))) for _ in range(20)])
    normal = NormalDist()
    better = 2 * normal.inv_cdf(normal.cdf(1.5 / 2) + resolved)  # scores have a variance of 2
    found = []
    for _ in range(300):
        pair = scores((1.5, better))
        first, second = aurocs(y, np.transpose(pair))
        found.append(second - first > 1.96 * error(pair))
    assert 0.72 < np.mean(found) < 0.9


def test_a_kept_audit_is_found_for_the_same_data_protocol_scaler_and_code_alone(
    sound, tmp_path, monkeypatch
):
    where = (sound.sha256, sound.protocol, sound.scaler)
    assert kept.find(tmp_path, *where) is None
    kept.keep(tmp_path, sound)
    assert verdict(kept.find(tmp_path, *where)) == "decisive"
    assert kept.find(tmp_path, "1" * 64, *where[1:]) is None
    assert kept.find(tmp_path, *where[:2], "robust") is None
    file = kept.path(tmp_path, *where)
    file.write_text("{")
    assert kept.find(tmp_path, *where) is None
    kept.keep(tmp_path, sound)
    monkeypatch.setattr(kept, "_code", lambda: "other")
    assert kept.find(tmp_path, *where) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ecg5000", "max-abs-z reaches 0.98"),
        ("adbench/skin", "of the anomalies equal a training row"),
        ("adbench/http", "of all rows equal an earlier one"),
        ("adbench/cardio", "mean-distance reaches 0.96"),
    ],
)
@pytest.mark.slow
def test_known_confounds_are_found_by_themselves(name, said):
    if not datasets.present(name):
        pytest.skip(f"{name} is not in the data folder")
    data = datasets.load(name)
    protocol = "official" if data.card.has_official_split else "one-class"
    found = measure(data, protocol, "standard")
    assert verdict(found) != "decisive"
    assert said in texts(found)


def test_detectors_are_given_no_labels(monkeypatch):
    given = []

    def spied(name, **settings):
        detector = make(name, **settings)
        fit = detector.fit
        detector.fit = lambda *args: (given.append(args), fit(*args))[1]
        return detector

    monkeypatch.setattr("bench.audit.measure.make", spied)
    assert isinstance(measured(*blobs()), Measured)
    assert {len(args) for args in given} == {1}
    assert {args[0].shape for args in given} == {(200, 6)}
