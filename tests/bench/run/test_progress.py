"""Lines on the progress of a run."""

import io
from types import SimpleNamespace

from rich.console import Console

from bench.run import progress


def test_the_time_left_is_printed_once_a_tenth_of_the_rows_is_done(monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", -1.0)
    text = io.StringIO()
    wanted = SimpleNamespace(label="knn", dataset="wine")
    with progress.Progressing(40, Console(file=text)) as progressing:
        for _ in range(4):
            progressing.row(SimpleNamespace(wanted=wanted, status="ok"))
    lines = text.getvalue().splitlines()
    assert lines[:3] == [f"{n}/40 rows, 0 failed" for n in (1, 2, 3)]
    assert lines[3] == "4/40 rows, 0 failed, about 0 s left"
    assert lines[4] == "4/40 rows, 0 failed, 0 s"
