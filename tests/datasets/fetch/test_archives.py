"""Archives as official tools write them, and as nobody should: unpacked whole, or refused."""

import io
import os
import stat
import tarfile
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.fetch import archives
from datasets.fetch.archives import BadArchive, Limits, unpack

CONTENT = {"bottle/train/good/000.png": b"png", "bottle/readme.txt": b"text" * 1000, "a.txt": b""}
TARS = {"x.tar": "w", "x.tar.gz": "w:gz", "x.tar.bz2": "w:bz2", "x.tar.xz": "w:xz"}


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the content of every file under a folder, by relative path."""
    found = sorted(path for path in folder.rglob("*") if not path.is_dir())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def make_zip(path: Path, members, method=zipfile.ZIP_DEFLATED) -> Path:
    """Write (name or ZipInfo, content) pairs."""
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return path


def make_tar(path: Path, members, mode="w:gz") -> Path:
    """Write (name or TarInfo, content) pairs."""
    with tarfile.open(path, mode) as packed:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content) if info.isreg() else 0
            packed.addfile(info, io.BytesIO(content))
    return path


def tar_info(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_info(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.fixture(params=["zip", "tar"])
def make(request, tmp_path):
    """A function from members to an archive of one form or the other."""
    if request.param == "zip":
        return lambda members: make_zip(tmp_path / "x.zip", members)
    return lambda members: make_tar(tmp_path / "x.tar.gz", members)


def assert_refused(archive: Path, reason: str, **options) -> None:
    """The archive is refused for a reason, and nothing is left beside it."""
    folder = archive.parent / "data" / "set"
    with pytest.raises(BadArchive, match=reason):
        unpack(archive, folder, **options)
    assert files_in(archive.parent).keys() == {archive.name}
    assert not folder.exists()


@pytest.mark.parametrize("name", [*TARS, "x.zip"])
def test_every_format_is_unpacked_and_recognised_by_its_content(tmp_path, name):
    path = tmp_path / name
    if name == "x.zip":
        make_zip(path, CONTENT.items())
    else:
        make_tar(path, CONTENT.items(), TARS[name])
    nameless = path.rename(tmp_path / "archive")

    unpack(nameless, tmp_path / "new" / "set")

    assert files_in(tmp_path / "new") == {f"set/{name}": told for name, told in CONTENT.items()}


def test_an_archive_of_a_folder_as_tar_and_zip_tools_write_it_is_unpacked(tmp_path):
    source = tmp_path / "source"
    for name, content in CONTENT.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    with tarfile.open(tmp_path / "x.tar.xz", "w:xz") as packed:
        packed.add(source, ".")

    unpack(tmp_path / "x.tar.xz", tmp_path / "set")

    assert files_in(tmp_path / "set") == CONTENT


def test_existing_files_of_the_folder_stay_and_missing_ones_are_added(tmp_path, make):
    kept = tmp_path / "set" / "bottle" / "readme.txt"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"mine")

    unpack(make(CONTENT.items()), tmp_path / "set")

    assert files_in(tmp_path / "set") == {**CONTENT, "bottle/readme.txt": b"mine"}


def test_what_a_killed_unpacking_left_is_swept(tmp_path, make):
    archive = make(CONTENT.items())
    left = tmp_path / f".{archive.name}.unpacking" / "half.png"
    left.parent.mkdir()
    left.write_bytes(b"hal")

    unpack(archive, tmp_path / "set")

    assert files_in(tmp_path / "set") == CONTENT
    assert not left.parent.exists()


def test_modes_and_owners_of_members_are_not_taken_over(tmp_path):
    info = tarfile.TarInfo("run.sh")
    info.mode, info.uid = 0o4777, 1234
    unpack(make_tar(tmp_path / "x.tar.gz", [(info, b"#!")]), tmp_path / "set")

    made = (tmp_path / "set" / "run.sh").stat()

    assert stat.S_IMODE(made.st_mode) & 0o7111 == 0
    assert made.st_uid == os.getuid()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/tmp/out.txt", "absolute path"),
        ("//server/out.txt", "absolute path"),
        ("C:/out.txt", "absolute path"),
        ("C:out.txt", "absolute path"),
        ("../out.txt", "leads out of its folder by '..'"),
        ("a/../../out.txt", "leads out of its folder by '..'"),
        ("a/..", "leads out of its folder by '..'"),
        ("..\\out.txt", "backslash"),
        ("a\nb.txt", "control character"),
        ("x" * 256, "longer than a disk can hold"),
        ("/".join(["\N{SNOWMAN}" * 80] * 5), "longer than a disk can hold"),
        (".", "file without a name"),
    ],
)
def test_a_name_that_leads_out_or_fits_no_disk_is_refused(make, name, reason):
    assert_refused(make([("a.txt", b"fine"), (name, b"bad")]), reason)


def test_a_name_with_a_zero_byte_is_refused(tmp_path):
    archive = make_zip(tmp_path / "x.zip", [("a.txtZ.png", b"x")])
    archive.write_bytes(archive.read_bytes().replace(b"a.txtZ", b"a.txt\0"))

    assert_refused(archive, "control character")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../out", "a.txt"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE], ids=["soft", "hard"])
def test_links_in_a_tar_are_refused_wherever_they_lead(tmp_path, kind, target):
    members = [("a.txt", b"x"), (tar_info("link", kind, target), b""), ("link/b.txt", b"x")]

    assert_refused(make_tar(tmp_path / "x.tar.gz", members), "'link' is a link")


def test_links_in_a_zip_are_refused(tmp_path):
    members = [(zip_info("link", stat.S_IFLNK | 0o777), "/etc/passwd")]

    assert_refused(make_zip(tmp_path / "x.zip", members), "'link' is a link")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_in_a_tar_are_refused(tmp_path, kind):
    members = [(tar_info("null", kind), b"")]

    assert_refused(make_tar(tmp_path / "x.tar.gz", members), "'null' is a special file")


def test_devices_in_a_zip_are_refused(tmp_path):
    members = [(zip_info("null", stat.S_IFCHR | 0o666), "")]

    assert_refused(make_zip(tmp_path / "x.zip", members), "'null' is a special file")


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a/b.txt", "a/b.txt"], "'a/b.txt' occurs twice"),
        (["a/b.txt", "./a//b.txt"], "'./a//b.txt' occurs twice"),
        (["a/b.png", "a/B.png"], "'a/B.png' clashes with 'a/b.png'"),
        (["good/b.png", "Good/c.png"], "'Good/c.png' clashes with 'good'"),
        (["e\u0301.png", "\u00e9.png"], "clashes with"),
        (["a", "a/b.txt"], "'a/b.txt' is both a file and a folder"),
        (["a/b.txt", "a"], "'a' is both a file and a folder"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_are_one_on_some_disk_are_refused(make, names, reason):
    assert_refused(make([(name, b"x") for name in names]), reason)


def test_a_folder_that_is_named_twice_is_no_clash(tmp_path):
    folder = tar_info("a", tarfile.DIRTYPE)
    members = [(folder, b""), ("a/b.txt", b"x"), (folder, b"")]

    unpack(make_tar(tmp_path / "x.tar.gz", members), tmp_path / "set")

    assert files_in(tmp_path / "set") == {"a/b.txt": b"x"}


def test_a_bomb_is_refused_by_how_far_it_grows(make, monkeypatch):
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 16)

    assert_refused(make([("zeros", bytes(8 << 20))]), "grows past 1?[0-9,]+ bytes")


def test_many_small_bombs_are_one_bomb(make):
    members = [(str(k), bytes(1000)) for k in range(100)]

    assert_refused(make(members), "grows past 99,000 bytes", limits=Limits(n_bytes=99_000))


def test_a_header_that_is_a_bomb_never_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 16)
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * (8 << 20)}

    assert_refused(make_tar(tmp_path / "x.tar.gz", [(info, b"")]), "grows past")


def test_a_size_that_only_the_header_claims_is_refused(tmp_path):
    info = tarfile.TarInfo("huge")
    info.size = 1 << 50
    archive = tmp_path / "x.tar"
    archive.write_bytes(info.tobuf() + bytes(2048))

    assert_refused(archive, "grows past 67,")


def test_more_members_than_any_data_set_has_are_refused(make):
    members = [(f"{k}/", b"") for k in range(11)]

    assert_refused(make(members), "more than 10 members", limits=Limits(members=10))


def test_an_encrypted_zip_is_refused(tmp_path):
    archive = make_zip(tmp_path / "x.zip", [("a", b"x")])
    told = bytearray(archive.read_bytes())
    told[told.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(told)

    assert_refused(archive, "'a' is encrypted")


def test_a_zip_packed_by_an_unknown_method_is_refused(tmp_path):
    archive = make_zip(tmp_path / "x.zip", [("a", b"x")])
    told = bytearray(archive.read_bytes())
    told[told.index(b"PK\1\2") + 10] = 97
    archive.write_bytes(told)

    assert_refused(archive, "'a' is packed by method 97, which is not supported")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.85])
@pytest.mark.parametrize("name", [*TARS, "x.zip"])
def test_a_truncated_archive_is_refused(tmp_path, name, share):
    noise = [(f"{k}.bin", os.urandom(5000)) for k in range(8)]
    archive = tmp_path / name
    if name == "x.zip":
        make_zip(archive, noise)
    else:
        make_tar(archive, noise, TARS[name])
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])

    assert_refused(archive, "damaged, truncated or no archive")


def test_a_tar_cut_between_two_members_is_refused(tmp_path):
    archive = make_tar(tmp_path / "x.tar", [("a", b"x"), ("b", b"x")], "w")
    archive.write_bytes(archive.read_bytes()[:1024])

    assert_refused(archive, "damaged, truncated or no archive")


@pytest.mark.parametrize("name", ["x.tar.gz", "x.tar.bz2", "x.tar.xz", "x.zip"])
def test_an_archive_with_one_wrong_byte_is_refused(tmp_path, name):
    noise = [("a.bin", os.urandom(50_000))]
    archive = tmp_path / name
    if name == "x.zip":
        make_zip(archive, noise)
    else:
        make_tar(archive, noise, TARS[name])
    told = bytearray(archive.read_bytes())
    told[len(told) // 2] ^= 0xFF
    archive.write_bytes(told)

    assert_refused(archive, "damaged, truncated or no archive")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>not found</html>" * 100, b"PK", b"\x1f\x8b", b"\x1f\x8b" + zlib.compress(b"x")],
)
def test_what_is_no_archive_is_refused(tmp_path, content):
    archive = tmp_path / "x.tar.gz"
    archive.write_bytes(content)

    assert_refused(archive, "damaged, truncated or no archive")


@given(place=st.integers(0, 73), value=st.integers(0, 255))
def test_a_wrong_byte_in_the_directory_of_a_zip_is_no_other_error(tmp_path_factory, place, value):
    archive = make_zip(tmp_path_factory.mktemp("any") / "x.zip", [("\u00fc.txt", b"x")])
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\1\2") + place] = value
    archive.write_bytes(content)

    with suppress(BadArchive):
        unpack(archive, archive.parent / "set")


PARTS = st.sampled_from(["", ".", "..", "a", "A", "b", "\\", "/", "C:", "~", "\N{SNOWMAN}", "a\0"])
NAMES = st.one_of(
    st.lists(PARTS, min_size=1, max_size=5).map("/".join),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
).filter(lambda name: name.partition("\0")[0])  # zipfile writes no name that is empty


@given(names=st.lists(NAMES, min_size=1, max_size=5, unique=True))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_whatever_the_names_nothing_is_written_outside(tmp_path_factory, names):
    top = tmp_path_factory.mktemp("any")
    make_zip(top / "x.zip", [(name, b"x") for name in names])
    make_tar(top / "x.tar", [(name, b"x") for name in names], "w")

    for archive in ("x.zip", "x.tar"):
        folder = top / "deep" / "down" / archive
        refused = False
        try:
            unpack(top / archive, folder)
        except BadArchive:
            refused = True
        outside = [name for name in files_in(top) if not name.startswith(f"deep/down/{archive}/")]
        assert set(outside) <= {"x.zip", "x.tar", *(f for f in outside if "/x.zip/" in f)}
        assert refused is not folder.exists()
