"""When files of claims were frozen, and where the time of runs went."""

import sqlite3
from contextlib import closing

from bench.store.invocations import Profile
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


def test_profiles_come_along_and_the_last_one_of_a_run_counts(tmp_path):
    early, late = (Profile(4, {"fit": seconds, "load": 0.5}) for seconds in (1.0, 2.0))
    with closing(Store(tmp_path / "here")) as here, closing(Store(tmp_path / "there")) as there:
        here.add_profiles({"run": early})
        there.add_profiles({"run": late, "other": early})
        merge([there], here)
        assert here.profiles() == {"run": late, "other": early}


def test_a_store_from_before_claims_and_profiles_has_none_of_them(tmp_path):
    store_rows(tmp_path, made_up())
    with closing(sqlite3.connect(tmp_path / "store.db")) as database:
        database.executescript("DROP TABLE frozen; DROP TABLE profiles")
    with closing(Store(tmp_path, read_only=True)) as store:
        assert store.frozen() == store.profiles() == {}
