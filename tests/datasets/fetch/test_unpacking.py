"""Fetching archives: unpacked, listed file by file, and verified by that list."""

import hashlib
import os
import subprocess
import tarfile
from dataclasses import replace

import pytest

import datasets
from datasets import Archive, File
from datasets.catalogue import TABLE
from datasets.fetch.fetching import fetch, verify
from tests.helpers.files.served import in_folder, states


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


def test_an_archive_put_there_by_hand_asks_for_no_licence_and_is_reported(pack, data, tmp_path):
    name = pack(BOTTLE)
    TABLE[name] = replace(TABLE[name], restricted=True)
    (data / "mvtec_ad").mkdir(parents=True)
    (tmp_path / "x.tar.xz").rename(data / "mvtec_ad" / "x.tar.xz")

    with pytest.raises(
        datasets.MissingData, match=f"run `bench data fetch {name}`, which unpacks mvtec_ad/x.tar"
    ):
        datasets.load(name, data)
    assert fetch([name], data) == {}
