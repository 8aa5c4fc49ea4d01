"""The thread that logs rows, against the local database, real servers, and servers that fail."""

import json
import re
import signal
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.helpers.plain_shell import logged, spied_environment
from tests.helpers.tracked import (
    assert_each_once,
    free_port,
    record,
    records,
    replay,
    run_python,
    summary,
    track,
    wait_for,
)


def test_handing_over_a_row_takes_no_time(results, open_tracker):
    tracker = open_tracker(results)
    start = time.perf_counter()
    for row in records(200):
        tracker.log(row)
    assert time.perf_counter() - start < 0.5
    tracker.abandon()
    tracker._thread.join()


def test_an_abandoned_invocation_stops_at_once_and_ends_as_killed(results, open_tracker):
    tracker = open_tracker(results)
    for row in records(500):
        tracker.log(row)
    wait_for(lambda: tracker._delivery.logged >= 5)
    start = time.perf_counter()
    tracker.abandon()
    assert time.perf_counter() - start < 3
    (parent,), children = logged(results)
    assert parent.info.status == "KILLED"
    assert 5 <= len(children) < 500
    assert {run.info.status for run in children} == {"FINISHED"}


TRACKS_IN_SILENCE = """
import json, sys, time
from pathlib import Path
from bench.store.store import Store
from bench.tracking.parent_run import Summary
from bench.tracking.stored import send_stored
from bench.tracking.tracker import Tracker
assert "mlflow" not in sys.modules
rows, results = json.loads({rows!r}), Path({results!r})
store = Store(results)
tracker = Tracker(store, "default", {{"command": "bench run"}})
for row in rows:
    tracker.log(row)
summary = lambda: Summary({{"leaderboard.md": "x"}})
assert tracker.finish(summary).logged == 2
assert send_stored(store, "default", rows, summary).logged == 0
time.sleep(1)
"""


def test_the_local_store_never_looks_up_a_name_and_prints_nothing(fresh, tmp_path):
    log = tmp_path / "network.log"
    path = spied_environment(log)["PYTHONPATH"]
    script = TRACKS_IN_SILENCE.format(rows=json.dumps(records(2)), results=str(fresh))
    ran = run_python(script, PYTHONPATH=path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert not log.exists()
    run_python("import socket; socket.getaddrinfo('127.0.0.1', 1)", PYTHONPATH=path)
    assert "getaddrinfo" in log.read_text()


def test_a_server_that_hangs_for_a_while_has_every_row_in_the_end(
    fresh, server, monkeypatch, open_tracker
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    tracker = open_tracker(fresh, "hangs")
    tracker.log(record(0))
    wait_for(lambda: tracker._delivery.logged == 1)
    server.signal(signal.SIGSTOP)
    try:
        for row in records(4)[1:]:
            tracker.log(row)
        wait_for(lambda: tracker.problem)
        assert "(no answer in time); rows are stored; `bench track hangs " in tracker.problem
    finally:
        server.signal(signal.SIGCONT)
    report = tracker.finish(summary)
    assert (report.logged, report.problem) == (4, None)
    assert_each_once(fresh, records(4), "hangs")
    assert len(logged(fresh, "hangs")[0]) == 1


def test_a_server_killed_under_way_stops_nothing_and_a_replay_makes_up_for_it(
    fresh, server, monkeypatch, open_tracker
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:secret@127.0.0.1:{server.port}")
    tracker = open_tracker(fresh, "killed")
    for row in records(40):
        tracker.log(row)
    wait_for(lambda: tracker._delivery.logged >= 3)
    server.kill()
    start = time.perf_counter()
    report = tracker.finish(summary)
    assert time.perf_counter() - start < 8
    assert 3 <= report.logged < 40
    assert re.fullmatch(
        rf"mlflow at {server.address} is not available \(connection (refused|lost)\); "
        rf"rows are stored; `bench track killed --results {fresh}` sends them later",
        report.problem,
    )
    server.start()
    again = replay(fresh, "killed", records(40))
    assert again.problem is None
    assert again.logged + again.already == 40
    assert replay(fresh, "killed", records(40)).logged == 0
    assert_each_once(fresh, records(40), "killed")
    assert sorted(r.info.status for r in logged(fresh, "killed")[0]) == ["FINISHED", "KILLED"]


class Stranger(BaseHTTPRequestHandler):
    """A web server that is not MLflow: it says hello to whatever it is asked."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>")

    do_POST = do_GET

    def log_message(self, *args):
        pass


def stranger() -> HTTPServer:
    httpd = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    return httpd


@pytest.mark.parametrize("kind", ["closed", "silent", "stranger", "unknown host", "wrong scheme"])
def test_without_a_server_the_run_goes_on_and_says_so(fresh, kind, monkeypatch, capfd):
    held, port = None, free_port()
    if kind == "silent":
        held = socket.create_server(("127.0.0.1", 0))
        port = held.getsockname()[1]
    elif kind == "stranger":
        held = stranger()
        port = held.server_port
    host = "no-such-host.invalid" if kind == "unknown host" else "127.0.0.1"
    scheme = "htp" if kind == "wrong scheme" else "http"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{scheme}://me:secret@{host}:{port}")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    import mlflow.store  # noqa: F401  # takes its time

    start = time.perf_counter()
    report = track(fresh, records(3))
    took = time.perf_counter() - start
    if kind == "stranger":
        held.shutdown()
        held.server_close()
    elif held:
        held.close()
    assert took < 12
    assert report.logged == 0
    assert report.problem.startswith(f"mlflow at {scheme}://{host}:{port} is not available (")
    command = f"bench track default --results {fresh}"
    assert report.problem.endswith(f"; rows are stored; `{command}` sends them later")
    assert len(report.problem) < 300 + len(str(fresh))
    assert "secret" not in report.problem + report.uri
    assert capfd.readouterr() == ("", "")
