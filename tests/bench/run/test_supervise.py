"""A child that goes for the sandbox itself costs its own rows and leaves nothing."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import tempfile
import time
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import pytest

import bench as harness
from bench.run import converse, supervise
from bench.run.processes import SHARED as SEGMENTS
from bench.run.processes import segments
from tests.bench.conftest import wait_until
from tests.helpers.fault_matrix import DETECTORS, fault, faults
from tests.helpers.marked import MARK, processes

HOSTILE = "tests/helpers/hostile.py:Hostile"
LIMIT = 2.5  # seconds
OWN_ROWS = "the row ends as crashed within its time limit; no other row is touched"
UNEXPECTED = "unexpected data on the sandbox channel"


def hostile(act, **settings):
    return {"spec": HOSTILE, "label": "bad", "settings": {"fitting": act, **settings}}


def check_the_other_row(rows):
    (other,) = (row for row in rows if row.wanted.label != "bad")
    assert (other.wanted.spec, other.status) == ("mean-distance", "ok")


RAW = (
    "send less than promised",
    "send less than promised and hang",
    "send half a head",
    "send byte by byte",
    "promise 8 EiB",
    "promise 1 GiB",
)
FORGED = (
    "send deep nesting",
    "send a number of 10,000 digits",
    "send infinite costs",
    "send negative costs",
    "send too many parameters",
    "send a lone surrogate",
    "send megabytes of a warning",
    "send an empty name",
    "send two outcomes for one",
    "send a failure that is ok",
)
SPOKEN = faults(RAW, "`fit` writes bytes to the channel between sandbox and harness", OWN_ROWS)
SPOKEN += faults(FORGED, "`fit` sends a forged message on the channel", OWN_ROWS)


@pytest.mark.parametrize("act", SPOKEN)
def test_what_a_child_says_is_bounded_and_has_a_deadline(make_rows, act):
    start = time.monotonic()
    rows = make_rows(hostile(act), "mean-distance", seconds=LIMIT)
    assert time.monotonic() - start < 20
    (bad,) = (row for row in rows if row.wanted.label == "bad")
    assert (bad.status, bad.reason) == ("crashed", UNEXPECTED)
    check_the_other_row(rows)
    assert make_rows.left_behind() == set()


GONE = "the row ends as timeout, and every process of the detector is gone with it"
ESCAPES = [
    fault("join the group of the server", "fit calls setpgid and hangs", GONE),
    fault("start a session", "fit forks a process that calls setsid; both hang", GONE),
    fault("daemonise and hang", "fit forks twice with setsid between, and hangs", GONE),
    fault("multiply", "fit starts a process that forks itself and ends, without end", GONE),
]


@pytest.mark.parametrize("act", ESCAPES)
def test_no_process_outlives_its_child_in_another_group_or_session(make_rows, act):
    start = time.monotonic()
    rows = make_rows(hostile(act), "mean-distance", seconds=LIMIT)
    assert time.monotonic() - start < 20
    (bad,) = (row for row in rows if row.wanted.label == "bad")
    assert bad.status == "timeout"
    check_the_other_row(rows)
    assert make_rows.left_behind() == set()


@pytest.mark.fault(
    area=DETECTORS,
    kind="daemonise and kill the server",
    how="fit starts a daemon and kills its parent, the fork server, three times",
    promise="the run goes on, and the daemons are killed",
)
@pytest.mark.slow
def test_what_outlives_the_server_is_killed_too(make_rows, monkeypatch):
    monkeypatch.setenv(MARK, make_rows.mark)  # for new servers
    try:
        with pytest.raises(converse.NotRun, match="the fork server ended with status -9"):
            make_rows(hostile("daemonise and kill the server"))
        assert wait_until(lambda: not processes(make_rows.mark), 10)
    finally:
        make_rows("mean-distance")
        (make_rows.server,) = processes(make_rows.mark)


@pytest.mark.fault(
    area=DETECTORS,
    kind="stop the server",
    how="fit sends SIGSTOP to its parent, the fork server, and hangs",
    promise="the row ends as timeout, and another server takes over",
)
@pytest.mark.slow
def test_a_server_that_is_stopped_is_replaced(make_rows, monkeypatch):
    monkeypatch.setenv(MARK, make_rows.mark)
    monkeypatch.setattr(supervise, "KILL_SECONDS", 1.0)
    try:
        rows = make_rows(hostile("stop the server"), "mean-distance", seconds=LIMIT)
        assert [row.status for row in rows if row.wanted.label == "bad"] == ["timeout"]
        check_the_other_row(rows)
        (after,) = make_rows("mean-distance")  # the job that hung may have been the last
        assert after.status == "ok"
    finally:
        (make_rows.server,) = processes(make_rows.mark)


SHARED = "the row ends as memory"
HELD = [
    fault("share anonymous memory", "fit fills 600 MiB of a shared mapping, limit 400", SHARED),
    fault("share a segment", "fit fills 600 MiB of /dev/shm, limit 400", SHARED),
    fault("write a memfd", "fit writes 600 MiB to a memfd and maps none, limit 400", SHARED),
    fault("write shared files", "fit writes and closes 600 MiB in /dev/shm, limit 400", SHARED),
    fault("fill a segment of System V", "fit fills 600 MiB and detaches them, limit 400", SHARED),
]


@pytest.mark.parametrize("act", HELD)
def test_shared_memory_counts(make_rows, act):
    rows = make_rows(hostile(act), "mean-distance", seconds=20, memory_mib=400)
    (bad,) = (row for row in rows if row.wanted.label == "bad")
    assert bad.status == "memory"
    assert bad.reason.endswith(" MiB, limit 400 MiB")
    check_the_other_row(rows)
    assert make_rows.left_behind() == set()


@pytest.mark.parametrize("act", ["share with copies of itself", "map a memfd"])
def test_memory_that_processes_share_counts_once(make_rows, act):
    (row,) = make_rows(hostile(act), memory_mib=400)
    assert (row.status, row.reason) == ("ok", "")


@pytest.mark.parametrize(
    "act",
    [
        fault(act, how, "the segment is removed with the child; segments of others stay")
        for act, how in {
            "leave shared memory": "fit creates a segment in /dev/shm and never removes it",
            "leave shared memory and die": "the same, then a segmentation fault",
        }.items()
    ],
)
def test_shared_memory_of_a_dead_child_is_removed(make_rows, act):
    before = set(os.listdir(SEGMENTS))
    (row,) = make_rows(hostile(act))
    assert row.status == ("crashed" if act.endswith("die") else "ok")
    name = row.details["output"].strip()
    assert name
    assert name not in before
    assert not (SEGMENTS / name).exists()


@pytest.mark.parametrize(
    "act",
    [
        fault(act, how, "the segment is removed with the child; segments of others stay")
        for act, how in {
            "leave a segment of System V": "fit makes one, detaches it and never removes it",
            "leave a segment of System V and die": "the same, then os._exit",
        }.items()
    ],
)
def test_a_segment_of_a_dead_child_is_removed(make_rows, act):
    others = ctypes.CDLL(None).shmget(0, 4096, 0o1600)
    try:
        (row,) = make_rows(hostile(act))
        assert row.status == ("crashed" if act.endswith("die") else "ok")
        left = {int(segment["shmid"]) for segment in segments()}
        assert others in left
        assert int(row.details["output"]) not in left
    finally:
        ctypes.CDLL(None).shmctl(others, 0, None)


@pytest.mark.parametrize(
    "act",
    faults(
        ["remove its folder", "remove the folders of all"],
        "`fit` removes the folder that its TMPDIR lies in, or the one above it",
        "the row ends as crashed with the reason; no other row is touched",
    ),
)
def test_a_detector_that_removes_its_folder_costs_its_own_rows(make_rows, act):
    rows = make_rows(hostile(act), "mean-distance", seeds=2)
    bad = [row for row in rows if row.wanted.label == "bad"]
    reason = "the detector removed the folder of its samples"
    assert [(row.status, row.reason) for row in bad] == [("crashed", reason)] * 2
    assert [row.status for row in rows if row not in bad] == ["ok"] * 2


def test_shared_memory_of_others_stays(make_rows):
    segment = SharedMemory(create=True, size=4096)
    try:
        (row,) = make_rows(hostile("nothing", segment=segment.name))
        assert row.status == "ok"
        assert (SEGMENTS / segment.name).exists()
    finally:
        segment.close()
        segment.unlink()


@pytest.mark.fault(
    area=DETECTORS,
    kind="leave temporary files",
    how="fit leaves a folder of `tempfile.mkdtemp`",
    promise="it lies in the work folder of the run and is removed with the child",
)
def test_temporary_files_of_a_child_are_removed(make_rows):
    (row,) = make_rows(hostile("leave temporary files"))
    assert row.status == "ok"
    folder = Path(row.details["output"].strip())
    assert not folder.exists()
    assert not folder.parent.exists()


def test_sockets_have_room_for_their_names_in_the_temporary_folder(make_rows):
    (row,) = make_rows(hostile("listen in the temporary folder"))
    assert (row.status, row.reason) == ("ok", "")
    address = row.details["output"].strip()
    assert len(address) < len(tempfile.gettempdir()) + 60


MEGABYTES = "the row is kept with a shortened text"


@pytest.mark.parametrize(
    ("act", "status"),
    [
        pytest.param(
            *case,
            marks=pytest.mark.fault(area=DETECTORS, kind=case[0], how=how, promise=MEGABYTES),
        )
        for case, how in {
            ("warn of megabytes", "ok"): "fit issues 40 warnings of 1 MiB",
            ("raise megabytes", "error"): "fit raises an error with a message of 10 MiB",
        }.items()
    ],
)
def test_texts_of_megabytes_are_shortened_where_they_arise(make_rows, act, status):
    (row,) = make_rows(hostile(act))
    assert row.status == status
    assert len(json.dumps(row.details)) < 100_000
    assert len(row.reason) < 600
    if status == "ok":
        assert len(row.details["warnings"]) == 20
        assert row.details["warnings"][3].startswith("RuntimeWarning: 3 xxx")
    else:
        assert "in _fit" in row.details["traceback"]


@pytest.mark.fault(
    area=DETECTORS,
    kind="odd number of parameters",
    how="n_parameters_ is 10**400, negative, NaN, a text or raises",
    promise="the number is left out with a warning, and the row is kept",
)
@pytest.mark.parametrize("counted", ["10**400", "negative", "NaN", "a text", "an error"])
def test_a_number_of_parameters_that_cannot_be_kept_is_left_out(make_rows, counted):
    spec = "tests/helpers/hostile.py:Counted"
    (row,) = make_rows({"spec": spec, "settings": {"counted": counted}})
    assert (row.status, row.costs["parameters"]) == ("ok", None)
    (warning,) = row.details["warnings"]
    assert warning.startswith("n_parameters_ is left out: ")
    assert len(warning) < 600


@pytest.mark.fault(
    area=DETECTORS,
    kind="forge the clock",
    how="fit replaces time.perf_counter by one that returns NaN",
    promise=OWN_ROWS,
)
def test_costs_that_are_no_numbers_are_refused(make_rows):
    rows = make_rows(hostile("forge the clock"), "mean-distance")
    assert {row.status for row in rows if row.wanted.label == "bad"} == {"crashed"}
    check_the_other_row(rows)


@pytest.mark.fault(
    area=DETECTORS,
    kind="stopped harness",
    how="`bench run` gets SIGSTOP for longer than the time limit, then SIGCONT",
    promise="time in which it did not run does not count; the rows are ok",
)
@pytest.mark.slow
def test_time_in_which_the_harness_did_not_run_does_not_count(bench, tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'datasets = ["wine"]\nseeds = 1\n[[detectors]]\nspec = "tests/helpers/faulty.py:Faulty"\n'
        'settings = {fitting = "nap longer"}\n'
    )
    results = tmp_path / "results"
    running = bench("run", suite, "--results", results, "--time-limit", 4)
    assert bench.wait_until(lambda: list(results.glob("**/train-0.npy")), 60)
    os.kill(running.pid, signal.SIGSTOP)
    time.sleep(5)
    os.kill(running.pid, signal.SIGCONT)
    assert running.wait(60) == 0
    assert harness.rows(results).status.tolist() == ["ok"]
