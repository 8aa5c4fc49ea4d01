"""The rows of a board: every row wanted, and how many stored rows are stale."""

import json
import tracemalloc
from dataclasses import replace

import pandas as pd
import pytest

import datasets
from bench.boards import board
from bench.boards.columns import NUMBER_COLUMNS
from bench.boards.rows import frame_of
from bench.plan.planning import wanted_rows
from bench.plan.suite import build
from bench.render import formats
from bench.store.records import Row

SUITE = {"name": "s", "title": "s", "detectors": ["lof", "knn"], "datasets": ["wine"]}


def rows(seeds, **parts):
    return wanted_rows(build({**SUITE, **parts, "seeds": seeds}, "test"), "cpu")


def record_of(wanted, place):
    """A stored record as the store reads it; each third row failed."""
    measured = {"auroc": 0.5 + place % 40 / 100, "average_precision": 0.4, "prevalence": 0.1}
    versions = {f"library-{i}": f"{i}.0" for i in range(8)}
    origin = {"commit": "c" * 40, "processor": "chip", "cores": 2, "versions": versions}
    row = Row(
        wanted,
        *(("ok",) if place % 3 else ("error", "ValueError: no\nmore")),
        sizes={"n_train": 50, "n_test": 100, "n_anomalies": 10},
        metrics=measured if place % 3 else {},
        costs={"fit_seconds": 0.5, "score_us": 2.5, "parameters": None, "model_rows": 1},
        effective_settings={f"setting-{i}": i for i in range(8)},
        provenance={**origin, "date": f"2026-01-01T00:00:{place:08}"},
    )
    return json.loads(json.dumps(row.record()))


def test_the_frame_has_every_row_wanted_and_counts_stale_ones():
    wanted = rows(2)
    relabelled = [replace(row, label="old label") for row in wanted]
    records = [
        Row(relabelled[0], "ok", metrics={"auroc": 0.5}).record(),
        Row(replace(wanted[1], code_id="older"), "ok").record(),
        Row(replace(wanted[2], data_sha256="other"), "error").record(),
        Row(replace(wanted[3], seed=77), "ok").record(),  # of another suite, so not stale
        Row(replace(wanted[3], settings={"n_neighbors": 7}), "ok").record(),
    ]
    frame, stale = frame_of(wanted, records)
    assert stale == 2
    assert frame.key.tolist() == [row.key for row in wanted]
    assert frame.status.tolist() == ["ok", "missing", "missing", "missing"]
    assert frame.label.tolist() == ["lof", "lof", "knn", "knn"]


def test_a_row_is_transductive_where_the_suite_or_the_run_says_so():
    wanted = [replace(row, transductive=row.label == "lof") for row in rows(2)]
    found = [wanted[1], replace(wanted[2], transductive=True)]
    frame, _ = frame_of(wanted, [Row(row, "ok").record() for row in found])
    assert frame.transductive.tolist() == [True, True, True, False]


@pytest.mark.parametrize("metric", ["auroc", "fit_seconds"])
def test_a_board_of_columns_is_that_of_whole_records_to_the_last_byte(metric):
    wanted = rows(9, datasets=["wine", "digits/3", "breast-cancer"])
    records = [record_of(row, place) for place, row in enumerate(wanted) if place % 17]
    blank = dict.fromkeys(NUMBER_COLUMNS, float("nan")) | {"status": "missing", "reason": ""}
    kept = {record["key"]: record for record in records}
    whole = pd.DataFrame.from_records([
        blank | {**kept.get(row.key, {}), **vars(row)} | {
            "dataset_kind": datasets.find(row.dataset).kind,
            "official_split": datasets.find(row.dataset).has_official_split,
        } for row in wanted
    ])  # fmt: skip
    frame, stale = frame_of(wanted, iter(records))
    boards = [board.build(f, metric=metric, title="s", stale=stale) for f in (frame, whole)]
    assert stale == 0
    assert formats.leaderboards(boards[0]) == formats.leaderboards(boards[1])
    assert "chip, 2 cores" in formats.leaderboards(boards[0])["leaderboard.md"]


def test_a_frame_holds_no_record_so_that_a_million_rows_fit():
    wanted = rows(1000)
    assert all(row.key for row in wanted)
    tracemalloc.start()
    try:
        frame_of(wanted, (record_of(row, place) for place, row in enumerate(wanted)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / len(wanted) < 2000  # bytes; a record takes 5,000
