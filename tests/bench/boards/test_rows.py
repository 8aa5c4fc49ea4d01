"""The rows of a board: every row wanted, and how many stored rows are stale."""

from dataclasses import replace

from bench.boards.rows import frame_of
from bench.plan.planning import wanted_rows
from bench.plan.suite import build
from bench.store.records import Row


def test_the_frame_has_every_row_wanted_and_counts_stale_ones():
    suite = {"name": "s", "title": "s", "detectors": ["lof", "knn"], "datasets": ["wine"]}
    rows = wanted_rows(build({**suite, "seeds": 2}, "test"), "cpu")
    relabelled = [replace(row, label="old label") for row in rows]
    records = [
        Row(relabelled[0], "ok", metrics={"auroc": 0.5}).record(),
        Row(replace(rows[1], code_id="older"), "ok").record(),
        Row(replace(rows[2], data_sha256="other"), "error").record(),
        Row(replace(rows[3], seed=77), "ok").record(),  # of another suite, so not stale
        Row(replace(rows[3], settings={"n_neighbors": 7}), "ok").record(),
    ]
    frame, stale = frame_of(rows, records)
    assert stale == 2
    assert frame.key.tolist() == [row.key for row in rows]
    assert frame.status.tolist() == ["ok", "missing", "missing", "missing"]
    assert frame.label.tolist() == ["lof", "lof", "knn", "knn"]
