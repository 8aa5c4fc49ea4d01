"""Fetching what is missing, under its licence, and verifying what is there."""

import fcntl
import gzip
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

import datasets
from datasets import Archive, File, UnknownDataSet
from datasets.fetch import fetching, transfer
from datasets.fetch.fetching import ACCEPTED, LOCK, FetchError, fetch, verify
from tests.helpers.files.served import BLOB, CONTENT, GOT, SHA256, TAMPERED, in_folder, states

ROOT = Path(datasets.__file__).parent.parent


# What servers do


def test_a_file_is_fetched_verified_and_put_in_place(server, offer, data):
    name = offer(server.serve("a", CONTENT))

    assert fetch([name], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"] == [""]


@pytest.mark.parametrize(
    "pins",
    [
        {"sha256": "", "git_blob": BLOB},
        {"sha256": "", "git_blob": BLOB, "n_bytes": None},
        {"n_bytes": None},
        {"sha256": "", "n_bytes": None},
    ],
)
def test_a_file_is_fetched_by_whatever_is_known_of_it(server, offer, data, pins):
    assert fetch([offer(server.serve("a", CONTENT), **pins)], data) == {}

    assert in_folder(data) == GOT


def test_a_file_is_known_by_what_it_unpacks_to(server, enter, data):
    pin = hashlib.sha256(b"idx").hexdigest()
    url = server.serve("a", gzip.compress(b"idx", mtime=12345))
    name = enter(files=(File("m/x.gz", (url,), unpacked_sha256=pin),))

    assert fetch([name], data) == {}


def test_what_is_there_and_right_is_not_fetched_again(server, offer, data):
    name = offer(server.serve("a", CONTENT))
    fetch([name], data)

    assert fetch([name, name], data) == {}

    assert server.asked["a"] == [""]


def test_a_file_that_several_sets_share_is_fetched_once(server, offer, data):
    url = server.serve("a", CONTENT)
    names = [offer(url, name=f"set/{k}") for k in range(3)]

    assert fetch(names, data) == {}

    assert server.asked["a"] == [""]


def test_a_file_missing_in_several_sets_is_requested_once_and_reported_each(server, offer, data):
    url = server.serve("a", b"")
    names = [offer(url, name=f"set/{k}") for k in range(3)]

    assert fetch(names, data).keys() == set(names)

    assert server.asked["a"] == [""]


def test_a_host_that_cannot_be_reached_is_asked_once(enter, data, monkeypatch):
    asked = []

    def bring(url, *rest):
        asked.append(url)
        transfer.bring(url, *rest)

    monkeypatch.setattr(fetching, "bring", bring)
    urls = [f"http://127.0.0.1:9/{k}" for k in range(3)]
    names = [enter(f"set/{url[-1]}", files=(File(url[-1], (url,)),)) for url in urls]

    problems = fetch(names, data)

    assert asked == urls[:1]
    assert all(url in problem for url, problem in zip(urls, problems.values(), strict=True))


# No network, no room


def test_offline_one_sentence_says_what_was_tried_and_where_to_put_the_file(enter, offer, data):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{taken.getsockname()[1]}"
        urls = (f"{away}/a", f"{away}/b", away.replace("127.0.0.1", "127.0.0.2"))
        start = time.monotonic()

        problem = fetch([offer(*urls)], data)["set/one"]

    assert time.monotonic() - start < 2
    assert len(problem.splitlines()) == 1
    for url in urls:
        assert f"{url} cannot be reached: " in problem
    assert problem.endswith(f"try later, or put it at {data / 'set/one.bin'} manually")


def test_a_file_without_an_address_is_answered_with_how_to_get_it(offer, data):
    problem = fetch([offer(advice="ask its authors for it")], data)["set/one"]

    assert "set/one.bin has no address" in problem
    assert f"ask its authors for it, and put it at {data / 'set/one.bin'}" in problem


def test_what_is_to_be_had_by_hand_asks_for_no_licence_but_says_how(enter, data):
    name = enter(folders=("mpdd/tubes",), restricted=True, advice="get MPDD by the link")

    assert "mpdd/tubes/ is not in" in (told := fetch([name], data)[name])
    assert told.endswith("get MPDD by the link, and put it there")


def test_what_cannot_be_had_does_not_keep_the_rest_away(server, offer, enter, data):
    bad = enter("set/bad", files=(File("bad.bin", (server.serve("none", b""),)),))
    good = offer(server.serve("a", CONTENT))

    assert fetch([bad, good], data).keys() == {bad}

    assert in_folder(data) == GOT


@pytest.fixture
def read_only():
    """A data folder that this process may not write to, even if it is the superuser's."""
    with tempfile.TemporaryDirectory(prefix="fathom-") as made:
        folder = Path(made)
        (folder / "set").mkdir()
        (folder / "set" / "one.bin").write_bytes(CONTENT)
        folder.chmod(0o555)
        superuser = os.geteuid() == 0
        if superuser:
            os.seteuid(65534)
        yield folder
        if superuser:
            os.seteuid(0)
        folder.chmod(0o755)


def test_a_read_only_data_folder_is_said_in_one_sentence(enter, read_only):
    name = enter(files=(File("two.bin", ("http://127.0.0.1:9/",)),))

    with pytest.raises(
        FetchError, match=r"cannot be written to \(Permission denied\); name another"
    ):
        fetch([name], read_only)


def test_a_read_only_data_folder_that_has_the_files_is_enough(offer, read_only):
    assert fetch([offer()], read_only) == {}


def test_a_data_folder_that_is_a_file_is_said_in_one_sentence(offer, tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(FetchError, match=r"data folder .*file cannot be written to"):
        fetch([offer()], tmp_path / "file")


def test_a_file_where_a_folder_has_to_be_is_said_in_one_sentence(server, offer, data):
    data.mkdir()
    (data / "set").write_bytes(b"")

    problem = fetch([offer(server.serve("a", CONTENT))], data)["set/one"]

    assert problem.startswith(f"{data / 'set'}: File exists")


def test_a_second_fetch_into_a_folder_says_that_the_first_is_at_work(offer, data):
    data.mkdir()
    with (data / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        with pytest.raises(FetchError, match="another `bench data fetch` is running in"):
            fetch([offer("http://127.0.0.1:9/")], data)


def test_a_killed_fetch_leaves_no_half_file_in_place_and_is_resumed(server, offer, data):
    whole_chunks = 2 << 16

    def stop_there(handler, content):
        server.dropping(whole_chunks)(handler, content)
        time.sleep(3)

    url = server.serve("a", CONTENT, stop_there)
    told = f"File('set/one.bin', ({url!r},), sha256='{SHA256}', n_bytes=200000)"
    code = (
        "from datasets import Entry, File; from datasets.catalogue import TABLE\n"
        "from datasets.fetch.fetching import fetch; from pathlib import Path\n"
        f"known = dict.fromkeys(('name', 'family', 'source', 'licence', 'citation'), 'x')\n"
        f"TABLE['x'] = Entry(**known, kind='tabular', loader='x:x', files=({told},))\n"
        f"fetch(['x'], Path({str(data)!r}), report=lambda *told: print(told[1], flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as run:
        while int(run.stdout.readline()) < whole_chunks:
            pass
        run.kill()
    assert in_folder(data) == {"set/one.bin.part": CONTENT[:whole_chunks]}

    assert fetch([offer(url)], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"] == ["", f"bytes={whole_chunks}-"]


# Licences


def test_the_licence_is_shown(server, offer, data):
    lines = []
    fetch([offer(server.serve("a", CONTENT))], data, say=lines.append)

    assert lines == ["set/one: licence CC BY 4.0; a source, https://example.org"]


def test_a_licence_that_restricts_use_is_to_be_accepted_once(server, enter, data):
    def restricted(name):
        file = File(f"{name}.bin", (server.serve(name, CONTENT),), SHA256)
        return enter(name, files=(file,), restricted=True, licence="CC BY-NC-SA 4.0")

    bottle, cable = restricted("mvtec/bottle"), restricted("mvtec/cable")
    other = restricted("visa/candle")

    refused = fetch([bottle], data)[bottle]
    assert "CC BY-NC-SA 4.0" in refused
    assert f"`bench data fetch {bottle} --accept-licence`" in refused
    assert not server.asked[bottle]
    assert set(fetch([bottle, cable], data).values()) == {refused}  # one word for both

    assert fetch([bottle], data, accept_licence=True) == {}
    assert fetch([cable], data) == {}
    assert fetch([other], data).keys() == {other}
    assert (data / ACCEPTED).read_text() == "mvtec: CC BY-NC-SA 4.0\n"


def test_files_put_there_by_hand_ask_for_no_licence(enter, data):
    name = enter(files=(File("x.bin", (), SHA256),), restricted=True)
    data.mkdir()
    (data / "x.bin").write_bytes(CONTENT)

    assert fetch([name], data) == {}


# By hand


def test_a_wrong_file_put_there_by_hand_is_never_overwritten(server, offer, data):
    name = offer(server.serve("a", CONTENT))
    (data / "set").mkdir(parents=True)
    (data / "set" / "one.bin").write_bytes(b"mine")

    assert "is truncated: 4 of 200,000 bytes; move it away" in fetch([name], data)[name]

    assert in_folder(data) == {"set/one.bin": b"mine"}


def test_verify_distinguishes_right_from_wrong_missing_and_unknown(enter, data, tmp_path):
    right, wrong = File("right.bin", (), SHA256), File("wrong.bin", (), SHA256)
    missing = replace(right, path="missing.bin", urls=("http://127.0.0.1:9/",))
    files = (right, wrong, missing, File("unknown.bin"))
    archive = Archive(File("x.zip", sha256=SHA256), "x")
    name = enter(files=files, folders=("full", "empty"), archives=(archive,))
    for folder in ("full", "empty"):
        (data / folder).mkdir(parents=True)
    (data / "full" / "a.png").write_bytes(b"x")
    for path in ("right.bin", "x.zip", "unknown.bin"):
        (data / path).write_bytes(CONTENT)
    (data / "wrong.bin").write_bytes(TAMPERED)

    assert states(name, data) == [
        ("right.bin", "ok"),
        ("wrong.bin", "wrong"),
        ("missing.bin", "missing"),
        ("unknown.bin", "unverifiable"),
        ("full/", "unverifiable"),
        ("empty/", "missing"),
        ("x.zip", "ok"),
    ]
    sentences = [finding.sentence for finding in verify(name, data)]
    assert f"expected {SHA256}" in sentences[1]
    assert f"run `bench data fetch {name}`" in sentences[2]


def test_verify_rereads_a_file_whatever_is_remembered_of_it(offer, data):
    name, path = offer(), data / "set" / "one.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    os.utime(path, (1e9, 1e9))
    assert fetch([name], data) == {}  # remembers
    path.write_bytes(TAMPERED)
    os.utime(path, (1e9, 1e9))

    assert states(name, data) == [("set/one.bin", "wrong")]


def test_a_set_without_files_has_nothing_to_verify_or_fetch(tmp_path):
    assert verify("wine", tmp_path) == []
    assert fetch(["wine"], tmp_path / "none") == {}
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("ask", [verify, lambda name, data: fetch([name], data)])
def test_an_unknown_name_is_answered_with_the_nearest(ask, tmp_path):
    with pytest.raises(UnknownDataSet, match="unknown data set 'digit/3'; the nearest: digits/3"):
        ask("digit/3", tmp_path)


def test_fetching_is_imported_by_nothing_that_loads():
    code = "import sys, datasets; datasets.load('wine'); print('datasets.fetch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout == "False\n"
