"""Kept arrays: what is read is what was written, and the folder has its limit with many writers."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from datasets import kept
from datasets.kept import FEATURES

X = np.arange(40.0).reshape(8, 5)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache for this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kept, "_free", {})
    return FEATURES.folder


@pytest.mark.fault(
    area="data",
    kind="a bit of a kept array changes, in its values, its head or its digest",
    how="each byte of the file in turn",
    promise="it counts as missing, without a message",
)
def test_whatever_byte_changes_the_array_is_missing(folder):
    FEATURES.put("k", {"results": X})
    assert_array_equal(FEATURES.get("k", ["results"])[0], X)
    (path,) = FEATURES.sizes()
    content = path.read_bytes()
    for i in range(len(content)):
        changed = bytearray(content)
        changed[i] ^= 1
        path.write_bytes(changed)
        assert FEATURES.get("k", ["results"]) is None
    path.write_bytes(content)
    assert FEATURES.get("k", ["results"]) is not None


def test_a_file_that_vanishes_while_files_are_counted_hides_no_other(folder):
    for i in range(20):
        FEATURES.put(str(i), {"results": X})
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            passing = folder / "passing.part"
            passing.touch()
            passing.unlink()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        counts = {len([p for p in FEATURES.sizes() if p.suffix == ".npy"]) for _ in range(300)}
    finally:
        stop.set()
        thread.join()
    assert counts == {20}


WRITER = """
import sys
import numpy as np
from datasets import kept
kept.MOST_BYTES = int(sys.argv[1])
for i in range(100):
    kept.FEATURES.put(f"{sys.argv[2]} {i}", {"results": np.zeros(1250)})
"""


def test_writers_together_exceed_the_most_by_a_twentieth_each(folder):
    most = 400_000  # of the 3 x 100 files of 10 kB
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(most), str(i)]) for i in range(3)
    ]
    assert [each.wait(timeout=60) for each in writers] == [0, 0, 0]
    assert 0.7 * most < sum(FEATURES.sizes().values()) <= most * (1 + 3 / kept.SHARE) + 30_000
