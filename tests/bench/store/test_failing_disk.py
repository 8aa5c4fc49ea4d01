"""A file system that fails in the middle of a run: a real one, in a file, mounted by root."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bench.store.test_results_folder import statuses

SUITE = """
datasets = ["wine"]
detectors = ["random", { spec = "tests/helpers/faulty.py:Faulty", settings.scoring = "nap" }]
seeds = 30
"""


def root(*command: object) -> str:
    """Run a command that needs root's rights, and return what it prints."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Disk:
    """A file system of its own, which becomes read-only when it finds an error."""

    def __init__(self, folder: Path) -> None:
        self.image, self.folder = folder / "image", folder / "disk"
        self.folder.mkdir()
        with self.image.open("wb") as file:
            file.truncate(120 * 2**20)
        root("mkfs.ext4", "-q", self.image)
        self.mount()

    def mount(self) -> None:
        root("mount", "-o", "loop,errors=remount-ro", self.image, self.folder)

    def fail(self) -> None:
        device = Path(root("findmnt", "-no", "SOURCE", self.folder)).name
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("1")

    def repair(self) -> None:
        root("umount", self.folder)
        subprocess.run(["fsck.ext4", "-p", str(self.image)], capture_output=True, check=False)
        self.mount()


@pytest.fixture
def disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    try:
        made = Disk(tmp_path)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    yield made
    with suppress(subprocess.CalledProcessError):
        root("umount", made.folder)


@pytest.mark.slow
@pytest.mark.fault(
    area="results and loss",
    kind="the file system fails and becomes read-only in the middle of a run",
    how="an error that the kernel makes in an ext4 file system, on which the results folder is",
    promise="one sentence, exit 2, no process left; every row stored before is there when the file "
    "system is repaired",
)
def test_rows_stored_before_a_file_system_failed_are_there_afterwards(bench, disk, tmp_path):
    (tmp_path / "suite.toml").write_text(SUITE)
    results = disk.folder / "results"
    run = bench("run", tmp_path / "suite.toml", "--results", results, "--jobs", 2)

    def some_are_stored() -> bool:
        with suppress(Exception):  # no table yet
            return len(statuses(results)) > 5
        return False

    assert bench.wait_until(some_are_stored, 60)
    before = statuses(results)
    disk.fail()
    assert run.wait(60) == 2
    assert run.stderr.startswith("bench: cannot ")
    assert "rows stored so far are kept" in run.stderr
    assert run.stderr.count("\n") == 1
    assert run.sandboxes() == set()
    disk.repair()
    assert statuses(results).items() >= before.items()
