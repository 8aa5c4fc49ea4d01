"""The command in an interpreter of its own, and what it leaves in a folder."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "sklearn", "scipy", "mlflow", "pyod", "matplotlib")
WATCHED = f"""
import atexit, sys
def report():
    found = sorted(set({HEAVY}) & set(sys.modules))
    print("imported:", *found, file=sys.stderr)
atexit.register(report)
from bench.cli.app import main
main()
"""


def fresh(*args: object, path: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `bench` in a new interpreter that reports which heavy libraries it imported."""
    return subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, args)],
        cwd=ROOT,
        env={**os.environ, **({"PYTHONPATH": path} if path else {}), **env},
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, but for those that SQLite makes beside a store."""
    kept = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in kept if not path.name.startswith("store.db-")}
