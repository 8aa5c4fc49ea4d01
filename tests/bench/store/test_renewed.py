"""Metrics of other code are recomputed for the rows that are shown, once a reading."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.metrics import scored
from bench.plan import planning
from bench.plan.suite import read, select
from bench.store.records import Row
from bench.store.store import Store
from tests.helpers.rows_made_up import made_up, store_rows

CHOSEN = ("--detectors", "pca", "--datasets", "wine", "--seeds", "2")


@pytest.fixture
def folder(tmp_path):
    """Two rows that the chosen suite wants, and ten of two other detectors, made for "theirs"."""
    suite = select(read("smoke"), detectors=["pca"], datasets=["wine"], seeds=2)
    ours = [Row(**{**vars(made_up()), "wanted": row}) for row in planning.wanted_rows(suite, "cpu")]
    others = [
        made_up(label=label, spec=label, seed=seed, provenance={"suite": "theirs"})
        for label in ("knn", "lof")
        for seed in range(5)
    ]
    older = [
        replace(row, wanted=replace(row.wanted, code_id="old"),
                provenance={**row.provenance, "date": "2025-01-01T12:00:00+00:00"})
        for row in others
    ]  # fmt: skip
    store_rows(tmp_path, *ours, *others, *older)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "n_rows"),
    [
        (("board", "smoke", *CHOSEN), 2),
        (("report", "smoke", *CHOSEN), 2),
        (("report", "theirs"), 10),
        (("history", "knn"), 10),
        (("compare", "{folder}", "{folder}"), 12),
        (("export", "{folder}/rows.csv"), 22),
    ],
)
def test_a_reading_renews_the_rows_it_shows_and_each_once(folder, monkeypatch, arguments, n_rows):
    monkeypatch.setattr("bench.store.store._metrics_id", lambda: "other code")
    compute, renewed = scored.compute, []
    monkeypatch.setattr(scored, "compute", lambda *a: renewed.append(1) or compute(*a))
    given = [word.format(folder=folder) for word in arguments]
    done = CliRunner().invoke(app.app, [*given, "--results", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0
    assert len(renewed) == n_rows


def test_a_row_that_takes_the_place_of_another_is_renewed_itself(tmp_path, monkeypatch):
    store = Store(tmp_path)
    store.add(made_up())
    monkeypatch.setattr("bench.store.store._metrics_id", lambda: "other code")
    (before,) = store.records()
    monkeypatch.undo()
    store.add(made_up(scores=made_up().truth.astype(float)))
    monkeypatch.setattr("bench.store.store._metrics_id", lambda: "other code")
    (after,) = store.records()
    store.close()
    assert (before["auroc"], after["auroc"]) == (0.0, 1.0)
