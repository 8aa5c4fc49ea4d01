"""A store with a row as the first version kept it."""

import json
import sqlite3
from contextlib import closing

from bench.plan import suite as suites
from bench.plan.planning import wanted_rows
from bench.store import carried
from bench.store.records import Row, Wanted
from bench.store.store import Store

FILES = {"detectors/neighbours.py": carried._then("file")["detectors/neighbours.py"]}


def knn_on_wine() -> Wanted:
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
