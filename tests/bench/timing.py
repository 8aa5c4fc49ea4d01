"""How much of the processor a command takes."""

import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def processor_seconds(*arguments: str) -> float:
    """Return the least of two runs of the interpreter with these arguments."""
    return min(_once(arguments) for _ in range(2))


def _once(arguments: tuple[str, ...]) -> float:
    before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, check=True)
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before
