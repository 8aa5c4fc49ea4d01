"""Where the time of a run goes: wall seconds by stage, over all jobs that run at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = {
    "load": "data sets from their files",
    "split": "split, encoded, scaled and handed over",
    "start": "of processes, and their end",
    "fit": "models and heads, as the harness waits for them",
    "score": "likewise",
    "company": "whether scores depend on the other test samples",
    "metrics": "from scores",
    "store": "each row in one transaction",
    "track": "MLflow, beside the jobs",
}


class Stages:
    """Wall seconds by stage. Safe to use from several threads."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._guard = threading.Lock()

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Count the time of the `with` block to a stage, also if it ends by an error."""
        start = time.perf_counter()
        try:
            yield
        finally:
            with self._guard:
                self.seconds[stage] += time.perf_counter() - start
