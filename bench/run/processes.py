"""Processes that descend from a fork server: which they are, what they hold, and their end.

Whatever group or session they go to, the server is their subreaper (Linux), so they stay its
descendants until it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from multiprocessing.connection import wait
from pathlib import Path

SHARED = Path("/dev/shm")  # where Linux keeps shared memory, as files
SEGMENTS = Path("/proc/sysvipc/shm")  # a line each, under its names
IPC_RMID = 0
LAST_SECONDS = 1.0  # for a killed process to end
LEAST_MIB = 512
# In smaps: rights, offset, device and number of a mapped file, and further lines down to Pss.
MAPPING = re.compile(
    r"^[\da-f]+-[\da-f]+ \S+ \S+ ([\da-f]+):([\da-f]+) (\d+)(?:.*\n)+?Pss: +(\d+)", re.MULTILINE
)


class Descendants:
    """The descendants of a fork server, from before it forks a child to after that child's end.

    Each is held by a pidfd, a descriptor that never names another process, so that they can be
    killed also when the server is gone.
    """

    def __init__(self, server: int) -> None:
        """Begin, before the child is forked."""
        self._server, self._server_mib = server, _resident_mib([server])
        self._handles: dict[int, int] = {}  # pid -> pidfd
        self._foreign = _names_of_shared()
        self._opened: set[str] = set()  # names in SHARED that a descendant had open
        self._files: Files = {}  # open for writing when last looked
        self.seen: set[int] = set()  # processes, those that have ended too
        self._foreign_segments = {int(segment["shmid"]) for segment in segments()}

    def look(self) -> set[int]:
        """Return the descendants that run now, and note which files in memory they have."""
        found, waiting = set(), children(self._server)
        while waiting:
            found.add(pid := waiting.pop())
            waiting += children(pid)
        self.seen |= found
        ended = wait([*self._handles.values()], 0)
        for pid in [pid for pid, handle in self._handles.items() if handle in ended]:
            os.close(self._handles.pop(pid))
        self._files = {}
        for pid in found:
            if pid not in self._handles and sys.platform == "linux":
                with contextlib.suppress(OSError):
                    self._handles[pid] = os.pidfd_open(pid)
            names, written = _in_memory(pid)
            self._opened |= names
            self._files |= written
        return found

    def exceed(self, limit_mib: float) -> float:
        """Return what the descendants hold in MiB if that is more than a limit, else 0.

        What a child shares with its server since the fork does not count. Files in memory do, also
        where no process maps them: those that are open for writing, those left in SHARED, and
        segments of System V.
        """
        pids = self.look()
        files = self._files | _left_in_shared(self._own_shared())
        files_mib = sum(files.values()) / 2**20
        alone = (int(one["rss"]) for one in self._own_segments() if one["nattch"] == "0")
        segments_mib = sum(alone) / 2**20
        if _resident_mib(pids) + files_mib + segments_mib <= limit_mib:
            return 0.0
        used = _held_mib([self._server, *pids]) - self._server_mib + segments_mib
        if files:
            used += files_mib - _mapped_mib(pids, files)
        return used if used > limit_mib else 0.0

    def end(self) -> None:
        """Kill the descendants that outlived the server, and remove their shared memory."""
        for handle in self._handles.values():
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            wait([handle], LAST_SECONDS)
            os.close(handle)
        self._handles.clear()
        for segment in self._own_segments():
            ctypes.CDLL(None).shmctl(int(segment["shmid"]), IPC_RMID, None)
        if own := self._own_shared():
            for name in own.difference(*(_in_memory(pid)[0] for pid in _every_process())):
                shutil.rmtree(SHARED / name, ignore_errors=True)
                with contextlib.suppress(OSError):
                    (SHARED / name).unlink()

    def _own_segments(self) -> list[dict[str, str]]:
        """Return the segments of System V that descendants made."""
        return [
            segment
            for segment in segments()
            if int(segment["cpid"]) in self.seen
            and int(segment["shmid"]) not in self._foreign_segments
        ]

    def _own_shared(self) -> set[str]:
        """Return the names in SHARED that came with the descendants."""
        return self._opened and self._opened & _names_of_shared() - self._foreign


def children(pid: int) -> list[int]:
    """Return the children of a process; none if it is gone."""
    if sys.platform != "linux":
        return _numbers("pgrep", "-P", str(pid))
    with contextlib.suppress(OSError):
        listed = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
        return [int(child) for child in " ".join(listed).split()]
    return []


def default_limit_mib(jobs: int, whole_mib: float | None = None) -> float:
    """Return the default memory limit of jobs that run at once: at most 8 GiB.

    Args:
        jobs: how many.
        whole_mib: the memory to share, None for the machine's.
    """
    return min(8 * 1024, _for_jobs_mib(whole_mib) / jobs)


def most_jobs() -> int:
    """Return how many jobs may run at once so that the default limit is not below LEAST_MIB."""
    return max(1, int(_for_jobs_mib() / LEAST_MIB))


def _for_jobs_mib(whole_mib: float | None = None) -> float:
    """Return 80 % of the memory, by default the machine's."""
    return 0.8 * (whole_mib or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20)


def reset_peak() -> int:
    """Reset the kernel's record of this process's peak (Linux); return its memory now in KiB."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak_kib()


def peak_mib(start_kib: int) -> float:
    """Return the peak memory of this process above what `reset_peak` returned, in MiB."""
    return max(0, _peak_kib() - start_kib) / 1024


def _peak_kib() -> int:
    """Return the peak resident memory of this process in KiB."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def _resident_mib(pids: Iterable[int]) -> float:
    """Return the memory of processes in MiB, each by itself [0.2 ms a process].

    What several of them share counts several times, so this is a bound from above.
    """
    if sys.platform != "linux":
        return sum(_numbers("ps", "-o", "rss=", "-p", ",".join(map(str, pids)))) / 1024
    return sum(_kib(pid, "status", "RssAnon|RssShmem|VmSwap") for pid in pids) / 1024


def _held_mib(pids: Iterable[int]) -> float:
    """Return the memory of processes in MiB, where what they share counts once [50 ms each]."""
    if sys.platform != "linux":
        return _resident_mib(pids)
    return sum(_kib(pid, "smaps_rollup", "Pss_Anon|Pss_Shmem|SwapPss") for pid in pids) / 1024


def _kib(pid: int, file: str, names: str) -> int:
    """Return the sum of lines of a file of /proc; 0 if the process is gone."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/{file}").read_text()
        return sum(map(int, re.findall(rf"^(?:{names}):\s*(\d+)", text, re.MULTILINE)))
    return 0


def _numbers(*command: str) -> list[int]:
    """Return the numbers that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [int(word) for word in done.stdout.split()]


Files = dict[tuple[int, int], int]
"""Bytes in memory of files, by device and number."""


@cache
def _devices_in_memory() -> set[int]:
    """Return the devices whose files are in memory: of each tmpfs, and of what has no name."""
    if sys.platform != "linux":
        return set()
    nameless = os.memfd_create("device")
    devices = {os.fstat(nameless).st_dev}
    os.close(nameless)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, system = line.partition(" - ")
        if system.startswith("tmpfs "):
            devices.add(os.makedev(*map(int, mount.split()[2].split(":"))))
    return devices


def _in_memory(pid: int) -> tuple[set[str], Files]:
    """Return names in SHARED that a process has open or mapped, and files that it has to write."""
    places, files = "", Files()
    with contextlib.suppress(OSError):
        for link in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                file = os.stat(link.path)
                if file.st_dev in _devices_in_memory():
                    places += os.readlink(link.path) + "\n"
                    if link.stat(follow_symlinks=False).st_mode & stat.S_IWUSR:
                        files[file.st_dev, file.st_ino] = file.st_blocks * 512
        if _kib(pid, "status", "RssShmem"):  # long to read
            places += Path(f"/proc/{pid}/maps").read_text()
    return set(re.findall(rf"{SHARED}/([^/\n]+)", places)), files


def _left_in_shared(names: Iterable[str]) -> Files:
    """Return the files of some names in SHARED."""
    files = Files()
    for name in names:
        inside = [Path(top, file) for top, _, found in os.walk(SHARED / name) for file in found]
        for path in (SHARED / name, *inside):
            with contextlib.suppress(OSError):
                file = os.lstat(path)
                files[file.st_dev, file.st_ino] = file.st_blocks * 512
    return files


def _mapped_mib(pids: Iterable[int], files: Files) -> float:
    """Return how much `_held_mib` contains of some files, in MiB [50 ms a process]."""
    kib = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for major, minor, number, pss in MAPPING.findall(
                Path(f"/proc/{pid}/smaps").read_text()
            ):
                device = os.makedev(int(major, 16), int(minor, 16))
                kib += int(pss) if (device, int(number)) in files else 0
    return kib / 1024


def segments() -> list[dict[str, str]]:
    """Return the segments of System V (Linux), each with its number, creator, use and size."""
    with contextlib.suppress(OSError):
        names, *lines = map(str.split, SEGMENTS.read_text().splitlines())
        return [dict(zip(names, line, strict=True)) for line in lines]
    return []


def _names_of_shared() -> set[str]:
    with contextlib.suppress(OSError):
        return set(os.listdir(SHARED))
    return set()


def _every_process() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    return []
