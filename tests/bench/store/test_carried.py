"""Rows whose keys name code by whole files come under their keys of today, where that is proved."""

import sqlite3
from contextlib import closing

import pytest

from bench.store import carried
from bench.store.store import Store
from tests.helpers.files.carried_rows import FILES, knn_on_wine, stored_then


@pytest.fixture
def wanted():
    return knn_on_wine()


def keys(results):
    with closing(Store(results)) as store:
        return list(store.statuses())


def test_a_row_of_the_code_that_is_proved_equal_has_its_key_of_today(tmp_path, wanted):
    stored_then(tmp_path, wanted)
    assert keys(tmp_path) == [wanted.key]
    with closing(Store(tmp_path)) as store:
        (record,) = store.records()
        assert record["key"] == wanted.key
        assert record["code_id"] == wanted.code_id
        assert "bench/run/prepare.py" in store.details(wanted.key)["code"]["files"]


def test_a_row_of_other_code_stays(tmp_path, wanted):
    stored_then(tmp_path, wanted, {**FILES, "detectors/contract.py": "0" * 12})
    assert keys(tmp_path) == ["then"]


def test_a_row_of_other_data_stays(tmp_path, wanted):
    stored_then(tmp_path, wanted, data_sha256="0" * 64)
    assert keys(tmp_path) == ["then"]


def test_a_row_of_a_data_set_that_is_gone_stays(tmp_path, wanted):
    stored_then(tmp_path, wanted, dataset="gone")
    assert keys(tmp_path) == ["then"]


def test_a_row_stays_where_code_has_changed_since_the_proof(tmp_path, wanted, monkeypatch):
    lines = [{**line, "now": "0" * 64} for line in carried._lines()]
    monkeypatch.setattr(carried, "_lines", lambda: lines)
    stored_then(tmp_path, wanted)
    carried._today.cache_clear()
    assert keys(tmp_path) == ["then"]
    carried._today.cache_clear()


def test_rows_are_carried_over_once(tmp_path, wanted):
    stored_then(tmp_path, wanted)
    keys(tmp_path)
    with closing(sqlite3.connect(tmp_path / "store.db")) as db, db:
        db.execute("UPDATE rows SET key = 'then'")
    assert keys(tmp_path) == ["then"]


def test_every_loader_protocol_and_detector_is_on_the_map():
    known = {line["name"] for line in carried._lines()}
    assert {"detectors.shallow.neighbours:KNN", "bench.protocols.named:_one_class"} <= known
