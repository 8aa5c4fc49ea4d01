"""What a choice of settings changes, worked out by hand from rows made up."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.boards.rows import frame_of
from bench.boards.tuning.tuned import ANY, LADDER, components, tuned
from bench.store.store import Store
from tests.helpers.rows_made_up import made_up, store_rows

METHODS = {"pca[a=1]": "pca", "pca[a=2]": "pca", "ae[a=1]": "ae"}
LABELS = ("pca", "pca[a=1]", "pca[a=2]", "ae", "ae[a=1]")
WINE = {"pca": 0.8, "pca[a=1]": 0.6, "pca[a=2]": 0.9, "ae": 0.5, "ae[a=1]": 0.7}
OTHER = {"pca": 0.7, "pca[a=1]": 0.9, "pca[a=2]": 0.8, "ae": 0.6, "ae[a=1]": 0.4}
VALUES = {"wine": WINE, "breast-cancer": OTHER, "digits/1": WINE}
ORDERS = {"pca": np.arange(20.0), "pca[a=1]": np.arange(20.0) + 1, "ae": np.arange(20.0) % 7}


def row(label, dataset, seed, **more):
    family = dataset.partition("/")[0]
    loss = {"ae": 0.2, "ae[a=1]": 0.1}.get(label)
    return made_up(
        VALUES[dataset][label] + 0.02 * seed - 0.01,
        label=label,
        spec=METHODS.get(label, label),
        settings={"label": label},
        dataset=dataset,
        dataset_family=family,
        data_sha256=dataset,
        seed=seed,
        diagnostics=loss and {"validation": [loss + 1, loss, loss + 2]},
        scores=ORDERS.get(label, -np.arange(20.0)),
        **more,
    )


def with_volumes(row):
    """Return a row of `pca`, or of another method, with areas that prefer its last draw."""
    place = LABELS.index(row.wanted.label)
    areas = {"excess_mass": 1.0 + place, "mass_volume": 0.5 - 0.1 * place}
    return replace(row, metrics={**row.metrics, **areas})


def made(tmp_path, rows, *, budget=None, wanted=None, methods=METHODS):
    store_rows(tmp_path, *rows)
    store = Store(tmp_path, read_only=True)
    frame, _ = frame_of([one.wanted for one in wanted or rows], store.as_kept())
    return tuned(
        frame, methods, metric="auroc", title="Mine", budget=budget, scores=store.scores,
        details=store.details, samples=lambda row: np.arange(20),
    )  # fmt: skip


def every():
    return [row(label, dataset, seed) for label in LABELS for dataset in VALUES for seed in (0, 1)]


def line(table, name, column="method"):
    return table.set_index(column).loc[name]


def test_each_choice_is_made_on_each_data_set_and_averaged_over_families(tmp_path):
    found = made(tmp_path, every())
    pca = line(found.methods, "pca")
    assert pca[["tried", "configurations", "datasets"]].tolist() == [3, 3, 3]
    assert pca["default"] == pytest.approx((0.8 + 0.8 + 0.7) / 3)
    assert pca["median"] == pytest.approx(0.8)
    assert pca["random"] == pytest.approx((2 * 2.3 + 2.4) / 9)
    assert pca["oracle"] == pytest.approx(0.9)
    assert pca["consensus"] == pca["centrality"] == pca["default"], "two rank alike, one opposite"
    assert pca["seconds"] == pytest.approx(6), "three configurations, two seeds, a second each"
    assert np.isnan(pca["loss"])
    assert line(found.methods, "ae")["loss"] == pytest.approx((2 * 0.7 + 0.4) / 3)
    both = line(found.methods, ANY)
    assert both["oracle"] == pytest.approx(0.9)
    assert both["default"] == pytest.approx((0.65 + 0.65 + 0.65) / 3)
    assert np.isnan(both["loss"]), "losses of different methods do not compare"


def test_volumes_choose_where_all_rows_of_a_data_set_have_them(tmp_path):
    rows = [with_volumes(r) if r.wanted.dataset != "wine" else r for r in every()]
    found = made(tmp_path, rows)
    assert np.isnan(line(found.methods, "pca")["excess-mass"])
    for name in ("excess-mass", "mass-volume"):
        gain = line(found.gains, name, "choice")
        assert gain[["methods", "datasets"]].tolist() == [2, 2]
        assert gain["default"] == pytest.approx((0.1 + 0.2 + 0.1 - 0.2) / 4), "the last draws"
    whole = made(tmp_path / "all", [with_volumes(r) for r in every()]).methods
    assert line(whole, "pca")["mass-volume"] == pytest.approx((0.9 + 0.9 + 0.8) / 3)
    assert line(whole, ANY)["mass-volume"] == pytest.approx((0.7 + 0.7 + 0.4) / 3)


def test_a_choice_is_compared_with_the_default_and_with_chance_over_data_sets(tmp_path):
    gains = made(tmp_path, every()).gains
    oracle = line(gains, "oracle", "choice")
    assert oracle["default"] == pytest.approx(np.mean([(0.1 + 0.2) / 2] * 2 + [(0.2 + 0) / 2]))
    assert oracle["default_low"] < oracle["default"] < oracle["default_high"]
    loss = line(gains, "loss", "choice")
    assert loss["methods"] == 1
    assert loss["default"] == pytest.approx(np.mean([0.2, 0.2, -0.2]))


def test_the_spread_over_settings_stands_beside_that_over_methods(tmp_path):
    found = made(tmp_path, every())
    settings, methods = [], []
    for values in VALUES.values():
        pca, ae = [
            [values[label] for label in LABELS if label.startswith(m)] for m in ("pca", "ae")
        ]
        settings.append((np.var(pca, ddof=1) + np.var(ae, ddof=1)) / 2)
        within = (np.var(pca, ddof=1) / 3 + np.var(ae, ddof=1) / 2) / 2
        methods.append(np.var([np.mean(pca), np.mean(ae)], ddof=1) - within)
    assert found.over_settings == pytest.approx(np.sqrt(np.mean(settings)))
    assert found.over_methods == pytest.approx(np.sqrt(np.mean(methods)))


@pytest.mark.parametrize(("of_methods", "n"), [(0, 3), (0.1, 3), (0.1, 20)])
def test_the_variance_over_methods_is_free_of_that_over_settings(of_methods, n):
    rng = np.random.default_rng(0)
    values = 0.1 * rng.normal(size=(4000, 5, n)) + of_methods * rng.normal(size=(4000, 5, 1))
    lines = pd.DataFrame({
        "dataset": np.repeat(np.arange(4000), 5), "family": "one", "configurations": n,
        "random": values.mean(axis=2).ravel(), "spread": values.std(axis=2, ddof=1).ravel(),
    })  # fmt: skip
    over_settings, over_methods = components(lines)
    assert over_settings == pytest.approx(0.1, rel=0.02)
    assert over_methods**2 == pytest.approx(of_methods**2, abs=0.0005)


def test_a_budget_leaves_out_what_would_start_after_it_in_the_order_of_the_draws(tmp_path):
    pca = line(made(tmp_path, every(), budget=2.5).methods, "pca")
    assert pca[["tried", "configurations"]].tolist() == [3, 2]
    assert pca["oracle"] == pytest.approx(np.mean([0.8, 0.8, 0.9]))


def test_failures_spend_the_budget(tmp_path):
    rows = [
        made_up(status="timeout", **vars(r.wanted)) if r.wanted.label == "pca[a=1]" else r
        for r in every()
    ]
    for budget, configurations in ((2.5, 1), (4.5, 2)):
        found = made(tmp_path / str(budget), rows, budget=budget)
        assert line(found.methods, "pca")["configurations"] == configurations
    assert line(found.ladder, "pca")["10.0"] == pytest.approx(0.8 + 0.2 / 3)


def test_the_best_so_far_grows_with_the_seconds_and_begins_with_the_default(tmp_path):
    pca = line(made(tmp_path, every()).ladder, "pca")
    by_seconds = dict(zip(LADDER, pca[list(map(str, LADDER))], strict=True))
    assert np.isnan(by_seconds[1.0]), "the default takes two"
    assert by_seconds[3.0] == pytest.approx((0.8 + 0.8 + 0.7) / 3)
    assert by_seconds[10.0] == pytest.approx(0.9)


def test_a_configuration_without_all_its_seeds_does_not_count(tmp_path):
    whole = every()
    there = [r for r in whole if r.wanted.label != "pca[a=2]" or r.wanted.seed == 0]
    found = made(tmp_path, there, wanted=whole)
    assert found.missing == 3
    assert line(found.methods, "pca")["configurations"] == 2
    assert line(found.methods, "pca")["oracle"] == pytest.approx((0.8 + 0.8 + 0.9) / 3)


def test_a_method_whose_default_fails_on_a_data_set_has_no_value_there(tmp_path):
    rows = [
        made_up(status="error", **vars(r.wanted)) if r.wanted.label == "pca"
        and r.wanted.dataset == "wine" else r for r in every()
    ]  # fmt: skip
    found = made(tmp_path, rows)
    assert [line(found.methods, m)["datasets"] for m in ("pca", "ae", ANY)] == [2, 3, 2]
    assert found.failed == 2


def test_labels_reach_no_selector(tmp_path):
    as_they_are = made(tmp_path / "a", every()).methods
    rows = every()
    for one in rows:
        object.__setattr__(one, "truth", one.truth[::-1].copy())
    other_way = made(tmp_path / "b", rows).methods
    assert as_they_are.equals(other_way)


@pytest.mark.parametrize(
    ("kept", "why"),
    [(lambda r: False, "no default has all its rows"), (None, "no detector has several")],
)
def test_without_rows_or_configurations_there_is_nothing_to_compare(tmp_path, kept, why):
    rows = every()
    with pytest.raises(ValueError, match=why):
        made(tmp_path, [r for r in rows if kept and kept(r)], wanted=rows,
             methods=METHODS if kept else {})  # fmt: skip
