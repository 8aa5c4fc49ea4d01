"""The harness finds scores that depend on other test rows, and seeds that depend on other seeds."""

import numpy as np
import pytest

from bench.boards.rows import frame_of
from bench.plan import planning
from bench.plan.suite import build

FILE = "tests/helpers/companions.py"
DEPENDENT = {
    "Centred": "move by up to",
    "Crowd": "move by up to",
    "Ranks": "move by up to",
    "Clipped": "move by up to",
    "Lazy": "move by up to",
    "Together": "1 of them cannot be scored alone: ValueError: expected more than 1 value",
}


def entrant(name, **settings):
    return {"spec": f"{FILE}:{name}", "settings": settings}


@pytest.mark.fault(
    area="detectors and their processes",
    kind="scores that depend on the other test rows, undeclared",
    how="detectors that use the mean, the ranks, a quantile or the number of the rows that are "
    "scored together, or that keep a scale of the first ones",
    promise="the row is marked and refused, as that of a detector that declares it",
)
@pytest.mark.parametrize("name", DEPENDENT)
def test_scores_that_depend_on_other_rows_are_found(make_rows, name):
    (row,) = make_rows(entrant(name))
    assert (row.status, row.wanted.transductive, row.metrics) == ("unsupported", True, {})
    start = f"scores of {FILE}:{name} depend on the other test rows ("
    assert row.reason.startswith(start)
    assert DEPENDENT[name] in row.reason
    end = "does not allow; declare `transductive = True` and use the protocol transductive"
    assert row.reason.endswith(end)
    assert row.record()["transductive"]


def test_a_detector_that_cannot_be_pickled_is_said_to_be_untested(make_rows):
    (row,) = make_rows(entrant("Unpickled"))
    (warning,) = row.details["warnings"]
    assert row.status == "ok"
    assert warning.startswith("not tested whether scores depend on other test rows: it cannot be")


def test_batch_normalisation_in_the_mode_of_training_is_found(make_rows):
    (row,) = make_rows(entrant("Network", normalises=True))
    assert row.status == "unsupported"


def test_a_file_declares_it_and_a_protocol_that_allows_it_ranks_it_with_a_mark(make_rows):
    (row,) = make_rows(entrant("Declared"))
    assert row.status == "unsupported"
    for name in ("Declared", "Centred"):
        (row,) = make_rows(entrant(name), protocol="transductive")
        assert (row.status, row.wanted.transductive) == ("ok", True)
    assert "depend on the other test rows" in row.details["warnings"][-1]
    (row,) = make_rows(entrant("DeclaredBaseline"))
    assert (row.status, row.wanted.transductive) == ("ok", True)


def test_a_row_that_was_found_out_is_marked_on_boards(make_rows):
    (row,) = make_rows(entrant("Centred"), protocol="transductive")
    content = {"name": "x", "title": "", "detectors": [entrant("Centred")], "datasets": ["wine"]}
    suite = build({**content, "protocol": "transductive", "seeds": 1})
    frame, _ = frame_of(planning.wanted_rows(suite, "cpu"), [row.record()])
    assert list(frame.transductive) == [True]


@pytest.mark.parametrize("dataset", ["wine", "digits/3", "breast-cancer", "synthetic/annulus"])
def test_noise_of_float32_is_not_taken_for_it(make_rows, dataset):
    for row in make_rows(entrant("Network"), entrant("Distances"), dataset=dataset):
        assert (row.status, row.wanted.transductive) == ("ok", False)
        assert row.details["warnings"] == []


@pytest.mark.fault(
    area="detectors and their processes",
    kind="a detector that dies in the test of its scores",
    how="os._exit when few rows are scored",
    promise="its rows are kept, and say that they were not tested",
)
def test_a_death_in_the_test_costs_no_row(make_rows):
    (plain,) = make_rows(entrant("Distances"))
    rows = make_rows(entrant("Dying"), seeds=2)
    assert [row.status for row in rows] == ["ok", "ok"]
    assert "not tested whether" in rows[0].details["warnings"][0]
    assert "exited with status 0" in rows[0].details["warnings"][0]
    np.testing.assert_array_equal(rows[0].scores, plain.scores)


@pytest.mark.fault(
    area="detectors and their processes",
    kind="state that a detector's class keeps from seed to seed",
    how="a count on the class that every fit raises",
    promise="a seed has the same scores, whichever other seeds are run",
)
def test_a_seed_has_the_same_scores_whichever_others_run(make_rows):
    _, after = make_rows(entrant("Remembering"), seeds=[0, 1])
    (alone,) = make_rows(entrant("Remembering"), seeds=[1])
    np.testing.assert_array_equal(after.scores, alone.scores)
