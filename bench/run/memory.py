"""Memory of processes: how much a child and its descendants hold, its peak, and the limit."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import subprocess
import sys
from pathlib import Path


def memory_mib(pid: int) -> float:
    """Return the anonymous memory of a process and its descendants in MiB; 0 if it is gone."""
    if sys.platform != "linux":
        listed = subprocess.run(
            ["ps", "-o", "rss=", "-g", str(pid)], capture_output=True, text=True, check=False
        )
        return sum(int(kib) for kib in listed.stdout.split()) / 1024
    total, waiting = 0, [pid]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        with contextlib.suppress(OSError):
            anonymous = re.search(r"RssAnon:\s*(\d+)", (process / "status").read_text())
            total += int(anonymous[1]) if anonymous else 0  # a zombie has none
            for task in (process / "task").iterdir():
                waiting += [int(p) for p in (task / "children").read_text().split()]
    return total / 1024


def default_memory_mib(workers: int) -> float:
    """Return the default memory limit: the smaller of 8 GiB and 80 % of RAM over workers."""
    ram = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    return min(8 * 1024, 0.8 * ram / workers)


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
