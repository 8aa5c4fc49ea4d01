"""Fetching from a server on localhost that misbehaves, and verifying what is there."""

import fcntl
import gzip
import hashlib
import os
import random
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

import datasets
from datasets import Archive, Entry, File, UnknownDataSet
from datasets.catalogue import TABLE
from datasets.fetch import fetching, transfer
from datasets.fetch.fetching import ACCEPTED, LOCK, FetchError, fetch, verify

ROOT = Path(datasets.__file__).parent.parent
CONTENT = random.Random(0).randbytes(200_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BLOB = hashlib.sha1(b"blob 200000\0" + CONTENT).hexdigest()
PAGE = b"<!DOCTYPE html><title>Sign in</title>" + b" " * 500


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(transfer, "TIMEOUT_SECONDS", (1.0, 0.25))
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 1000)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data folder \N{SNOWMAN}"


@pytest.fixture
def enter(monkeypatch):
    """Add a line to the table of data sets."""

    def add(name="set/one", **told):
        about = {"source": "a source, https://example.org", "licence": "CC BY 4.0"}
        known = {
            "kind": "tabular",
            "family": "x",
            "citation": "x",
            "loader": "x:x",
            **about,
            **told,
        }
        monkeypatch.setitem(TABLE, name, Entry(name=name, **known))
        return name

    return add


@pytest.fixture
def offer(enter):
    """Add a set of one file, `set/one.bin`, with these addresses."""

    def add(*urls, name="set/one", **told):
        known = {"sha256": SHA256, "n_bytes": len(CONTENT), **told}
        return enter(name, files=(File("set/one.bin", urls, **known),))

    return add


def in_folder(data):
    """Return the content of the files in the data folder but the lock."""
    found = {path.relative_to(data).as_posix(): path for path in data.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != LOCK}


GOT = {"set/one.bin": CONTENT}


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


def test_a_file_that_several_sets_lack_is_asked_for_once_and_told_of_to_each(server, offer, data):
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


def test_a_broken_download_is_resumed_where_it_broke_off(server, offer, data):
    drops = [server.dropping(n) for n in (50_000, 1000, 70_000)]

    assert fetch([offer(server.serve("a", CONTENT, *drops))], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"] == ["", "bytes=50000-", "bytes=51000-", "bytes=121000-"]


def test_a_line_that_breaks_often_is_borne_as_long_as_bytes_come(server, offer, data):
    drops = [server.dropping(15_000)] * 13

    assert fetch([offer(server.serve("a", CONTENT, *drops))], data) == {}

    assert len(server.asked["a"]) == 14


def test_a_download_is_resumed_by_the_next_call(server, offer, data):
    name = offer(server.serve("a", CONTENT, server.dropping(60_000), *[server.status(503)] * 9))
    assert name in fetch([name], data)
    assert in_folder(data) == {"set/one.bin.part": CONTENT[:60_000]}
    server.acts["a"].clear()

    assert fetch([name], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"][-1] == "bytes=60000-"


def test_a_download_is_resumed_from_the_next_mirror(server, offer, data):
    first = server.serve("a", CONTENT, server.dropping(60_000), server.status(404))
    second = server.serve("b", CONTENT)

    assert fetch([offer(first, second)], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["b"] == ["bytes=60000-"]


def test_a_server_that_knows_no_ranges_starts_anew(server, offer, data):
    acts = [server.dropping_whole(60_000), server.whole]

    assert fetch([offer(server.serve("a", CONTENT, *acts))], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"] == ["", "bytes=60000-"]


def test_a_server_that_sends_another_range_is_not_used(server, offer, data):
    wrong = server.sending(CONTENT[5:], 206, Content_Range="bytes 5-199999/200000")
    url = server.serve("a", CONTENT, server.dropping(60_000), wrong)

    problem = fetch([offer(url)], data)["set/one"]

    assert "sent another part of the file than requested, the one from 60,000" in problem


def test_a_wrong_part_left_by_something_else_is_thrown_away(server, offer, data):
    part = data / "set" / "one.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(70_000))

    assert fetch([offer(server.serve("a", CONTENT))], data) == {}

    assert in_folder(data) == GOT
    assert server.asked["a"] == ["bytes=70000-", ""]


@pytest.mark.parametrize("known", [{}, {"n_bytes": None}])
def test_a_part_that_is_whole_is_taken(server, offer, data, known):
    part = data / "set" / "one.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)

    assert fetch([offer(server.serve("a", CONTENT), **known)], data) == {}

    assert in_folder(data) == GOT


def test_a_part_is_not_resumed_where_no_digest_would_tell(server, offer, data):
    part = data / "set" / "one.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(70_000))

    assert fetch([offer(server.serve("a", CONTENT), sha256="")], data) == {}

    assert in_folder(data) == GOT


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server, offer, data, code):
    url = server.serve("a", CONTENT, server.status(code), server.status(code))

    assert fetch([offer(url)], data) == {}

    assert len(server.asked["a"]) == 3


def test_a_server_that_says_how_long_to_wait_is_heard(server, offer, data):
    url = server.serve("a", CONTENT, server.status(503, Retry_After="1"))
    start = time.monotonic()

    assert fetch([offer(url)], data) == {}

    assert 1 <= time.monotonic() - start < 3


def test_no_server_makes_it_wait_for_long(server, offer, data, monkeypatch):
    monkeypatch.setattr(transfer, "LONGEST_PAUSE_SECONDS", 0.01)
    url = server.serve("a", CONTENT, server.status(503, Retry_After="3600"))
    start = time.monotonic()

    assert fetch([offer(url)], data) == {}

    assert time.monotonic() - start < 3


def test_a_server_that_stays_busy_is_left_for_the_next_mirror(server, offer, data):
    first = server.serve("a", CONTENT, *[server.status(503)] * 99)

    assert fetch([offer(first, server.serve("b", CONTENT))], data) == {}

    assert len(server.asked["a"]) == transfer.ATTEMPTS


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_mirror_without_the_file_is_left_at_once(server, offer, data, code):
    first = server.serve("a", CONTENT, server.status(code))

    assert fetch([offer(first, server.serve("b", CONTENT))], data) == {}

    assert len(server.asked["a"]) == 1


def test_a_redirect_is_followed(server, offer, data):
    there = server.serve("there", CONTENT)
    url = server.serve("a", b"", server.status(302, Location=there))

    assert fetch([offer(url)], data) == {}


def test_a_redirect_to_itself_ends(server, offer, data):
    url = server.serve("a", b"", *[server.status(302, Location="/a")] * 99)

    assert "cannot be used: Exceeded 30 redirects" in fetch([offer(url)], data)["set/one"]


def test_a_slow_server_is_waited_for(server, offer, data):
    assert fetch([offer(server.serve("a", CONTENT, server.trickling))], data) == {}

    assert len(server.asked["a"]) == 1


def test_a_server_that_stalls_is_asked_for_the_rest(server, offer, data):
    assert fetch([offer(server.serve("a", CONTENT, server.stalling))], data) == {}

    assert server.asked["a"] == ["", "bytes=1000-"]


def test_a_server_that_hangs_up_is_asked_again(server, offer, data):
    assert fetch([offer(server.serve("a", CONTENT, server.hanging_up))], data) == {}


def test_a_file_sent_without_its_length_is_completed(server, offer, data):
    url = server.serve("a", CONTENT, server.lengthless(60_000))

    assert fetch([offer(url)], data) == {}

    assert server.asked["a"] == ["", "bytes=60000-"]


def test_a_file_comes_as_it_is_from_a_server_that_would_pack_it(server, offer, data):
    assert fetch([offer(server.serve("a", CONTENT, server.packing))], data) == {}

    assert len(server.asked["a"]) == 1


TAMPERED = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]


@pytest.mark.parametrize(
    ("body", "headers", "known", "reason"),
    [
        (TAMPERED, {}, {}, f"sent a file that has sha256 .*, expected {SHA256}"),
        (TAMPERED, {}, {"sha256": "", "git_blob": BLOB}, f"has git-blob .*, expected {BLOB}"),
        (CONTENT[:-1], {}, {}, "announces 199,999 bytes, expected 200,000"),
        (CONTENT + b"x", {}, {}, "announces 200,001 bytes, expected 200,000"),
        (CONTENT[:-1], {}, {"n_bytes": None}, "sent a file that has sha256"),
        (b"", {}, {"n_bytes": None, "sha256": ""}, "sent an empty file"),
        (PAGE, {"Content_Type": "text/html; charset=utf-8"}, {}, "sent a web page"),
        (PAGE, {}, {"n_bytes": None}, "sent a file that is a web page"),
        (PAGE, {}, {"n_bytes": None, "sha256": ""}, "sent a file that is a web page"),
    ],
)
def test_what_is_not_the_file_is_refused_and_the_next_mirror_asked(
    server, offer, data, body, headers, known, reason
):
    bad = server.serve("a", CONTENT, *[server.sending(body, **headers)] * 2)
    name = offer(bad, **known)

    problem = fetch([name], data)[name]

    assert in_folder(data) == {} or set(in_folder(data)) == {"set/one.bin.part"}
    assert len(problem.splitlines()) == 1
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(problem)
    good = server.serve("b", CONTENT)
    assert fetch([offer(bad, good, **known)], data) == {}
    assert in_folder(data) == GOT


def test_a_file_that_grows_past_its_size_is_cut_off(server, offer, data):
    url = server.serve("a", CONTENT * 2, *[server.lengthless(400_000)] * 9)

    problem = fetch([offer(url)], data)["set/one"]

    assert "sends more than the 200,000 bytes expected" in problem


def test_progress_is_told_up_to_the_last_byte(server, offer, data):
    told = []
    url = server.serve("a", CONTENT, server.dropping(60_000))

    fetch([offer(url)], data, report=lambda *args: told.append(args))

    here = [bytes_here for _, bytes_here, _ in told]
    assert here == sorted(here)
    assert told[-1] == ("set/one.bin", 200_000, 200_000)


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


# Archives


def packed(tmp_path, members):
    with tarfile.open(tmp_path / "x.tar.xz", "w:xz") as archive:
        for name, content in members.items():
            (tmp_path / "member").write_bytes(content)
            os.utime(tmp_path / "member", (0, 0))  # the same archive each time
            archive.add(tmp_path / "member", name)
    return (tmp_path / "x.tar.xz").read_bytes()


@pytest.fixture
def pack(server, enter, tmp_path):
    """Add a set of the folder `mvtec_ad/bottle`, from an archive of these members."""

    def add(members, *acts, name="mvtec/bottle"):
        content = packed(tmp_path, members)
        url = server.serve("x.tar.xz", content, *acts)
        file = File("mvtec_ad/x.tar.xz", (url,), hashlib.sha256(content).hexdigest())
        folder = f"mvtec_ad/{name.rpartition('/')[2]}"
        return enter(name, folders=(folder,), archives=(Archive(file, "mvtec_ad"),))

    return add


BOTTLE = {"bottle/train/000.png": b"0", "cable/train/000.png": b"1"}
LIST = "mvtec_ad/x.tar.xz.files.sha256"


def listed(members, into="mvtec_ad/"):
    """Return the list of digests that is kept of an archive's members."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {into}{n}" for n, content in members.items()]
    return "\n".join([*lines, ""]).encode()


UNPACKED = {f"mvtec_ad/{name}": content for name, content in BOTTLE.items()}
UNPACKED[LIST] = listed(BOTTLE)


def test_an_archive_is_fetched_unpacked_and_removed(pack, server, data):
    lines = []

    assert fetch([pack(BOTTLE)], data, say=lines.append) == {}

    assert in_folder(data) == UNPACKED
    assert lines[-1] == "unpacking mvtec_ad/x.tar.xz"
    assert fetch(["mvtec/bottle"], data) == {}
    assert len(server.asked["x.tar.xz"]) == 1


def test_an_archive_serves_all_sets_in_it(pack, server, data):
    names = [pack(BOTTLE, name=f"mvtec/{category}") for category in ("bottle", "cable")]

    assert fetch(names, data) == {}

    assert len(server.asked["x.tar.xz"]) == 1


def test_an_archive_put_there_by_hand_is_verified_unpacked_and_kept(pack, server, data, tmp_path):
    name = pack(BOTTLE)
    (data / "mvtec_ad").mkdir(parents=True)
    (tmp_path / "x.tar.xz").rename(data / "mvtec_ad" / "x.tar.xz")

    assert fetch([name], data) == {}

    assert in_folder(data).keys() == {*UNPACKED, "mvtec_ad/x.tar.xz"}
    assert not server.asked["x.tar.xz"]


def test_a_wrong_archive_put_there_by_hand_is_refused_and_kept(pack, data):
    name = pack(BOTTLE)
    (data / "mvtec_ad").mkdir(parents=True)
    (data / "mvtec_ad" / "x.tar.xz").write_bytes(b"something")

    assert "x.tar.xz has sha256" in fetch([name], data)[name]

    assert in_folder(data) == {"mvtec_ad/x.tar.xz": b"something"}


def test_an_archive_that_leaves_its_folder_is_refused(pack, data):
    name = pack({**BOTTLE, "../../out.txt": b"x"})

    assert "leads out of its folder" in fetch([name], data)[name]

    assert in_folder(data).keys() == {"mvtec_ad/x.tar.xz"}


def test_an_archive_of_the_data_folder_itself_is_unpacked_within_it(enter, server, data, tmp_path):
    url = server.serve("x.tar.xz", packed(tmp_path, BOTTLE))
    archive = Archive(File("x.tar.xz", (url,)), ".")
    name = enter(files=(File("bottle/train/000.png"),), archives=(archive,))
    before = set(tmp_path.iterdir())

    assert fetch([name], data) == {}

    assert in_folder(data) == BOTTLE | {"x.tar.xz.files.sha256": listed(BOTTLE, "")}
    assert set(tmp_path.iterdir()) == {*before, data}


def test_an_archive_without_what_was_wanted_is_said_so(pack, data):
    name = pack({"screw/train/000.png": b"0"})

    assert "mvtec_ad/bottle/ is not in" in fetch([name], data)[name]
    assert in_folder(data).keys() == {"mvtec_ad/screw/train/000.png", LIST}


def test_files_out_of_an_archive_are_verified_too(pack, enter, server, data, tmp_path):
    content = packed(tmp_path, {"a.csv": b"1,2"})
    file = File("x.tar.xz", (server.serve("b", content),))
    pin = hashlib.sha256(b"3,4").hexdigest()
    name = enter(files=(File("nsl/a.csv", sha256=pin),), archives=(Archive(file, "nsl"),))

    assert "nsl/a.csv has sha256" in fetch([name], data)[name]


def test_what_was_unpacked_is_verified_file_by_file(pack, data):
    two = {**BOTTLE, "bottle/train/001.png": b"2", "bottle/.hidden": b"3"}
    name = pack(two)
    assert fetch([name], data) == {}
    folder = data / "mvtec_ad" / "bottle" / "train"

    (found,) = verify(name, data)
    assert (found.path, found.state) == ("mvtec_ad/bottle/", "ok")
    assert found.sentence == "has the 2 files unpacked"

    (folder / "000.png").write_bytes(b"4")
    (folder / "001.png").rename(folder / "002.png")
    (found,) = verify(name, data)
    assert found.state == "wrong"
    assert found.sentence == (
        "differs from what was unpacked: 1 missing (mvtec_ad/bottle/train/001.png), "
        "1 changed (mvtec_ad/bottle/train/000.png), 1 added (mvtec_ad/bottle/train/002.png); "
        "move it away, and fetch it again"
    )


def test_a_hidden_file_is_no_data_set(pack, data):
    name = pack(BOTTLE)
    (data / "mvtec_ad" / "bottle").mkdir(parents=True)
    (data / "mvtec_ad" / "bottle" / ".DS_Store").write_bytes(b"x")

    assert states(name, data) == [("mvtec_ad/bottle/", "missing")]
    assert fetch([name], data) == {}
    assert states(name, data) == [("mvtec_ad/bottle/", "ok")]


def test_the_list_of_what_was_unpacked_is_one_that_sha256sum_checks(pack, data):
    assert fetch([pack(BOTTLE)], data) == {}

    done = subprocess.run(["sha256sum", "-c", LIST], cwd=data, capture_output=True, text=True)

    assert done.returncode == 0
    assert done.stdout.count(": OK") == 2


def test_files_of_an_archive_without_digests_of_their_own_are_verified_by_its_list(
    enter, server, data, tmp_path
):
    content = packed(tmp_path, {"a.npy": b"1,2"})
    archive = Archive(File("x.tar.xz", (server.serve("b", content),)), "set")
    name = enter(files=(File("set/a.npy"),), archives=(archive,))
    assert fetch([name], data) == {}

    assert states(name, data) == [("set/a.npy", "ok")]
    (data / "set" / "a.npy").write_bytes(b"1,3")
    assert states(name, data) == [("set/a.npy", "wrong")]


def test_an_archive_put_there_by_hand_asks_for_no_licence_and_is_told_of(pack, data, tmp_path):
    name = pack(BOTTLE)
    TABLE[name] = replace(TABLE[name], restricted=True)
    (data / "mvtec_ad").mkdir(parents=True)
    (tmp_path / "x.tar.xz").rename(data / "mvtec_ad" / "x.tar.xz")

    with pytest.raises(
        datasets.MissingData, match=f"run `bench data fetch {name}`, which unpacks mvtec_ad/x.tar"
    ):
        datasets.load(name, data)
    assert fetch([name], data) == {}


# By hand


def test_a_wrong_file_put_there_by_hand_is_never_overwritten(server, offer, data):
    name = offer(server.serve("a", CONTENT))
    (data / "set").mkdir(parents=True)
    (data / "set" / "one.bin").write_bytes(b"mine")

    assert "is truncated: 4 of 200,000 bytes; move it away" in fetch([name], data)[name]

    assert in_folder(data) == {"set/one.bin": b"mine"}


def states(name, data):
    return [(finding.path, finding.state) for finding in verify(name, data)]


def test_verify_tells_right_from_wrong_missing_and_unknown(enter, data, tmp_path):
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


def test_verify_reads_a_file_anew_whatever_is_remembered_of_it(offer, data):
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
