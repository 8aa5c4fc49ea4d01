"""Commands that read leave every file as it is, and end in one sentence where they cannot read."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bench.store.folder import StoreError
from bench.store.store import Store
from tests.bench.store.test_results_folder import mounted
from tests.bench.store.test_store import row

ROOT = Path(__file__).parents[3]
N_ROWS = 300
READ = "every command ends with exit 2 and one sentence that names the file; no file changes"
COMMANDS = {
    "board": ("board", "smoke"),
    "report": ("report", "smoke"),
    "export": ("export", "{out}/rows.csv"),
    "scores": ("export", "{out}/scores.csv", "--table", "scores"),
    "compare": ("compare", "2000-01-01", "2100-01-01"),
    "history": ("history",),
    "debug": ("debug", "{key}"),
    "dry run": ("run", "smoke", "--dry-run"),
    "track": ("track",),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A results folder with a store of many pages, closed."""
    made, one = row(0), tmp_path_factory.mktemp("one")
    with closing(Store(one)) as store:
        store.add(made)
        packed = store.packed(made.wanted.key)
    folder = tmp_path_factory.mktemp("sound")
    with closing(Store(folder)) as store:
        store.add_packed(packed._replace(key=f"{i:064}") for i in range(N_ROWS))
    return folder


@pytest.fixture
def folder(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "results")


def sql(folder, *statements):
    with closing(sqlite3.connect(folder / "store.db")) as database, database:
        for statement in statements:
            database.execute(statement)


def read_all(folder):
    with closing(Store(folder, read_only=True)) as store:
        return list(store.records())


def files(folder):
    """Return the bytes of every file in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def killed_while_writing(folder):
    """Leave a store as a killed process does: its last rows are in the log beside it."""
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom bench.store.store import Store\n"
        "from tests.bench.store.test_store import row\n"
        "store = Store(Path(sys.argv[1]))\nfor seed in range(5): store.add(row(seed))\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], cwd=ROOT, check=False)
    assert (folder / "store.db-wal").stat().st_size > 0


def overwrite_pages(folder):
    content = bytearray((folder / "store.db").read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    (folder / "store.db").write_bytes(content)


def cut_in_half(folder):
    content = (folder / "store.db").read_bytes()
    (folder / "store.db").write_bytes(content[: len(content) // 2])


def make_foreign(folder):
    (folder / "store.db").unlink()
    sql(folder, "CREATE TABLE users (name)", "INSERT INTO users VALUES ('me')")


def make_foreign_with_rows(folder):
    (folder / "store.db").unlink()
    sql(folder, "CREATE TABLE rows (id, name)", "INSERT INTO rows VALUES (1, 'me')")


def update(statement):
    return lambda folder: sql(folder, statement)


# What is wrong, how it is made, and what the sentence says.
DAMAGES = {
    "pages of noise": (overwrite_pages, "malformed"),
    "half of the file": (cut_in_half, "malformed"),
    "a database of another program": (make_foreign, "is a database of another program"),
    "another program's table `rows`": (make_foreign_with_rows, "is a database of another program"),
    "a later version": (update("PRAGMA user_version = 99"), "by a later version"),
    "no database": (
        lambda folder: (folder / "store.db").write_text("notes" * 1000),
        "file is not a database",
    ),
    "a record that is no JSON": (
        update("UPDATE rows SET record = '{\"key\": \"x' WHERE key LIKE '%7'"),
        "cannot read row 00000000 of",
    ),
    "a record without parts": (
        update("UPDATE rows SET record = '{\"key\": 1}' WHERE key LIKE '%7'"),
        "it has no code_id, data_sha256",
    ),
}
OF_ONE_ROW = {
    "details that are no JSON": ("details = 'x'", "Expecting value"),
    "scores of odd length": ("scores = x'0102'", "buffer size must be a multiple"),
    "fewer scores than labels": ("scores = x'0102030405060708'", "1 scores for"),
    "scores that are a text": ("scores = 'many'", "bytes-like object is required"),
}


def faults(names):
    mark = {"area": "results and loss", "kind": "a damaged or foreign store", "promise": READ}
    return [pytest.param(name, marks=pytest.mark.fault(how=name, **mark)) for name in names]


@pytest.mark.parametrize("what", faults(DAMAGES))
def test_a_store_that_cannot_be_read_is_one_sentence_and_stays(folder, what):
    damage, sentence = DAMAGES[what]
    damage(folder)
    before = files(folder)
    with pytest.raises(StoreError, match=sentence) as raised:
        read_all(folder)
    assert str(folder) in str(raised.value)
    assert files(folder) == before
    if "version" in what or "database" in what or "program" in what:
        with pytest.raises(StoreError, match=sentence):
            Store(folder)
        assert files(folder) == before


@pytest.mark.parametrize("what", faults(OF_ONE_ROW))
def test_a_damaged_row_is_one_sentence(folder, what):
    change, sentence = OF_ONE_ROW[what]
    sql(folder, f"UPDATE rows SET {change}")
    key = f"{7:064}"
    with closing(Store(folder, read_only=True)) as store:
        with pytest.raises(StoreError, match=sentence):
            store.details(key), store.scores(key)
        with pytest.raises(StoreError, match=sentence):
            store.packed(key)


@pytest.mark.parametrize("what", ["pages of noise", "a database of another program",
                                  "a record that is no JSON"])  # fmt: skip
@pytest.mark.parametrize("command", COMMANDS)
def test_every_reading_command_ends_in_one_sentence(bench, folder, tmp_path, what, command):
    damage, sentence = DAMAGES[what]
    damage(folder)
    before = files(folder)
    words = [word.format(out=tmp_path, key=f"{7:064}") for word in COMMANDS[command]]
    run = bench(*words, "--results", folder)
    assert run.wait() == 2, run.stdout + run.stderr
    assert sentence in run.stderr
    assert run.stderr.startswith("bench: ")
    assert run.stderr.count("\n") == 1
    after = files(folder)
    after.pop("fathom.lock", None)  # of `track`, which sends rows and therefore locks
    assert after.keys() >= before.keys()
    assert {name: after[name] for name in before} == before


@pytest.mark.fault(
    area="results and loss",
    kind="a damaged or foreign store",
    how="a folder whose store has pages of noise is merged into a sound one",
    promise="the sentence names the damaged folder, and the target stays as it was",
)
@pytest.mark.parametrize("what", ["pages of noise", "a record that is no JSON"])
def test_merging_a_damaged_source_names_the_source(bench, folder, tmp_path, what):
    DAMAGES[what][0](folder)
    with closing(Store(tmp_path / "target")) as store:
        store.add(row(1))
    run = bench("merge", folder, "--results", tmp_path / "target")
    assert run.wait() == 2
    assert f"{folder / 'store.db'}: " in run.stderr
    assert "target" not in run.stderr
    assert run.stderr.count("\n") == 1
    with closing(Store(tmp_path / "target", read_only=True)) as store:
        assert list(store.statuses()) == [row(1).wanted.key]


@pytest.mark.fault(
    area="results and loss",
    kind="rows that are still in the log of a killed run",
    how="the run's process gets SIGKILL, and the folder is then read, as it is or without its "
    "index file",
    promise="every row is read, and no file changes",
)
@pytest.mark.parametrize("lost", ["nothing", "store.db-shm"])
def test_rows_in_the_log_of_a_killed_run_are_read(tmp_path, lost):
    killed_while_writing(tmp_path)
    (tmp_path / lost).unlink(missing_ok=True)
    before = {name: text for name, text in files(tmp_path).items() if not name.endswith("-shm")}
    with closing(Store(tmp_path, read_only=True)) as store:
        assert len(list(store.records())) == 5
    after = files(tmp_path)
    assert ("store.db-shm" in after) == (lost == "nothing")
    assert {name: text for name, text in after.items() if not name.endswith("-shm")} == before


@pytest.mark.fault(
    area="results and loss",
    kind="rows that are still in the log of a killed run",
    how="the folder is mounted read-only, with and without its index file",
    promise="every row is read",
)
@pytest.mark.parametrize("lost", ["nothing", "store.db-shm"])
def test_rows_in_the_log_of_a_read_only_folder_are_read(tmp_path, lost):
    killed_while_writing(tmp_path / "kept")
    (tmp_path / "kept" / lost).unlink(missing_ok=True)
    (tmp_path / "seen").mkdir()
    program = (
        "import sys; from pathlib import Path; from bench.store.store import Store; "
        "print(len(list(Store(Path(sys.argv[1]), read_only=True).records())))"
    )
    script = (
        f"mount -o remount,bind,ro {tmp_path}/seen && "
        f"{sys.executable} -c '{program}' {tmp_path}/seen"
    )
    done = mounted(["--bind", str(tmp_path / "kept")], script, tmp_path / "seen")
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")


def test_reading_a_closed_store_leaves_nothing_beside_it(folder):
    before = files(folder)
    with closing(Store(folder, read_only=True)) as store:
        assert len(list(store.records())) == N_ROWS
    assert files(folder) == before


def test_a_store_of_an_earlier_version_is_read_as_upgraded_and_stays(folder):
    sql(folder, "PRAGMA user_version = 0", "DROP TABLE identity")
    before = files(folder)
    with closing(Store(folder, read_only=True)) as store:
        assert len(list(store.records())) == N_ROWS
        assert store.id()
    assert files(folder) == before


@pytest.mark.fault(
    area="results and loss",
    kind="a store that another program locks",
    how="another process holds store.db exclusively",
    promise="the command says that it is locked",
)
def test_a_locked_store_is_called_locked(folder):
    with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"store.db is locked by another program; run again"):
            Store(folder, read_only=True)


def test_a_copy_of_a_store_is_read_where_it_lies(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "über 100 % #1?")
    with closing(Store(tmp_path / "über 100 % #1?", read_only=True)) as store:
        assert len(json.dumps(list(store.records()))) > 0
