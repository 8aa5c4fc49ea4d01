"""What rows are expected to take, from stored rows of the same detector."""

import pytest

from bench.plan import planning
from bench.plan.costs import FARTHEST, Costs
from bench.plan.suite import build

OWN = "file:/nowhere/a.csv?label=y"


def wanted(spec="lof", dataset="wine", **parts):
    content = {"name": "s", "title": "s", "datasets": [dataset], "seeds": 1, **parts}
    (row,) = planning.wanted_rows(build({**content, "detectors": [spec]}, "test"), "cpu")
    return row


def stored(row, **costs):
    sizes = {"n_train": 65, "n_test": 65}  # of wine: 130 samples, half of them to train
    return {**vars(row), **sizes, "fit_seconds": 1.0, "score_us": 0.0, **costs}


def test_a_row_of_the_same_data_and_protocol_is_taken_as_it_is_whatever_its_seed():
    costs = Costs([stored(wanted(), fit_seconds=2.0, score_us=1e6)])
    assert costs.seconds(wanted(seeds=[7])) == pytest.approx(2.0 + 65.0)


def test_a_shared_model_is_counted_once_over_its_read_outs():
    record = stored(wanted(), fit_seconds=5.0, model_fit_seconds=4.0, model_rows=4)
    assert Costs([record]).seconds(wanted()) == pytest.approx(1.0 + 1.0)


def test_a_fit_grows_with_the_training_values_and_scoring_with_the_test_values():
    d = 13  # of wine
    costs = Costs([stored(wanted(), score_us=1e6 / 65)], {OWN: (520, d)})
    assert costs.seconds(wanted(dataset=OWN)) == pytest.approx(4 * 1.0 + 4 * 1.0)
    brief = wanted(dataset=OWN, protocol="one-class(max_train=65)")
    assert costs.seconds(brief) == pytest.approx(1.0 + 4 * 1.0)


def test_nothing_is_said_of_other_settings_unknown_sizes_and_sizes_that_are_far_away():
    far = "file:/nowhere/b.csv?label=y"
    costs = Costs([stored(wanted())], {far: (int(130 * 2 * FARTHEST), 13)})
    other = {"spec": "lof", "settings": {"n_neighbors": 5}}
    for row in (wanted(other), wanted("knn"), wanted(dataset=OWN), wanted(dataset=far)):
        assert costs.seconds(row) is None
