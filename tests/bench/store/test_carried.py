"""Rows whose keys name code by whole files come under their keys of today, where that is proved."""

import json
import sqlite3
from contextlib import closing

import pytest

from bench.plan import suite as suites
from bench.plan.planning import wanted_rows
from bench.store import carried
from bench.store.records import Row
from bench.store.store import Store

FILES = {"detectors/neighbours.py": carried._then("file")["detectors/neighbours.py"]}


@pytest.fixture
def wanted():
    content = {"name": "t", "title": "t", "detectors": ["knn"], "datasets": ["wine"]}
    return wanted_rows(suites.build({**content, "seeds": 1}), "cpu")[0]


def stored_then(results, wanted, files=FILES, **changed):
    """Write a store with one row as it was kept then; return the key of that row."""
    with closing(Store(results)) as store:
        versions = carried._today("knn", "one-class", "wine").parts["versions"]
        details = {"code": {"files": files, "presets": [], "versions": versions}}
        store.add(Row(wanted, "ok", details=details))
    with closing(sqlite3.connect(results / "store.db")) as db, db:
        ((record,),) = db.execute("SELECT record FROM rows").fetchall()
        old = {**json.loads(record), "key": "then", "code_id": "then", **changed}
        db.execute("UPDATE rows SET key = 'then', record = ?", (json.dumps(old),))
        db.execute("PRAGMA user_version = 0")


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
