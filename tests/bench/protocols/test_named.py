"""Protocols: what trains, what tests, in which order, and on what that depends."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plan.planning import wanted_rows
from bench.plan.suite import Suite
from bench.protocols.named import PROTOCOLS, NotApplicable, Split, find, parse, split
from bench.run.prepare import Unit, prepare
from datasets import Card, DataSet, OfficialSplit, content_sha256, load, names

EMBEDDED = [name for name in names() if name in ("wine", "breast-cancer", "digits/3", "digits/8")]
seeds = st.integers(0, 2**31 - 1)


def data_of(labels, official=None, cap=None, offset=0.0, values=None, bags=None) -> DataSet:
    """Return a data set of these labels; sample i is the number i, or values[i], + offset."""
    y = np.asarray(labels, dtype=np.int8)
    x = np.asarray(range(len(y)) if values is None else values, dtype=np.float64)[:, None] + offset
    chosen = OfficialSplit(*map(np.asarray, official)) if official else None
    card = Card(
        name="made",
        kind="tabular",
        family="made",
        source="made",
        licence="none",
        citation="none",
        sha256=content_sha256(x, y, chosen, bags=bags),
        n=len(y),
        shape=(1,),
        n_anomalies=int(y.sum()),
        duplicates=0,
        synthetic=True,
        max_test_anomaly_rate=cap,
        has_official_split=official is not None,
    )
    return DataSet(card, x, y, chosen, bags=bags)


@st.composite
def label_lists(draw, least_normals=2):
    n_normals = draw(st.integers(least_normals, 60))
    n_anomalies = draw(st.integers(1, 60))
    return draw(st.permutations([0] * n_normals + [1] * n_anomalies))


@given(label_lists(), seeds)
def test_one_class_trains_on_half_of_the_normals_and_tests_on_all_else(labels, seed):
    data = data_of(labels)
    got = split("one-class", data, seed)
    n_normals = int((data.y == 0).sum())
    assert len(got.train) == n_normals // 2
    assert not data.y[got.train].any()
    assert sorted([*got.train, *got.test]) == list(range(len(labels)))
    assert (np.diff(got.test) > 0).all()


@given(label_lists(), seeds, st.sampled_from([0.02, 0.1, 0.3]))
def test_a_cap_limits_the_anomalies_in_the_test_set(labels, seed, cap):
    data = data_of(labels, cap=cap)
    got = split("one-class", data, seed)
    n_test_normals = int((data.y[got.test] == 0).sum())
    n_anomalies = int(data.y[got.test].sum())
    assert n_anomalies == 1 or n_anomalies / len(got.test) <= cap
    fits_one_more = (n_anomalies + 1) / (n_test_normals + n_anomalies + 1) <= cap - 1e-12
    assert n_anomalies == data.y.sum() or not fits_one_more


@given(label_lists(), seeds)
def test_the_split_depends_on_the_seed_and_nothing_else(labels, seed):
    first = split("one-class", data_of(labels), seed)
    np.random.default_rng(seed).random(3)
    second = split("one-class", data_of(labels, offset=1e6), seed)
    for one, other in zip(vars(first).values(), vars(second).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_seeds_differ_in_training_rows_and_in_order():
    data = load("wine")
    splits = [split("one-class", data, seed) for seed in range(5)]
    assert len({tuple(sorted(s.train)) for s in splits}) == 5
    assert len({tuple(s.order) for s in splits}) == 5


@given(label_lists(), seeds)
def test_scores_are_put_back_in_the_order_of_the_test_rows(labels, seed):
    data = data_of(labels)
    got = split("one-class", data, seed)
    assert sorted(got.order) == list(range(len(got.test)))
    handed_over = data.x[got.test[got.order], 0]
    np.testing.assert_array_equal(got.put_back(handed_over), got.test)


def test_the_test_order_has_a_stream_of_its_own():
    data = data_of([0] * 200 + [1])
    capped = data_of([0] * 200 + [1] * 5, cap=0.01)
    one, other = split("one-class", data, 3), split("one-class", capped, 3)
    assert len(one.test) == len(other.test)
    np.testing.assert_array_equal(one.order, other.order)


def test_the_first_rows_handed_over_are_as_often_anomalies_as_any():
    data = data_of([0] * 100 + [1] * 50)
    shares = []
    for seed in range(200):
        got = split("one-class", data, seed)
        shares.append(data.y[got.test[got.order]][:20].mean())
    assert abs(np.mean(shares) - 0.5) < 0.04


@pytest.mark.parametrize("name", EMBEDDED)
def test_no_anomaly_trains_and_nothing_trains_and_tests_on_real_data(name):
    data = load(name)
    got = split("one-class", data, 0)
    assert not data.y[got.train].any()
    assert not set(got.train) & set(got.test)
    if name.startswith("digits"):
        assert 0.08 < data.y[got.test].mean() <= 0.1


def test_the_official_split_is_used_in_an_order_of_the_seed():
    data = data_of([0, 0, 1, 0, 1, 0, 0], official=([0, 1, 3, 6], [2, 5]))
    orders = set()
    for seed in range(20):
        got = split("official", data, seed)
        assert sorted(got.train) == [0, 1, 3, 6]
        assert got.test.tolist() == [2, 5]
        orders.add(tuple(got.train))
    assert len(orders) > 5


def test_a_protocol_that_does_not_fit_says_why():
    with pytest.raises(NotApplicable, match="made has no official split; use the protocol one-c"):
        split("official", data_of([0, 0, 1]), 0)
    with pytest.raises(NotApplicable, match="made has 1 normal rows; one-class needs at least two"):
        split("one-class", data_of([0, 1]), 0)


def test_transductive_trains_and_tests_on_every_row():
    got = split("transductive", data_of([0, 1, 0, 0]), 1)
    assert sorted(got.train) == got.test.tolist() == [0, 1, 2, 3]


def test_an_unknown_protocol_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown protocol 'one_class'; did you mean one-class\?"):
        find("one_class")
    assert all(PROTOCOLS[name] is find(name) for name in PROTOCOLS)


def test_put_back_inverts_an_order_that_is_not_its_own_inverse():
    none = np.arange(0)
    got = Split(none, np.array([10, 20, 30]), np.array([2, 0, 1]), none)
    assert got.put_back(np.array([30.0, 10.0, 20.0])).tolist() == [10.0, 20.0, 30.0]


@st.composite
def data_sets(draw):
    """Data sets of any labels, with equal rows, groups, and now and then a cap, or a split."""
    labels = np.array(draw(label_lists()))
    n = len(labels)
    rng = np.random.default_rng(draw(seeds))
    official = None
    if draw(st.booleans()):
        rows = rng.permutation(n)
        official = (rows[: n // 2], rows[n // 2 :]) if n > 2 else None
    return data_of(
        labels,
        official,
        cap=draw(st.sampled_from([None, 0.1, 0.4])),
        values=rng.integers(0, draw(st.sampled_from([3, n, 100 * n])), n),
        bags=rng.integers(0, draw(st.integers(2, n)), n),
    )


def changed(data: DataSet, rows, value: float) -> DataSet:
    """Return the data set with other values in some rows."""
    values = data.x[:, 0].copy()
    values[rows] = value
    official = (data.split.train, data.split.test) if data.split else None
    cap = data.card.max_test_anomaly_rate
    return data_of(data.y, official, cap, values=values, bags=data.bags)


def own_parameters(name):
    if find(name).paper or find(name).scores_groups:
        return st.just({})
    shares = st.one_of(st.floats(0, 0.6), st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.2]))
    chosen = {
        "calibration": st.sampled_from([0, 0.2, 0.5, 0.9] if find(name).overlap == "none" else [0]),
        "contamination": shares,
        "dedup": st.booleans(),
        "max_train": st.integers(1, 80),
    }
    return st.fixed_dictionaries({}, optional=chosen)


named = st.sampled_from(sorted(PROTOCOLS)).flatmap(
    lambda name: own_parameters(name).map(lambda told: str(parse({"name": name, **told})))
)


def split_or_refused(text, data, seed):
    """Return a split, or the reason why there is none."""
    try:
        return split(text, data, seed)
    except NotApplicable as error:
        return str(error)


@settings(max_examples=400)
@given(named, data_sets(), seeds)
def test_every_protocol_keeps_what_it_says_of_itself(text, data, seed):
    protocol, told = find(text), parse(text).parameters
    got = split_or_refused(text, data, seed)
    if isinstance(got, str):
        assert data.card.name in got
        return
    n = len(data.y)
    for part in (got.train, got.test):
        assert len(part)
        assert part.min() >= 0
        assert part.max() < n
    assert protocol.paper or (np.diff(got.test) > 0).all()
    assert sorted(got.order) == list(range(len(got.scored)))
    assert len(got.held) >= 19 if told.get("calibration") else not len(got.held)
    assert not set(got.held) & {*got.train, *got.test}
    fitted_or_held = np.concatenate([got.train, got.held])
    assert 0 < data.y[got.test].sum() < len(got.test)

    if not protocol.trains_on_anomalies and "contamination" not in told:
        assert not data.y[got.train].any()
    if protocol.overlap == "none":
        assert not set(got.train) & set(got.test)
    if protocol.overlap == "whole":
        assert sorted(got.train) == got.test.tolist()
    if not protocol.paper:
        assert len(set(got.train)) == len(got.train)
        assert len(set(got.test)) == len(got.test)
    if protocol.whole_groups:
        parts = [set(data.bags[part]) for part in (got.train, got.test, got.held)]
        assert sum(map(len, parts)) == len(set.union(*parts))

    assert len(fitted_or_held) <= told.get("max_train", np.inf)
    if "contamination" in told:
        n_exact = told["contamination"] * len(fitted_or_held)
        assert abs(data.y[fitted_or_held].sum() - n_exact) <= 0.5 + 1e-9
    if told.get("dedup"):
        used = data.x[np.union1d(fitted_or_held, got.test), 0]
        assert len(np.unique(used)) == len(used)


@settings(max_examples=200)
@given(named, data_sets(), seeds)
def test_splits_of_all_protocols_depend_on_the_seed_and_nothing_else(text, data, seed):
    first = split_or_refused(text, data, seed)
    np.random.default_rng(seed).random(3)
    legacy = np.random.get_state()[1].tolist()  # noqa: NPY002
    second = split_or_refused(text, changed(data, slice(None), data.x[:, 0] * 3 + 1), seed)
    assert np.random.get_state()[1].tolist() == legacy  # noqa: NPY002
    if isinstance(first, str):
        assert second == first
        return
    for one, other in zip(vars(first).values(), vars(second).values(), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=200)
@given(named.filter(lambda text: "dedup" not in text), data_sets(), seeds)
def test_the_scaler_never_sees_a_test_row_unless_the_protocol_says_so(text, data, seed):
    got = split_or_refused(text, data, seed)
    if isinstance(got, str):
        return
    unseen = np.setdiff1d(got.test, got.train)
    other = changed(data, unseen, 1e4)
    suite = Suite(name="s", title="s", detectors=["knn"], datasets=["wine"], protocol=text)
    (wanted, *_) = wanted_rows(suite.model_copy(update={"seeds": (seed,)}), "cpu")
    one, two = (prepare(each, [wanted]) for each in (data, other))
    assert isinstance(one, Unit)
    assert isinstance(two, Unit)
    if find(text).scales_on_test and len(unseen):
        assert not np.array_equal(one.x_train, two.x_train)
    else:
        np.testing.assert_array_equal(one.x_train, two.x_train)


def test_most_splits_of_the_properties_above_are_not_refused():
    data = data_of([0] * 40 + [1] * 20, ([*range(20), 40], [*range(20, 40), 41]), bags=ROWS // 2)
    for name in PROTOCOLS:
        assert isinstance(split_or_refused(name, data, 0), Split), name
        if not (find(name).paper or find(name).scores_groups):
            text = f"{name}(contamination=0.1, dedup=true, max_train=10)"
            assert isinstance(split_or_refused(text, data, 0), Split), name


ROWS = np.arange(60)


def test_the_default_split_is_the_one_that_first_results_were_made_with():
    digest = hashlib.sha256()
    for cap in (None, 0.1):
        for seed in range(5):
            got = split("one-class", data_of([0] * 50 + [1] * 20, cap=cap), seed)
            for part in (got.train, got.test, got.order):
                digest.update(part.astype("<i8").tobytes())
    assert digest.hexdigest() == "f80eed9f4f1f8d9d16361c031649fe92c58383d3b30147deb9a45a1f6615a40e"


def test_contamination_keeps_the_normal_rows_and_takes_more_as_the_share_grows():
    data = data_of([0] * 200 + [1] * 60)
    before = split("one-class", data, 4)
    taken: set[int] = set()
    for share, n_taken in ((0.01, 1), (0.05, 5), (0.1, 11), (0.2, 25)):
        got = split(f"one-class(contamination={share})", data, 4)
        assert set(got.train[data.y[got.train] == 0]) == set(before.train)
        drawn = set(got.train[data.y[got.train] == 1])
        assert len(drawn) == n_taken
        assert taken < drawn
        assert set(got.test) == set(before.test) - drawn
        assert set(got.train[: len(got.train) // 2]) & drawn or n_taken < 5  # mixed, not appended
        taken = drawn


def test_anomalies_that_are_not_tested_train_before_those_that_are():
    official = ([*range(20), 40, 41, 42], [*range(20, 40), 43, 44])
    data = data_of([0] * 40 + [1] * 5, official)
    for seed in range(5):
        got = split("official(contamination=0.1)", data, seed)
        assert set(got.train) < set(range(20)) | {40, 41, 42}
        assert got.test.tolist() == official[1]


def test_too_few_anomalies_for_a_share_are_refused_with_what_to_change():
    data = data_of([0] * 100 + [1] * 12)
    with pytest.raises(NotApplicable, match="needs 21 anomalies for 50 normal rows, and made has"):
        split("one-class(contamination=0.3)", data, 0)
    with pytest.raises(NotApplicable, match=r"62 training rows.* 50 normal and 0 anomalous"):
        split("one-class(contamination=0.2)", data_of([0] * 100 + [1] * 12), 0)
    small = split("one-class(contamination=0.3, max_train=20)", data, 0)
    assert (len(small.train), data.y[small.train].sum()) == (20, 6)


def test_fewer_training_rows_are_some_of_more():
    data = data_of([0] * 100 + [1] * 12)
    whole, some, few = (split(f"one-class(max_train={n})", data, 2).train for n in (50, 30, 10))
    assert set(few) < set(some) < set(whole)
    np.testing.assert_array_equal(whole, split("one-class", data, 2).train)


def test_calibration_takes_its_share_of_the_training_rows_and_changes_nothing_else():
    data = data_of([0] * 100 + [1] * 20)
    whole, part = split("one-class", data, 0), split("one-class(calibration=0.4)", data, 0)
    assert (len(part.train), len(part.held)) == (30, 20)
    assert [*part.train, *part.held] == whole.train.tolist()
    assert part.test.tolist() == whole.test.tolist()
    assert part.truth(data.y)[-21:].tolist() == [1] + [-1] * 20


def test_too_few_rows_to_calibrate_are_not_held_out():
    why = "holds out 10 of 50 .* needs 19: give a larger calibration"
    with pytest.raises(NotApplicable, match=why):
        split("one-class(calibration=0.2)", data_of([0] * 100 + [1] * 20), 0)


def test_of_equal_rows_one_stays_and_none_where_labels_differ():
    values = [1, 1, 2, 3, 3, 4, 4, 5, 6, 7]
    labels = [0, 0, 0, 0, 1, 1, 1, 0, 0, 1]
    got = split("one-class(dedup=true)", data_of(labels, values=values), 0)
    assert sorted([*got.train, *got.test]) == [0, 2, 5, 7, 8, 9]


def test_a_test_row_that_equals_an_official_training_row_leaves_the_test():
    data = data_of([0, 0, 0, 0, 1], ([2, 3], [0, 1, 4]), values=[7, 8, 7, 9, 1])
    got = split("official(dedup=true)", data, 0)
    assert (sorted(got.train), got.test.tolist()) == ([2, 3], [1, 4])


def test_stratified_trains_on_seventy_percent_of_each_class():
    data = data_of([0] * 100 + [1] * 20)
    got = split("stratified-70-30", data, 0)
    assert (len(got.train), data.y[got.train].sum()) == (84, 14)
    assert sorted([*got.train, *got.test]) == list(range(120))


def test_anomalies_that_train_come_from_few_groups_and_their_groups_leave_the_test():
    data = data_of([0] * 100 + [1] * 25, bags=np.arange(125) // 5)
    got = split("group-split(contamination=0.1)", data, 0)
    assert data.y[got.train].sum() == 6
    assert len(set(data.bags[got.train[data.y[got.train] == 1]])) == 2
    assert data.y[got.test].sum() == 15


def test_groups_stay_together_and_half_of_the_normal_ones_train():
    data = data_of([0] * 50 + [1, 0] * 5, bags=ROWS // 5)
    got = split("group-split", data, 0)
    assert len(got.train) == 25
    assert not data.y[got.train].any()
    assert sorted([*got.train, *got.test]) == list(range(60))
    with pytest.raises(NotApplicable, match="the rows of made are not in groups; use the protocol"):
        split("group-split", data_of([0, 0, 1]), 0)
    with pytest.raises(NotApplicable, match="made has 1 groups without an anomaly"):
        split("group-split", data_of([0, 0, 1], bags=np.array([0, 1, 1])), 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("one-class", "one-class"),
        (" one-class ( ) ", "one-class"),
        ("one-class(dedup=false, contamination=0)", "one-class"),
        (
            "one-class(max_train=10_000,contamination=5e-2)",
            EXAMPLE := ("one-class(contamination=0.05, max_train=10000)"),
        ),
        ({"name": "one-class", "max_train": 10000, "contamination": 0.05}, EXAMPLE),
        ("official(dedup = true)", "official(dedup=true)"),
        ("stratified-70-30(contamination=0)", "stratified-70-30(contamination=0.0)"),
    ],
)
def test_equal_protocols_have_one_text(value, text):
    assert str(parse(value)) == text
    assert parse(text) == parse(value)


@given(named)
def test_the_text_of_a_protocol_says_the_protocol(text):
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("one-class(max_trian=3)", "one-class has no setting 'max_trian'; did you mean max_train"),
        ("one-class(max_train=0)", "max_train = 0 is not accepted: an integer >= 1"),
        ("one-class(max_train=2.5)", "max_train = 2.5 is not accepted: an integer >= 1"),
        ("one-class(contamination=1)", "contamination = 1 is not accepted: a number >= 0 and < 1"),
        ("one-class(contamination=nan)", "contamination = nan is not accepted"),
        ("one-class(dedup=1)", "dedup = 1 is not accepted: true or false"),
        ("transductive(calibration=0.5)", "tests on its training rows, so that none can be held"),
        ("goad(max_train=5)", "goad is fixed as published and takes no parameters"),
        ("goat", "unknown protocol 'goat'; did you mean goad"),
        (
            "one-class(max_train)",
            r"cannot read the protocol 'one-class\(max_train\)'; write a name",
        ),
        ("one-class(max_train=3", "cannot read the protocol"),
        ("one-class(max_train=3)}", "cannot read the protocol"),
        ("", "cannot read the protocol ''"),
        ({"max_train": 3}, "unknown protocol ''"),
        ({"name": 3}, "unknown protocol 3"),
    ],
)
def test_what_is_not_a_protocol_is_answered_with_what_is(value, message):
    with pytest.raises(ValueError, match=message):
        parse(value)


def test_rows_under_several_protocols_have_keys_of_their_own():
    protocols = ["one-class", "one-class(max_train=20)", "one-class(dedup=true)", "goad"]
    suite = Suite(name="s", title="s", detectors=["knn"], datasets=["wine"], protocol=protocols)
    rows = wanted_rows(suite, "cpu")
    assert [row.protocol for row in rows[::5]] == protocols
    assert len({row.key for row in rows}) == len(rows) == 20
