"""What rows are expected to take, from stored rows of the same detector."""

import pytest

from bench.plan import planning
from bench.plan.costs import FARTHEST, Costs, size_of
from bench.plan.suite import build, read

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
    costs = Costs([stored(wanted(), score_us=1e6 / 65)], {OWN: size_of(520, 0, (d,))})
    assert costs.seconds(wanted(dataset=OWN)) == pytest.approx(4 * 1.0 + 4 * 1.0)
    brief = wanted(dataset=OWN, protocol="one-class(max_train=65)")
    assert costs.seconds(brief) == pytest.approx(1.0 + 4 * 1.0)


def test_nothing_is_said_of_other_settings_unknown_sizes_and_sizes_that_are_far_away():
    far = "file:/nowhere/b.csv?label=y"
    costs = Costs([stored(wanted())], {far: size_of(int(130 * 2 * FARTHEST), 0, (13,))})
    other = {"spec": "lof", "settings": {"n_neighbors": 5}}
    for row in (wanted(other), wanted("knn"), wanted(dataset=OWN), wanted(dataset=far)):
        assert costs.seconds(row) is None


def test_typical_rows_speak_of_every_detector_of_the_default_suite_whatever_its_settings():
    costs = Costs(())
    rows = planning.wanted_rows(read("default"), "cpu")
    assert all((costs.typical_seconds(row) or 0) > 0 for row in rows)
    assert all(costs.seconds(row) is None for row in rows)
    other = {"spec": "lof", "settings": {"n_neighbors": 5}}
    assert costs.typical_seconds(wanted(other)) == costs.typical_seconds(wanted())
    assert costs.rank(wanted("ae")) == costs.typical_seconds(wanted("ae"))
    assert costs.rank(wanted("ae")) > costs.rank(wanted("knn"))


def test_a_model_that_rows_share_is_counted_by_equal_parts():
    alone, five = (Costs(()).typical_seconds(wanted("vae:elbo"), n) for n in (1, 5))
    assert alone is not None
    assert alone / 5 < five < alone


def test_sizes_in_the_catalogue_are_of_its_normal_samples_and_capped_tests():
    half = (1797 - 1619) / 2  # of digits/0, whose tests have a tenth of anomalies at most
    expected = (half, half / 0.9, 64)
    assert size_of(1797, 1619, (8, 8), 0.1) == pytest.approx(expected)
    assert size_of(130, 10, (13,)) == (60, 70, 13)
