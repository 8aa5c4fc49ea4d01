"""When files of claims were frozen."""

import sqlite3
from contextlib import closing

from bench.store.merge import merge
from bench.store.store import Store
from tests.helpers.rows_made_up import made_up, store_rows


def test_when_claims_were_frozen_comes_along_and_the_earliest_time_counts(tmp_path):
    with closing(Store(tmp_path / "here")) as here, closing(Store(tmp_path / "there")) as there:
        here.freeze({"a": "2026-01-02", "b": "2026-01-02"})
        there.freeze({"a": "2026-01-01"})
        here.freeze({"b": "2026-01-03"})
        merge([there], here)
        assert here.frozen() == {"a": "2026-01-01", "b": "2026-01-02"}


def test_a_store_from_before_claims_has_none_that_are_frozen(tmp_path):
    store_rows(tmp_path, made_up())
    with closing(sqlite3.connect(tmp_path / "store.db")) as database:
        database.execute("DROP TABLE frozen")
    with closing(Store(tmp_path, read_only=True)) as store:
        assert store.frozen() == {}
