"""The results folder: full, unwritable, in use; and what a run reports and keeps of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import bench as harness
from bench.run.remarks import N_FAILURES_SHOWN

ROOT = Path(__file__).parents[3]
SUITE = """
title = "small"
detectors = ["random", "mean-distance"]
datasets = ["synthetic/annulus"]
seeds = 2
"""
FAULTS = """
title = "faults"
datasets = ["wine"]
seeds = 2

[[detectors]]
spec = "random"

[[detectors]]
spec = "mean-distance"
"""
ENTRANT = """
[[detectors]]
spec = "tests/helpers/faulty.py:Faulty"
label = {label}
settings = {{{settings}}}
"""
# label -> settings and status
ENTRANTS = {
    "raises": ('fitting = "raise"', "error"),
    "hangs": ('fitting = "hang with the GIL"', "timeout"),
    "eats": ('fitting = "fill memory with arrays"', "memory"),
    "segfaults": ('fitting = "segfault"', "crashed"),
    "exits": ('scoring = "os._exit(0)"', "crashed"),
    "nan": ('answer = "one NaN"', "non-finite"),
    "shape": ('answer = "one too many"', "error"),
    "constant": ('answer = "a constant"', "constant"),
    "daemon": ('fitting = "leave a daemon"', "ok"),
    "loud": ('fitting = "print megabytes"', "ok"),
    "odd": ('fitting = "raise with odd characters"', "error"),
}


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SUITE)
    return path


def statuses(results):
    """Return the status of every stored row by label and seed."""
    with closing(sqlite3.connect(results / "store.db")) as database:
        records = [json.loads(text) for (text,) in database.execute("SELECT record FROM rows")]
    return {(record["label"], record["seed"]): record["status"] for record in records}


def scores(results):
    with closing(sqlite3.connect(results / "store.db")) as database:
        return dict(database.execute("SELECT key, scores FROM rows"))


def test_bad_detectors_cost_their_rows_alone_and_are_not_run_again(bench, tmp_path):
    path = tmp_path / "faults.toml"
    path.write_text(FAULTS)
    alone = bench("run", path, "--results", tmp_path / "alone")
    assert alone.wait() == 0
    entrants = [
        ENTRANT.format(label=json.dumps(label), settings=settings)
        for label, (settings, _) in ENTRANTS.items()
    ]
    path.write_text(FAULTS + "".join(entrants))
    results = tmp_path / "results"
    limits = ("--time-limit", 2, "--memory-limit", 0.2, "--jobs", 2)
    run = bench("run", path, "--results", results, *limits)
    assert run.wait() == 0
    assert run.stderr == ""
    assert run.sandboxes() == set()
    wanted = {label: status for label, (_, status) in ENTRANTS.items()}
    wanted |= {"random": "ok", "mean-distance": "ok"}
    assert statuses(results) == {(name, s): wanted[name] for name in wanted for s in (0, 1)}
    ours = scores(results)
    assert {key: ours[key] for key in scores(tmp_path / "alone")} == scores(tmp_path / "alone")

    n_failed = 2 * sum(status != "ok" for status in wanted.values())
    failed = [row for row in harness.rows(results).to_dict("records") if row["status"] != "ok"]
    kinds = {(row["status"], row["reason"]) for row in failed}
    named = sum(": " in line and ", seed " in line for line in run.stdout.splitlines())
    assert named == min(len(kinds), N_FAILURES_SHOWN)
    assert "\x1b" not in run.stdout
    again = bench("run", path, "--results", results, *limits, "--strict")
    assert again.wait() == 1
    assert "26 rows, 26 stored, 0 to run" in again.stdout
    retried = bench("run", path, "--results", results, "--retry", "error,constant", "--strict")
    assert retried.wait() == 1
    assert "26 rows, 18 stored, 8 to run" in retried.stdout
    everything = bench("run", path, "--results", results, "--retry", "all", "--dry-run")
    assert everything.wait() == 0
    assert f"26 rows, {26 - n_failed} stored, {n_failed} to run" in everything.stdout


def test_a_run_in_which_all_fails_ends_with_a_board_that_says_so(bench, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(
        'title = "all bad"\ndatasets = ["synthetic/annulus"]\nseeds = 2\n'
        + ENTRANT.format(label='"bad"', settings='fitting = "raise"')
    )
    run = bench("run", path, "--results", tmp_path)
    assert (run.wait(), run.stderr) == (0, "")
    failures = r"bad +error +2 +synthetic/annulus +ValueError: no such luck"
    assert re.search(failures, run.stdout)
    board = bench("board", "smoke", "--results", tmp_path)  # of which nothing is stored
    assert (board.wait(), board.stderr) == (0, "")
    assert "missing" in board.stdout
    markdown = (tmp_path / "boards" / "leaderboard-bad.md").read_text()
    assert "ValueError: no such luck" in markdown


def test_strict_says_by_its_status_that_a_row_failed(bench, tmp_path):
    path = tmp_path / "strict.toml"
    path.write_text(FAULTS + ENTRANT.format(label='"bad"', settings='fitting = "raise"'))
    assert bench("run", path, "--results", tmp_path, "--seeds", 1, "--strict").wait() == 1


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("exits", "import os; os._exit(0)", "the process exited with status 0 before"),
        ("segfaults", "import ctypes; ctypes.string_at(0)", "killed by SIGSEGV"),
        ("leaves", "raise SystemExit(4)", "the detector called exit(4)"),
        ("divides", "1 / 0", "ZeroDivisionError: division by zero"),
        ("misses", "import no_such_module", "No module named 'no_such_module'"),
        ("syntax", "def", "is not valid python"),
        ("no detector", "class Method: pass", "is not a Detector; write `class Method(Detector)`"),
        ("no class", "class Other: pass", "no class 'Method' there"),
        ("abstract", "from detectors.contract import Detector as Method", "no class 'Method'"),
    ],
)
def test_a_user_file_that_cannot_be_imported_is_refused_in_one_line(
    bench, tmp_path, name, text, told
):
    path = tmp_path / f"{name.replace(' ', '_')}.py"
    path.write_text(
        text if "class" in text or name == "abstract" else f"{text}\nclass Method: pass\n"
    )
    results = tmp_path / "results"
    run = bench(
        "run", "smoke", "--detectors", f"random,{path}:Method", "--datasets", "synthetic/annulus",
        "--seeds", 1, "--results", results,
    )  # fmt: skip
    assert run.wait() == 2
    assert told in run.stderr
    assert path.name in run.stderr
    assert run.stderr.startswith("bench: ")
    assert run.stderr.count("\n") == 1
    assert "Traceback" not in run.stderr + run.stdout
    assert not (results / "store.db").exists() or statuses(results) == {}
    assert run.sandboxes() == set()


def test_a_user_file_whose_import_hangs_is_refused(make_rows, tmp_path):
    from bench.run.converse import check_settings

    path = tmp_path / "hangs.py"
    path.write_text("import time\ntime.sleep(600)\nclass Method: pass\n")
    pairs = [("random", {}), (f"{path}:Method", {}), ("random", {})]
    with make_rows.servers.lend() as server:
        checked = check_settings(server, pairs, 1024, seconds=0.5)
    why = f"cannot create {path}:Method: its import does not finish"
    assert [each.error for each in checked] == [None, why, None]
    assert make_rows.left_behind() == set()


def test_a_second_run_in_a_folder_names_the_first_and_leaves_it_alone(bench, tmp_path):
    path = tmp_path / "slow.toml"
    path.write_text(FAULTS + ENTRANT.format(label='"naps"', settings='scoring = "nap"'))
    results = tmp_path / "results"
    first = bench("run", path, "--results", results, "--seeds", 6, "--jobs", 1)
    assert bench.wait_until(lambda: (results / "fathom.work").is_dir(), 60)
    second = bench("run", path, "--results", results)
    assert second.wait() == 2
    assert f"`bench run {path} --results {results} --seeds 6 --jobs 1`" in second.stderr
    assert f"process {first.pid} on " in second.stderr
    assert second.stderr.endswith("give another folder with --results (docs/troubleshooting.md)\n")
    assert second.stderr.count("\n") == 1
    assert not first.ended()
    assert first.wait() == 0
    assert len(statuses(results)) == 18
    assert set(statuses(results).values()) == {"ok"}


def test_reading_goes_on_beside_a_run(bench, tmp_path):
    path = tmp_path / "slow.toml"
    path.write_text(FAULTS + ENTRANT.format(label='"naps"', settings='scoring = "nap"'))
    run = bench("run", path, "--results", tmp_path, "--seeds", 6, "--jobs", 1)
    assert bench.wait_until((tmp_path / "fathom.work").is_dir, 60)
    board = bench("board", path, "--results", tmp_path, "--seeds", 6)
    assert (board.wait(), board.stderr) == (0, "")
    assert not run.ended()
    assert run.wait() == 0


def test_a_folder_below_a_file_is_refused_in_one_line(bench, suite, tmp_path):
    (tmp_path / "file").write_text("")
    run = bench("run", suite, "--results", tmp_path / "file" / "results")
    assert run.wait() == 2
    assert run.stderr.startswith("bench: cannot write the results folder ")
    assert run.stderr.endswith("; give another with --results\n")
    assert run.stderr.count("\n") == 1


def test_a_store_that_is_none_is_refused_in_one_line(bench, suite, tmp_path):
    (tmp_path / "store.db").write_text("not a database, but long enough to be read as one" * 50)
    run = bench("run", suite, "--results", tmp_path)
    assert run.wait() == 2
    assert "file is not a database" in run.stderr
    assert run.stderr.count("\n") == 1


def mounted(options, script, results):
    """Run a shell script where a folder is mounted as options say, in a namespace of its own."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        pytest.skip("no `unshare` to mount a folder of its own with")
    trial = subprocess.run(
        ["unshare", "-rm", "mount", *options, str(results)], capture_output=True, check=False
    )
    if trial.returncode:
        pytest.skip("this user may not mount a folder in a namespace of its own")
    command = f"mount {' '.join(options)} {results} && {script}"
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"},
    )


def test_a_full_disk_is_refused_in_one_line_before_the_start(suite, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    script = (
        f"dd if=/dev/zero of={results}/filler bs=4k 2>/dev/null; "
        f"{sys.executable} -m bench run {suite} --results {results}"
    )
    done = mounted(["-t", "tmpfs", "-o", "size=1m", "none"], script, results)
    assert done.returncode == 2
    assert done.stderr.startswith("bench: cannot ")
    assert done.stderr.endswith("with --results\n")
    assert done.stderr.count("\n") == 1


def test_a_small_disk_is_refused_in_one_line_before_the_start(suite, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    script = f"{sys.executable} -m bench run {suite} --results {results}"
    done = mounted(["-t", "tmpfs", "-o", "size=2m", "none"], script, results)
    assert done.returncode == 2
    assert "MiB are free there, 64 are needed; give another folder with --results" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_refused_in_one_line(suite, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    script = f"{sys.executable} -m bench run {suite} --results {results}"
    done = mounted(["-t", "tmpfs", "-o", "ro", "none"], script, results)
    assert done.returncode == 2
    assert done.stderr.startswith(f"bench: cannot write the results folder {results}: ")
    assert "Read-only file system" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_disk_that_fills_up_ends_the_run_in_one_line_and_keeps_its_rows(tmp_path):
    """A detector of the second seed fills the disk, which the harness then cannot write to."""
    results = tmp_path / "results"
    results.mkdir()
    filler = tmp_path / "filler.py"
    filler.write_text(
        "import contextlib, os\n"
        "from detectors.shallow.baselines import MaxAbsZ\n"
        "class Filler(MaxAbsZ):\n"
        "    def _score(self, x, readout):\n"
        "        if self.seed == 2:\n"
        f"            with contextlib.suppress(OSError), open('{results}/filler', 'wb') as file:\n"
        "                while True:\n"
        "                    file.write(bytes(4096))\n"
        "        return super()._score(x, readout)\n"
    )
    script = (
        f"{sys.executable} -m bench run smoke --detectors {filler}:Filler --datasets wine "
        f"--seeds 6 --jobs 1 --results {results}; status=$?; rm {results}/filler; "
        f"cp {results}/store.db* {tmp_path}; exit $status"
    )
    done = mounted(["-t", "tmpfs", "-o", "size=72m", "none"], script, results)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("bench: cannot write ")
    assert "rows stored so far are kept" in done.stderr
    assert done.stderr.count("\n") == 1
    found = statuses(tmp_path)
    assert {seed for _, seed in found} >= {0, 1}
    assert set(found.values()) == {"ok"}


def test_missing_data_are_reported_and_run_next_time(tmp_path, monkeypatch):
    """The loader's file comes between the first run and the second."""
    import io

    from rich.console import Console

    from bench.cli.common.running import run
    from bench.plan import planning
    from bench.plan.suite import build
    from bench.run import converse
    from bench.run.session import Options
    from datasets import load

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    wine, there = load("wine"), tmp_path / "wine.data"

    def load_if_there(name, folder):
        if name == "wine" and not there.exists():
            msg = f"{there} does not exist; get it with `bench data fetch wine`"
            raise FileNotFoundError(msg)
        return wine if name == "wine" else load(name, folder)

    monkeypatch.setattr(converse, "load", load_if_there)
    converse._load.cache_clear()
    suite = build(
        {
            "name": "missing",
            "title": "missing",
            "detectors": ["random"],
            "datasets": ["wine", "synthetic/annulus"],
            "seeds": 2,
        },
        "missing",
    )
    wanted = planning.wanted_rows(suite, "cpu")
    options = Options(tmp_path / "results", None, 1, 60, None, (), None)
    told = io.StringIO()
    first = run(suite, wanted, options, Console(file=told, width=300), keep_board=False)
    assert first == {"ok": 2, "missing": 2}
    assert f"not run: {there} does not exist; get it with" in told.getvalue()
    assert set(statuses(tmp_path / "results").values()) == {"ok"}
    there.write_text("")
    second = run(suite, wanted, options, Console(file=told, width=300), keep_board=False)
    assert second == {"ok": 4}
    converse._load.cache_clear()
