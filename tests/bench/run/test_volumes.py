"""Rows measure volumes of level sets where the suite asks for them, and change no score by that."""

import numpy as np
import pytest

from bench.metrics.volumes import NAMES

FILE = "tests/helpers/companions.py"
HELD = "one-class(calibration=0.4)"
SHALLOW = ("pca", "lof", "mean-distance", f"{FILE}:Lazy")
DEEP = tuple(
    {"spec": spec, "settings": {"epochs": 3}}
    for spec in ("vae:reconstruction", "vae:elbo", "vae+lof")
)


@pytest.mark.parametrize("models", [SHALLOW, pytest.param(DEEP, marks=pytest.mark.slow)])
def test_no_score_changes_where_volumes_are_measured(make_rows, models):
    plain = make_rows(*models, seeds=2, protocol=HELD)
    rows = make_rows(*models, seeds=2, protocol=HELD, volumes=True)
    for one, other in zip(plain, rows, strict=True):
        assert one.wanted.key != other.wanted.key
        assert (one.wanted.label, one.wanted.seed) == (other.wanted.label, other.wanted.seed)
        np.testing.assert_array_equal(one.scores, other.scores)
        assert one.metrics.items() <= other.metrics.items()
        assert one.status == other.status
        measured = set(other.metrics) - set(one.metrics)
        assert measured == (set(NAMES) if one.status == "ok" else set())
    assert sum(row.status == "ok" for row in rows) == 6


@pytest.mark.parametrize(
    ("name", "dataset"), [("lof", "breast-cancer"), ("pca", "textures/stripes")]
)
def test_rows_have_none_where_draws_fall_far_from_samples_or_these_are_images(
    make_rows, name, dataset
):
    (row,) = make_rows(name, dataset=dataset, protocol=HELD, volumes=True)
    assert row.status == "ok"
    assert not set(NAMES) & set(row.metrics)
    assert row.details["warnings"] == []


def test_a_score_that_depends_on_other_rows_has_no_level_sets(make_rows):
    (row,) = make_rows(f"{FILE}:DeclaredBaseline", protocol=HELD, volumes=True)
    assert row.status == "ok"
    assert not set(NAMES) & set(row.metrics)


@pytest.mark.fault(
    area="detectors and their processes",
    kind="a detector that cannot score draws from the box around the training samples",
    how="an error, and os._exit, when more than 5,000 rows are scored",
    promise="its row is kept without volumes, and says why; the other seeds go on",
)
@pytest.mark.parametrize(("name", "why"), [
    ("Narrow", "volumes of level sets are not measured: ValueError: too many"),
    ("Fragile", "exited with status 3"),
])  # fmt: skip
def test_draws_that_cannot_be_scored_cost_no_row(make_rows, name, why):
    rows = make_rows(f"{FILE}:{name}", seeds=2, protocol=HELD, volumes=True)
    assert [row.status for row in rows] == ["ok", "ok"]
    for row in rows:
        assert why in row.details["warnings"][0]
        assert not set(NAMES) & set(row.metrics)
