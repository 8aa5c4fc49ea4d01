"""Lines on the progress of a run."""

import io
import re
import time
from types import SimpleNamespace

import pytest
from rich.console import Console

from bench.run import progress

ROW = SimpleNamespace(wanted=SimpleNamespace(label="knn", dataset="wine"), status="ok")


@pytest.fixture
def text(monkeypatch) -> io.StringIO:
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.01)
    return io.StringIO()


def wait_for(text: io.StringIO, part: str) -> str:
    """Return the first line with a part."""
    for _ in range(500):
        for line in text.getvalue().splitlines():
            if part in line:
                return line
        time.sleep(0.01)
    raise AssertionError(text.getvalue())


def test_the_time_left_is_printed_once_a_tenth_of_the_rows_is_done(text):
    with progress.Progressing(40, Console(file=text)) as progressing:
        for n in range(1, 5):
            progressing.row(ROW)
            line = wait_for(text, f"{n}/40 rows, 0 failed")
    assert re.fullmatch(r"4/40 rows, 0 failed, about \d+ s left", line)
    lines = text.getvalue().splitlines()
    assert not any("left" in line for line in lines if not line.startswith("4/"))
    assert lines[-1] == "4/40 rows, 0 failed, 0 s"


def test_the_jobs_that_run_are_named_with_their_time_while_no_row_comes(text):
    jobs = [(f"ae on set-{i}", 3.0 * i) for i in range(6)]
    with progress.Progressing(40, Console(file=text), lambda: jobs):
        line = wait_for(text, "running")
    assert line == (
        "0/40 rows, 0 failed; running: ae on set-5 (15 s), ae on set-4 (12 s), ae on set-3 (9 s), "
        "ae on set-2 (6 s), 2 more"
    )


def test_a_terminal_of_80_columns_has_the_time_left_and_names_what_fits(text):
    jobs = [("my_autoencoder.py:MyAutoencoder on synthetic/annulus", 9.0)] * 3
    console = Console(file=text, force_terminal=True, width=80)
    with progress.Progressing(54, console, lambda: jobs) as progressing:
        for _ in range(18):
            progressing.row(ROW)
        wait_for(text, "my_auto")
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.getvalue()).replace("\r", "\n").splitlines()
    assert any(
        re.match(r"18/54 rows .+ 0 failed \S+ left my_autoencoder\S+", line) for line in lines
    ), lines
    assert max(map(len, lines)) <= 80
