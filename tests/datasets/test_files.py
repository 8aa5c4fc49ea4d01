"""Files are verified as they are read, identified by digests, and digests are remembered."""

import gzip
import hashlib
import os
import subprocess
from dataclasses import replace

import pytest

from datasets import File, MissingData, WrongData, digests, files
from datasets.entry import Entry

CONTENT = b"some content of a data set"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "a.bin"
    made.write_bytes(CONTENT)
    return made


def age(path, seconds=60):
    """Make a file look as if it had not changed for a while."""
    then = path.stat().st_mtime_ns - seconds * 10**9
    os.utime(path, ns=(then, then))


def entry(*made, folders=(), **options):
    return Entry(
        name="toy",
        kind="tabular",
        family="toy",
        source="https://example.org",
        licence="MIT",
        citation="none",
        loader="nowhere:nothing",
        files=made,
        folders=folders,
        options=options,
    )


def test_the_right_file_is_accepted(path):
    files.verify(File("a.bin", sha256=SHA256, n_bytes=len(CONTENT)), path)


def test_a_git_blob_is_what_git_says(path):
    asked = ["git", "hash-object", str(path)]
    blob = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    files.verify(File("a.bin", git_blob=blob), path)
    with pytest.raises(WrongData, match=f"has git-blob {blob}, expected 00"):
        files.verify(File("a.bin", git_blob="00"), path)


@pytest.mark.fault(
    area="data",
    kind="a published file in another wrapper",
    how="a file is compressed anew, so that its size and digest differ and its content does not",
    promise="it is the published file; other content in the same wrapper is refused",
)
def test_a_pinned_gzip_file_may_be_packed_anew(tmp_path):
    path, published = tmp_path / "a.gz", gzip.compress(CONTENT, 1)
    pins = {"sha256": hashlib.sha256(published).hexdigest(), "n_bytes": len(published)}
    pinned = File("a.gz", unpacked_sha256=SHA256, **pins)
    for packed in (published, gzip.compress(CONTENT, 9), gzip.compress(CONTENT * 1, 0)):
        path.write_bytes(packed)
        files.verify(pinned, path)
    path.write_bytes(gzip.compress(CONTENT[::-1], 9))
    with pytest.raises(WrongData, match=r"a\.gz (has \d+ bytes|has sha256|is truncated)"):
        files.verify(pinned, path)
    assert pinned.pin == f"sha256:{pins['sha256']}"


def test_gzip_files_packed_differently_are_the_same(tmp_path):
    pinned = File("a.gz", unpacked_sha256=SHA256)
    for level in (1, 9):
        path = tmp_path / f"{level}.gz"
        path.write_bytes(gzip.compress(CONTENT, level, mtime=level))
        files.verify(pinned, path)

    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(
        WrongData, match=r"9\.gz is not a complete gzip file: .*; remove it and fetch"
    ):
        files.verify(pinned, path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; remove it and fetch it again"),
        (b"\n <!DOCTYPE html><title>404", "is a web page, not data: the server sent"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", "is a web page, not data"),
        (CONTENT[:-1], "is truncated: 25 of 26 bytes; remove it"),
        (CONTENT[:-1] + b"X", f"has sha256 [0-9a-f]{{64}}, expected {SHA256}: it is not the pub"),
    ],
)
def test_a_wrong_file_is_refused_with_what_it_is(path, content, sentence):
    path.write_bytes(content)

    with pytest.raises(WrongData, match=rf"a\.bin {sentence}"):
        files.verify(File("a.bin", sha256=SHA256, n_bytes=len(CONTENT)), path)


def test_a_digest_is_remembered_until_the_file_changes(path, monkeypatch):
    age(path)
    assert digests.digest(path) == SHA256
    with monkeypatch.context() as patch:
        patch.setattr(digests, "compute", lambda *_: pytest.fail("the file is read again"))
        assert digests.digest(path) == SHA256

    path.write_bytes(b"another")
    assert digests.digest(path) == hashlib.sha256(b"another").hexdigest()


def test_a_file_that_just_changed_is_read_again(path):
    stat = path.stat()
    assert digests.digest(path) == SHA256
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert digests.digest(path) == hashlib.sha256(CONTENT[::-1]).hexdigest()


def test_a_cache_that_cannot_be_written_or_read_is_done_without(path, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    age(path)
    assert digests.digest(path) == SHA256

    (tmp_path / "fathom").mkdir()
    (tmp_path / "fathom" / "digests.db").write_bytes(b"no database" * 100)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert digests.digest(path) == SHA256


def test_a_pinned_set_is_identified_without_its_files(path, tmp_path):
    pinned = File("a.bin", sha256=SHA256)
    found = files.identity(entry(pinned), tmp_path / "nowhere")

    assert found == files.identity(entry(pinned), tmp_path)
    assert found != files.identity(entry(replace(pinned, sha256="0" * 64)), tmp_path)
    assert found != files.identity(entry(pinned, normal=3), tmp_path)
    assert found == files.identity(replace(entry(pinned), loader="moved:elsewhere"), tmp_path)


def test_a_file_that_is_not_pinned_is_identified_by_its_content(path, tmp_path):
    found = files.identity(entry(File("a.bin")), tmp_path)

    assert found == files.identity(entry(File("a.bin", sha256=SHA256)), tmp_path)
    with pytest.raises(MissingData, match=r"toy: a\.bin is not in .*nowhere; run `bench data fet"):
        files.identity(entry(File("a.bin")), tmp_path / "nowhere")


def test_a_folder_is_identified_by_names_and_content_and_not_by_its_place(tmp_path):
    for place in ("here", "there"):
        (tmp_path / place / "sub").mkdir(parents=True)
        (tmp_path / place / "sub" / "a").write_bytes(CONTENT)
        (tmp_path / place / ".hidden").write_bytes(place.encode())
    here = files.identity(entry(folders=("here",)), tmp_path)

    assert here == files.identity(entry(folders=("there",)), tmp_path)
    (tmp_path / "here" / "sub" / "a").rename(tmp_path / "here" / "sub" / "b")
    assert here != files.identity(entry(folders=("here",)), tmp_path)


def test_an_empty_folder_is_missing(tmp_path):
    (tmp_path / "here").mkdir()

    assert not files.is_present(entry(folders=("here",)), tmp_path)
    with pytest.raises(MissingData, match="toy: here/ has no files in"):
        files.locate(entry(folders=("here",)), tmp_path)


def test_a_file_to_be_had_by_hand_comes_with_advice(tmp_path):
    by_hand = File("a.bin", advice="ask its owner for it")

    with pytest.raises(
        MissingData, match=r"toy: a\.bin is not in .*; ask its owner for it, and put it there, or"
    ):
        files.locate(entry(by_hand), tmp_path)
