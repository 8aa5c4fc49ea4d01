"""What a parent run in MLflow shows of its board."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pandas as pd
import pytest

from bench.boards import board
from bench.boards.columns import NUMBER_COLUMNS
from bench.store.records import Row
from bench.tracking.parent_run import LONGEST_NOTE, TABLE, Selection, Summary, of_board
from tests.helpers.rows_made_up import made_up


def rows_of(n_detectors: int) -> list[Row]:
    return [
        made_up(
            1 - i / 100,
            label=f"detector {i}",
            spec=f"detector {i}",
            family="deep" if i % 2 else "shallow",
            dataset=name,
            dataset_family=name,
            data_sha256=name.ljust(64),
        )
        for i in range(n_detectors)
        for name in ("wine", "glass")
    ]


def summary_of(rows: list[Row]) -> Summary:
    frame = pd.DataFrame.from_records([row.record() for row in rows])
    frame = frame.assign(dataset_kind="tabular", official_split=False)
    frame = frame.reindex(columns=[*frame, *set(NUMBER_COLUMNS) - set(frame)])
    made = board.build(frame, title="made up")
    return of_board(made, [row.wanted for row in rows])


@pytest.fixture(scope="module")
def small() -> Summary:
    return summary_of(rows_of(4))


def test_the_board_is_a_table_as_mlflow_writes_them(small):
    table = json.loads(small.files[TABLE])
    assert small.tables == (TABLE,)
    place = table["columns"].index("detector")
    assert [line[place] for line in table["data"]] == [f"detector {i}" for i in range(4)]


def test_figures_are_pictures_and_means_are_metrics(small):
    figures = [name for name in small.files if name.startswith("figures/")]
    assert "figures/ranks.svg" in figures
    for name in figures:
        assert ET.fromstring(small.files[name]).tag.endswith("svg")
    assert small.metrics == pytest.approx({f"auroc/detector {i}": 1 - i / 100 for i in range(4)})


def test_the_description_is_the_first_table_as_far_as_servers_take_it(small):
    assert small.note.startswith("# made up: auroc\n")
    assert "## By data set" not in small.note
    many = summary_of(rows_of(80)).note
    assert len(many) <= LONGEST_NOTE + 100
    assert many.endswith("The rest is in the artifact `leaderboard.md`.\n")
    assert "`detector 0`" in many


def test_invocations_are_comparable_on_equal_data_protocols_scalers_and_seeds(small):
    wanted = [row.wanted for row in rows_of(2)]
    assert Selection.of(wanted) == small.selection
    assert small.selection.title == "data sets: 2; one-class; standard; seeds: 1"
    for part in ({"seed": 1}, {"scaler": "none"}, {"protocol": "official"}, {"data_sha256": "e"}):
        assert Selection.of(replace(row, **part) for row in wanted) != small.selection


def test_a_detector_without_all_rows_is_not_comparable(small):
    assert small.complete == small.metrics
    lost, *rest = rows_of(2)
    left = summary_of([replace(lost, status="timeout", metrics={}), *rest])
    assert left.complete == pytest.approx({"auroc/detector 1": 0.99})
