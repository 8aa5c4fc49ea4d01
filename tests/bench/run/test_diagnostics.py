"""Diagnostics of a fit are kept with its rows, and cost none of them."""

import math

import pytest

from bench.run.diagnostics import MAX_NAMES, MAX_POINTS
from tests.helpers.fault_matrix import DETECTORS

TELLING = "tests/helpers/faulty.py:Telling"


def telling(told, **settings):
    settings = {"told": told, **settings}
    return {"spec": TELLING, "label": told, "settings": settings}


def test_every_row_of_a_deep_model_has_its_losses(make_rows):
    shared = {"epochs": 4, "validation_share": 0.0}
    rows = make_rows(
        *({"spec": spec, "settings": shared} for spec in ("ae", "ae+knn")), "knn", seeds=2
    )
    told = {(row.wanted.spec, row.wanted.seed): row.details["diagnostics"] for row in rows}
    assert told["knn", 0] == {}
    losses = told["ae:reconstruction", 0]["loss"]
    assert told["ae:reconstruction", 0] == {"epochs": 4, "converged": 0, "loss": losses}
    assert len(losses) == 4
    assert losses[-1] < losses[0]
    assert told["ae+knn", 0] == told["ae:reconstruction", 0]
    assert told["ae:reconstruction", 1]["loss"] != losses


def test_numbers_and_curves_are_plain_floats(make_rows):
    (row,) = make_rows(telling("figures and curves"))
    told = row.details["diagnostics"]
    assert {name: told[name] for name in ("epochs", "converged", "sizes")} == {
        "epochs": 3.0,
        "converged": 1.0,
        "sizes": [4.0, 2.0],
    }
    assert told["loss"][:2] == [2.0, 1.0]
    assert math.isnan(told["loss"][2])


@pytest.mark.fault(
    area=DETECTORS,
    kind="odd diagnostics",
    how="`diagnostics_` raises, exits, or has odd names and values",
    promise="the row is kept, with a warning",
)
@pytest.mark.parametrize(
    ("told", "kept", "warning"),
    [
        ("nothing", {}, "diagnostics_ is left out: TypeError"),
        ("an error", {}, "diagnostics_ is left out: ValueError: no such luck"),
        ("an exit", {}, "diagnostics_ is left out: SystemExit: 3"),
        ("the unprintable", {}, "diagnostics_ is left out: Unprintable: <exception str() failed>"),
        ("odd values", {"loss": [1.0]}, "diagnostics_['matrix'] is left out: neither a number nor"),
        ("odd names", {"??": 1.0, "3": 2.0}, None),
    ],
)
def test_what_cannot_be_kept_costs_a_warning_and_no_row(make_rows, told, kept, warning):
    (row,) = make_rows(telling(told))
    assert (row.status, row.details["diagnostics"]) == ("ok", kept)
    if warning is None:
        assert row.details["warnings"] == []
    else:
        assert any(line.startswith(warning) for line in row.details["warnings"])


@pytest.mark.fault(
    area=DETECTORS,
    kind="too many diagnostics",
    how="`diagnostics_` has 60 curves of 10,000 points",
    promise="50 of 2,000 points are kept, with a warning",
)
def test_no_detector_fills_the_store_with_what_it_says(make_rows):
    (row,) = make_rows(telling("too much"))
    told = row.details["diagnostics"]
    assert len(told) == MAX_NAMES
    assert {len(curve) for curve in told.values()} == {MAX_POINTS}
    assert "diagnostics_ has 60 names, the first 50 are kept" in row.details["warnings"]
    cut = "diagnostics_['curve 0'] has 10000 points, the first 2000 are kept"
    assert cut in row.details["warnings"]


def test_a_fit_whose_score_fails_is_described_too(make_rows):
    (row,) = make_rows(telling("figures and curves", scoring="raise"))
    assert row.status == "error"
    assert row.details["diagnostics"]["epochs"] == 3
