"""A file that cannot be read costs its own data set, with one sentence; the others run."""

import json
import os
import socket
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bench as harness
from datasets import MissingData, load
from datasets.files import WrongData

OWN = ("csv", "tsv", "parquet", "feather", "arff", "npz", "mat")


def absurd_npz(path: Path) -> None:
    """Write an archive whose header announces an array of 7 TiB, which is not there."""
    header = BytesIO()
    told = {"descr": "<f8", "fortran_order": False, "shape": (7 * 2**37, 1)}
    np.lib.format.write_array_header_1_0(header, told)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("X.npy", "y.npy"):
            archive.writestr(name, header.getvalue() + b"\0" * 64)


def dangling(path: Path) -> None:
    path.symlink_to(path.parent / "gone")


def loop(path: Path) -> None:
    path.symlink_to(path)


def unreadable(path: Path) -> None:
    path.write_bytes(b"\x93NUMPY")
    path.chmod(0)


def into_a_file(path: Path) -> None:
    """Link to a path below a file, where nothing can be."""
    (path.parent / "plain").write_bytes(b"")
    path.symlink_to(path.parent / "plain" / "below")


def far_too_long(path: Path) -> None:
    path.symlink_to("x" * 300)


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


WAYS = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a socket": a_socket,
    "a link to nothing": dangling,
    "a link to itself": loop,
    "a link below a file": into_a_file,
    "a link to a name that is too long": far_too_long,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "without rights": unreadable,
    "empty": Path.touch,
    "one byte": lambda path: path.write_bytes(b"\0"),
    "noise": lambda path: path.write_bytes(np.random.default_rng(0).bytes(5000)),
    "nested without end": lambda path: path.write_bytes(b"[" * 100_000),
}


def images(folder: Path) -> Path:
    """Make a folder of images in the layout of MVTec AD."""
    for part in ("train/good", "test/good", "test/bad"):
        (folder / part).mkdir(parents=True)
        for i in range(4):
            pixels = np.random.default_rng(i).integers(0, 255, (8, 8), np.uint8)
            Image.fromarray(pixels).save(folder / part / f"{i}.png")
    return folder


@pytest.mark.fault(
    area="data",
    kind="a file that cannot be read, or is absurd",
    how="a folder, a pipe, a socket, a device, dangling links, noise and others in place of files "
    "of all formats, and an npz file whose header announces 7 TiB",
    promise="it costs its own data set, with one sentence; the other data sets are scored",
)
def test_a_bad_file_costs_its_own_data_set(bench, tmp_path):
    names = []
    for i, make in enumerate(WAYS.values()):
        for ending in OWN:
            folder = tmp_path / f"{i}{ending}"
            folder.mkdir()
            make(folder / f"a.{ending}")
            names.append(f"file:{folder}/a.{ending}?label=y")
        make(images(tmp_path / f"images{i}") / "train/good/9.png")
        names.append(f"folder:{tmp_path}/images{i}?size=8")
    absurd_npz(tmp_path / "absurd.npz")
    names.append(f"file:{tmp_path}/absurd.npz")
    suite = tmp_path / "suite.toml"
    suite.write_text(
        f'seeds = 1\ndetectors = ["mean-distance"]\ndatasets = {json.dumps([*names, "wine"])}\n'
    )
    run = bench("run", suite, "--results", tmp_path / "results")
    assert run.wait() == 0, run.stderr
    assert "Traceback" not in run.stdout + run.stderr
    rows = harness.rows(tmp_path / "results")
    assert list(rows.dataset) == ["wine"]
    said = [line for line in run.stdout.splitlines() if line.startswith("not run: ")]
    assert len(said) == len(names)
    assert all(line.isprintable() for line in said)
    assert max(map(len, said)) < 6000
    for name in names:
        assert any(name.partition(":")[2].partition("?")[0] in line for line in said), name


@pytest.mark.fault(
    area="data",
    kind="a table of the user's has cells that are missing",
    how="one such column in a file with a long path, and 400 columns of text in another",
    promise="`bench run` prints all that `bench data card` says, above all the command that helps; "
    "a sentence of thousands of characters ends in that command",
)
def test_a_run_says_of_a_file_what_its_card_says(bench, tmp_path):
    folder = tmp_path / ("a" * 200) / ("b" * 200)
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("x,y\n" + "1,0\n" * 20 + ",1\n" + "2,1\n" * 5)
    heads = [f"a column of a long name {i}" for i in range(400)]
    lines = [",".join(f"t{i % 7}" for _ in heads) + f",{int(i > 20)}" for i in range(25)]
    (tmp_path / "wide.csv").write_text("\n".join([",".join([*heads, "y"]), *lines]))
    long, wide = (f"file:{path}?label=y" for path in (folder / "a.csv", tmp_path / "wide.csv"))
    run = bench("run", "--detectors", "random", "--datasets", f"{long},{wide}", "--seeds", "1",
                "--results", tmp_path / "results")  # fmt: skip
    card = bench("data", "card", long)
    assert run.wait() == 1
    assert card.wait() == 2
    assert "to read it: bench data card" in card.stderr
    said = [line for line in run.stdout.splitlines() if line.startswith("not run: ")]
    assert f"not run: {card.stderr.removeprefix('bench: ').rstrip()}" in said
    (cut,) = (line for line in said if "wide.csv" in line)
    assert len(cut) < 6000
    assert cut.endswith(f" ... (in full: bench data card '{wide}')")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("mnist/3", "mnist/train-images-idx3-ubyte.gz"),
        ("adbench/cardio", "adbench/Classical/6_cardio.npz"),
        ("mvtec/bottle", "mvtec_ad/bottle/train/good/9.png"),
    ],
)
def test_a_bad_file_of_the_catalogue_is_one_sentence(tmp_path, way, name, path):
    if name.startswith("mvtec"):
        images(tmp_path / "mvtec_ad/bottle")
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    WAYS[way](tmp_path / path)
    with pytest.raises((MissingData, WrongData, OSError)) as caught:
        load(name, tmp_path)
    assert "\n" not in str(caught.value)
