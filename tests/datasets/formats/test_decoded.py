"""Photographs are decoded once, whatever happens to what is kept of them."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from datasets import kept, load
from datasets.formats import decoded
from datasets.formats.images import Picture, read_images
from tests.helpers.fault_matrix import fault

SIZE = 32
DATA = "data"
RIGHT = "images are decoded again, without a message, and kept again where they can be"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache for this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fathom" / "images"


@pytest.fixture
def pictures(tmp_path):
    """Ten photographs, of which two have masks."""
    rng, found = np.random.default_rng(0), []
    for i in range(10):
        image, mask = tmp_path / f"{i}.png", tmp_path / f"{i}_mask.png" if i < 2 else None
        save(rng, image)
        if mask:
            Image.fromarray(np.eye(48, dtype=np.uint8) * 255).save(mask)
        found.append(Picture(image, mask))
    return found


def save(rng, path):
    Image.fromarray(rng.integers(0, 256, (48, 48, 3), np.uint8)).save(path)


class Counted:
    """Decodes, and counts how often."""

    def __init__(self):
        self.n = 0

    def __call__(self, pictures, size, grey):
        self.n += 1
        return read_images(pictures, size, grey)


@pytest.fixture
def decoding(monkeypatch):
    counted = Counted()

    def read(pictures, size, grey):
        return counted(pictures, size, grey)

    read.counted = counted
    return read


def assert_right(found, pictures):
    for array, expected in zip(found, read_images(pictures, SIZE, grey=False), strict=True):
        np.testing.assert_array_equal(array, expected)


def in_process(pictures, before="", after=""):
    """Start a process that decodes pictures."""
    code = f"""
import os, resource, signal
from pathlib import Path
from datasets.formats import decoded
from datasets.formats.images import Picture, read_images
{before}
pictures = [Picture(Path(image), mask and Path(mask)) for image, mask in {
        [tuple(path and str(path) for path in picture) for picture in pictures]
    }]
x, masks = decoded.once(read_images, pictures, {SIZE}, False)
{after}
print(int(x.sum()), int(masks.sum()))
"""
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def sums(pictures):
    return "{} {}\n".format(*(array.sum() for array in read_images(pictures, SIZE, grey=False)))


def test_images_are_decoded_once_and_mapped_from_then_on(pictures, decoding):
    for _ in range(3):
        found = decoded.once(decoding, pictures, SIZE, False)
        assert all(isinstance(array, np.memmap) and not array.flags.writeable for array in found)
        assert_right(found, pictures)
    assert decoding.counted.n == 1


def test_what_is_kept_is_known_by_what_is_in_the_files(pictures, decoding, tmp_path):
    decoded.once(decoding, pictures, SIZE, False)
    (tmp_path / "moved").mkdir()
    moved = [Picture(p.image.rename(tmp_path / "moved" / p.image.name), p.mask) for p in pictures]
    decoded.once(decoding, moved, SIZE, False)
    assert decoding.counted.n == 1

    others = [(moved, SIZE, True), (moved, 2 * SIZE, False), (moved[::-1], SIZE, False)]
    others += [([Picture(p.image, None) for p in moved], SIZE, False)]
    for n, other in enumerate(others, 2):
        decoded.once(decoding, *other)
        assert decoding.counted.n == n
    save(np.random.default_rng(1), moved[3].image)
    assert_right(decoded.once(decoding, moved, SIZE, False), moved)
    assert decoding.counted.n == 6


def test_other_code_decodes_anew(pictures, decoding, tmp_path, monkeypatch):
    decoded.once(decoding, pictures, SIZE, False)
    (tmp_path / "other_decoder.py").write_text("def read(*given):\n    return function(*given)\n")
    monkeypatch.syspath_prepend(tmp_path)
    import other_decoder

    other_decoder.function = decoding
    decoded.once(other_decoder.read, pictures, SIZE, False)
    assert decoding.counted.n == 2


def test_a_loader_returns_mapped_images_and_masks(tmp_path):
    for folder in ("train/good", "test/good", "test/spot", "ground_truth/spot"):
        (tmp_path / "bolt" / folder).mkdir(parents=True)
        save(np.random.default_rng(0), tmp_path / "bolt" / folder / "0.png")
    data = load(f"folder:{tmp_path / 'bolt'}?size={SIZE}")
    for array in (data.x, data.masks):
        while not isinstance(array, np.memmap):
            array = array.base


def spoilt(how):
    def truncate(path, share):
        os.truncate(path, int(share * path.stat().st_size))

    def swap(path, one, other):
        content = path.read_bytes()
        assert one in content
        path.write_bytes(content.replace(one, other))

    return {
        "truncated": lambda path: truncate(path, 0.7),
        "truncated in its head": lambda path: truncate(path, 0.001),
        "empty": lambda path: truncate(path, 0),
        "overwritten": lambda path: path.write_bytes(b"no array" * 1000),
        "missing": lambda path: path.unlink(),
        "read as other numbers": lambda path: swap(path, b"|u1", b"|i1"),
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        fault(f"kept images are {how}", "spoiling a file of the cache", RIGHT, area=DATA, case=how)
        for how in (
            *("truncated", "truncated in its head", "empty", "overwritten", "missing"),
            "read as other numbers",
        )
    ],
)
@pytest.mark.parametrize("part", decoded.PARTS)
def test_what_is_broken_is_decoded_again(how, part, pictures, decoding, cache):
    decoded.once(decoding, pictures, SIZE, False)
    spoilt(how)(next(cache.glob(f"*-{part}.npy")))
    for _ in range(2):
        assert_right(decoded.once(decoding, pictures, SIZE, False), pictures)
    assert decoding.counted.n == 2


@pytest.mark.fault(
    area=DATA,
    kind="the cache folder cannot be written",
    how="a file in its place, and a folder of the kernel",
    promise="images are decoded each time, without a message",
)
@pytest.mark.parametrize("place", ["file", "/proc"])
def test_a_cache_that_cannot_be_written_is_done_without(
    place, pictures, decoding, tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / place))
    for _ in range(2):
        assert_right(decoded.once(decoding, pictures, SIZE, False), pictures)
    assert decoding.counted.n == 2


@pytest.mark.fault(
    area=DATA,
    kind="the disk is full when images are kept",
    how="a limit on the size of files",
    promise="images are right, without a message, and nothing is left of those",
)
def test_a_full_disk_keeps_nothing(pictures, cache):
    most = "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))"
    before = f"signal.signal(signal.SIGXFSZ, signal.SIG_IGN); {most}"
    assert in_process(pictures, before).communicate(timeout=60) == (sums(pictures), "")
    assert list(cache.iterdir()) == []


@pytest.mark.fault(
    area=DATA,
    kind="kill -9 of a process that keeps images",
    how="SIGKILL before a file has its name",
    promise="images are decoded again, and what was left is removed later",
)
def test_a_killed_writer_leaves_nothing_that_is_read(pictures, decoding, cache, monkeypatch):
    before = "os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)"
    killed = in_process(pictures, before)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    (left,) = cache.iterdir()

    assert_right(decoded.once(decoding, pictures, SIZE, False), pictures)
    assert decoding.counted.n == 1
    assert left.exists()  # somebody might be writing it
    monkeypatch.setattr(kept, "ABANDONED", -1.0)
    kept._free.clear()  # as of a process that has not looked yet
    decoded.once(decoding, pictures[1:], SIZE, False)
    assert not left.exists()


@pytest.mark.fault(
    area=DATA,
    kind="two processes keep the same images at once",
    how="two processes started together",
    promise="both have the right images, and one copy is kept",
)
def test_two_writers_at_once_do_not_disturb_each_other(pictures, cache):
    wait = f"import time; time.sleep(max(0, {time.time() + 0.7} - time.time()))"
    writers = [in_process(pictures, wait) for _ in range(2)]
    assert [each.communicate(timeout=60) for each in writers] == [(sums(pictures), "")] * 2
    assert len(list(cache.iterdir())) == len(decoded.PARTS)


@pytest.mark.fault(
    area=DATA,
    kind="an image changes while it is decoded",
    how="another image in its file",
    promise="what was decoded is not kept",
)
def test_what_changes_while_it_is_decoded_is_not_kept(pictures, cache):
    def read(*given):
        found = read_images(*given)
        save(np.random.default_rng(2), pictures[0].image)
        return found

    decoded.once(read, pictures, SIZE, False)
    assert not cache.exists()


def test_images_not_used_for_longest_make_room(pictures, decoding, monkeypatch):
    one = 10 * 4 * SIZE * SIZE
    monkeypatch.setattr(kept, "MOST_BYTES", 2 * one + 2000)
    first, second, third = ([Picture(p.image, None) for p in pictures[i:]] for i in range(3))
    for wanted in (first, second, first, third, first):
        for path in kept.IMAGES.sizes():  # a step ago, since clocks of disks are coarse
            os.utime(path, (path.stat().st_mtime - 10,) * 2)
        decoded.once(decoding, wanted, SIZE, False)
    assert decoding.counted.n == 3
    decoded.once(decoding, second, SIZE, False)
    assert decoding.counted.n == 4
    assert sum(kept.IMAGES.sizes().values()) <= kept.MOST_BYTES

    monkeypatch.setattr(kept, "MOST_BYTES", one // 2)
    for _ in range(2):
        assert_right(decoded.once(decoding, pictures, SIZE, False), pictures)
    assert decoding.counted.n == 6
