"""The commit, versions and machine that made a row."""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bench.store.codeid import versions

LIBRARIES = ("numpy", "scipy", "sklearn", "torch", "pyod", "pandas", "joblib", "fathom")
SHOWN = ("numpy", "scikit-learn", "torch", "pyod")  # under boards
USER = "user_"  # begins the names of what is known of the user's repository
HOME = Path(__file__).resolve().parents[2]


def provenance() -> dict[str, Any]:
    """Return commit (and whether files differ from it), versions, machine and date (UTC)."""
    return {**_fixed(), "date": datetime.now(UTC).isoformat(timespec="seconds")}


@cache
def _fixed() -> dict[str, Any]:
    return {
        "commit": git("rev-parse", "HEAD"),
        "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
        "python": platform.python_version(),
        "versions": versions(LIBRARIES),
        "machine": socket.gethostname(),
        "system": platform.platform(),
        "processor": _processor(),
        "gpu": _gpu(),
        "cores": os.cpu_count(),
        "threads": 1,
    }


@cache
def of_user(file: Path) -> dict[str, Any]:
    """Return commit, repository and whether files differ, of the git repository of a user's file.

    A file that git does not follow differs, too. The project's own repository is none of a user's.
    """
    folder = file.resolve().parent
    repository = git("rev-parse", "--show-toplevel", at=folder)
    if not repository or Path(repository) == HOME:
        return {}
    changed = git("status", "--porcelain", "--untracked-files=no", at=folder)
    return {
        "user_commit": git("rev-parse", "HEAD", at=folder),
        "user_dirty": bool(changed) or not git("ls-files", "--", file.name, at=folder),
        "user_repository": repository,
    }


def git(*arguments: str, at: Path | None = None) -> str:
    """Return the output of a git command in a folder, by default the project's; "" if it fails.

    It ignores a repository that merely holds the installed project, in a virtual environment for
    example, and one that GIT_DIR names, as within a hook.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    if at is None:
        plain["GIT_CEILING_DIRECTORIES"] = str(HOME.parent)
    command = ["git", "-C", str(at or HOME), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=plain)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    """Return the processor's name and its widest vector instructions: last bits depend on them."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    flags = _first(r"^flags\s*: (.*)$", text).split()
    widest = next((f for f in ("avx512f", "avx2", "avx", "sse2") if f in flags), "")
    name = _first(r"^model name\s*: (.*)$", text) or platform.machine()
    return f"{name} {widest}".strip()


def _gpu() -> str:
    """Return the names of the NVIDIA GPUs of this machine, "" if there is none (Linux)."""
    found = Path("/proc/driver/nvidia/gpus").glob("*/information")
    names = (_first(r"^Model:\s*(.*)$", file.read_text(encoding="utf-8")) for file in found)
    return ", ".join(sorted(names))


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


def made_by(rows: Iterable[Any]) -> tuple[str, ...]:
    """Return sentences on the machines, versions and commits that made rows.

    Rows without provenance, which are not stored, are skipped.
    """
    known = [row for row in rows if isinstance(row, Mapping)]
    machines = Counter(f"{r['processor']}, {r['cores']} cores" for r in known if "processor" in r)
    if not machines:
        return code_of(known)
    made = [f"Machine: {_listed(machines, 'rows')}."]
    if len(machines) > 1:
        made.append("Times of different machines do not compare.")
    return (*made, *code_of(known))


def code_of(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return sentences on the versions and commits that made rows, from their provenance."""
    all_rows = list(rows)
    texts = {
        "Versions": map(versions_of, all_rows),
        "Commit": map(commit_of, all_rows),
        "Commit of the user's files": (commit_of(row, USER) for row in all_rows),
    }
    return sentences(texts, "rows")


def versions_of(row: Mapping[str, Any]) -> str:
    """Return the versions of a row's provenance that are shown, "" if it has none."""
    of = row.get("versions") or {}
    return ", ".join(f"{name} {of[name]}" for name in SHOWN if of.get(name))


def commit_of(row: Mapping[str, Any], whose: str = "") -> str:
    """Return the commit, or the USER's, of a row's provenance, "" if it has none."""
    if not (commit := row.get(f"{whose}commit")):
        return ""
    return str(commit[:10]) + (" with changes" if row.get(f"{whose}dirty") else "")


def gpu_of(row: Mapping[str, Any]) -> str:
    """Return the GPU of a row's provenance, "" if it has none."""
    return str(row.get("gpu") or "")


def sentences(texts: Mapping[str, Iterable[str]], what: str) -> tuple[str, ...]:
    """Return a sentence for each name, "Name: text; text.", with how many of `what` have each text.

    Empty texts are skipped; a name without others has no sentence.
    """
    found = {name: Counter(filter(None, each)) for name, each in texts.items()}
    return tuple(f"{name}: {_listed(each, what)}." for name, each in found.items() if each)


def _listed(found: Counter[str], what: str) -> str:
    """Return the texts, the most frequent first; if several, with how many of `what` have each."""
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) == 1:
        return ordered[0][0]
    return "; ".join(f"{text} ({count} {what})" for text, count in ordered)
