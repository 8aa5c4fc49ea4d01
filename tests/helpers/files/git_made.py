"""Real repositories for tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints in a folder, without the settings and the hooks of a user."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    plain |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *who, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=plain)
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    """Make a folder a repository without a commit."""
    folder.mkdir(exist_ok=True)
    git(folder, "init", "-q")
    return folder


def commit_all(folder: Path, subject: str) -> str:
    """Commit all there is, even nothing, and return the commit."""
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", subject, "--allow-empty")
    return git(folder, "rev-parse", "HEAD")
