"""Processes that tests start are known by a mark in their environment, which children inherit."""

from pathlib import Path

MARK = "FATHOM_TEST_MARK"


def processes(mark: str) -> set[int]:
    """Return the processes, zombies aside, whose environment or a parent's had the mark."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if f"{MARK}={mark}".encode() in environment:
            found.add(int(folder.name))
    return found
