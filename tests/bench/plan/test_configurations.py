"""Configurations of a method: what a suite says of them, which are drawn, what they may cost."""

import tomllib

import pytest

from bench.claims import claim
from bench.plan import suite
from bench.plan.budget import Budget
from bench.plan.planning import wanted_rows
from bench.plan.suite import SuiteError


def told(settings: str, configurations: str, spec: str = "lof", more: str = "") -> suite.Suite:
    return suite.build(
        {
            "name": "mine",
            "title": "Mine",
            "datasets": ["wine"],
            "seeds": 2,
            "detectors": [_entrant(settings, configurations, spec, more)],
        }
    )


def _entrant(settings: str, configurations: str, spec: str, more: str) -> dict[str, object]:
    text = f'spec = "{spec}"\nsettings = {settings}\nconfigurations = {configurations}\n{more}'
    return tomllib.loads(text)


def values_of(made: suite.Suite, name: str) -> list[object]:
    return [entrant.settings.get(name) for entrant in made.detectors]


def test_the_default_comes_first_and_more_configurations_change_none_of_the_fewer():
    few = told('{ n_neighbors = "log 2..60" }', "5").detectors
    more = told('{ n_neighbors = "log 2..60" }', "9").detectors
    assert [len(few), len(more), few[0].settings, few[0].of] == [5, 9, {}, ""]
    assert more[:5] == few
    assert {one.of for one in more[1:]} == {"lof"}
    assert more[1].name == f"lof[n_neighbors={more[1].settings['n_neighbors']}]"


def test_the_seed_of_the_draw_decides_which_configurations_are_drawn():
    by_seed = [told('{ n_neighbors = "2..60" }', "5", more=f"draw = {i}") for i in (0, 0, 1)]
    first, again, other = (values_of(made, "n_neighbors") for made in by_seed)
    assert first == again
    assert first != other


def test_ranges_hold_their_limits_and_whole_ones_reach_both():
    drawn = values_of(told('{ n_neighbors = "3..5" }', "4"), "n_neighbors")
    assert sorted(drawn[1:]) == [3, 4, 5]
    rates = values_of(told('{ learning_rate = "log 1e-4..1e-2" }', "200", "ae"), "learning_rate")
    assert min(rates[1:]) >= 1e-4
    assert max(rates[1:]) <= 1e-2
    assert 70 < sum(rate < 1e-3 for rate in rates[1:]) < 130, "half of them are below the middle"


def test_a_grid_has_every_combination_beside_the_default_also_of_a_head():
    made = told("{ latent_dim = [2, 4], epochs = 3, head.n_neighbors = [5, 10] }", '"grid"',
                "ae+lof")  # fmt: skip
    assert [one.settings for one in made.detectors] == [
        {"epochs": 3},
        *(
            {"epochs": 3, "latent_dim": width, "head": {"n_neighbors": k}}
            for width in (2, 4)
            for k in (5, 10)
        ),
    ]
    assert set(made.varied.values()) == {"ae+lof[epochs=3]"}


def test_a_list_of_lists_varies_a_setting_that_is_a_list():
    assert values_of(told("{ hidden = [[32], [64, 32]] }", '"grid"', "ae"), "hidden") == [
        None, [32], [64, 32],
    ]  # fmt: skip
    alone = suite.Entrant.model_validate({"spec": "ae", "settings": {"hidden": [64, 32]}})
    assert alone.expanded() == (alone,)


def test_a_suite_of_configurations_can_be_stored_and_built_again():
    made = told('{ n_neighbors = "2..60" }', "5")
    assert suite.build(made.model_dump(mode="json")) == made
    plain = suite.build({**made.model_dump(), "detectors": ["lof"]}).model_dump()
    assert plain["detectors"] == ({"spec": "lof", "label": "", "settings": {}},)
    assert "budget" not in plain, "which would change the names of runs"


@pytest.mark.parametrize(
    ("settings", "configurations", "why"),
    [
        ("{ n_neighbors = 5 }", "5", "lof: no setting varies; give one a list of values"),
        ("{ n_neighbors = [] }", "5", "no setting varies"),
        ("{ n_neighbors = [5, 6] }", "9", "have only 2 beside the default; .* = 3"),
        ('{ n_neighbors = "9..2" }', "5", "'9..2' has no values; write the smaller limit first"),
        ('{ n_neighbors = "log 0..9" }', "5", "starts at 0; start it above 0"),
        ('{ n_neighbors = "2..9" }', '"grid"', "a grid takes lists, and n_neighbors is a range"),
        ("{ n_neighbors = [5] }", "1", "1 is not accepted; give a number from 2 to 1000"),
        ("{ n_neighbors = [5] }", '"all"', "'all' is not accepted"),
        ("{ n_neighbors = [5] }", "true", "True is not accepted"),
        (f"{{ a = {[*range(1000)]}, b = {[*range(1000)]} }}", '"grid"',
         r"the grid has 1,000,000 configurations, 277\.8 hours for each data set and seed"),
    ],
)  # fmt: skip
def test_what_cannot_be_configured_is_said_in_one_sentence(settings, configurations, why):
    with pytest.raises(SuiteError, match=why) as error:
        told(settings, configurations)
    assert "\n" not in str(error.value)


def test_a_range_without_a_number_of_configurations_is_refused():
    ranged = [{"spec": "lof", "settings": {"n_neighbors": "2..9"}}]
    with pytest.raises(SuiteError, match="is a range; give configurations = 20"):
        suite.build({"name": "a", "title": "a", "datasets": ["wine"], "detectors": ranged})


@pytest.mark.parametrize("value", ["60 m", "soon", True, 0, float("inf"), float("nan"), "1.2.3 s"])
def test_a_budget_is_a_time(value):
    with pytest.raises(SuiteError, match="budget"):
        suite.build({"name": "a", "title": "a", "datasets": ["wine"], "detectors": ["lof"],
                     "budget": value})  # fmt: skip


def test_a_claim_takes_the_mean_of_configurations(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'datasets = "wine"\nmargin = 0.1\n'
        '[[claims]]\nsentence = "a"\nsource = "b"\nagainst = "knn"\n'
        'detectors = { spec = "lof", settings = { n_neighbors = [5, 9] }, configurations = "grid" }'
    )
    (made,) = claim.read(str(path)).claims
    assert [one.name for one in made.detectors] == [
        "lof",
        "lof[n_neighbors=5]",
        "lof[n_neighbors=9]",
    ]


def test_nothing_starts_after_the_budget_of_its_method_on_its_data_set():
    made = told("{ n_neighbors = [5, 9] }", '"grid"')
    made = made.model_copy(update={"budget": 2.0})
    rows = wanted_rows(made, "cpu")
    budget = Budget(made, rows)
    for row in rows[:2]:
        assert budget.allows([row])
        budget.add({"key": row.key, "fit_seconds": 0.9, "n_test": 5})
    assert budget.allows(rows[2:4]), "1.8 of 2 s are spent"
    budget.add({"key": rows[2].key, "fit_seconds": 0.3, "n_test": 5})
    budget.add({"key": "of another suite", "fit_seconds": 9.0, "n_test": 5})
    assert not budget.allows(rows[4:])


def test_a_failure_takes_its_time_from_the_budget():
    made = told("{ n_neighbors = [5, 9] }", '"grid"').model_copy(update={"budget": 2.0})
    rows = wanted_rows(made, "cpu")
    budget = Budget(made, rows)
    budget.add({"key": rows[0].key, "status": "timeout", "fit_wall_seconds": 1.9})
    assert budget.allows(rows[1:])
    budget.add({"key": rows[1].key, "status": "error", "fit_wall_seconds": 0.2})
    assert not budget.allows(rows[2:])
