"""Standard output that is closed, full or of few signs: a quiet end or a sentence, no traceback."""

import os
import subprocess
import sys
from contextlib import closing

import pytest

from bench.store.store import Store
from tests.helpers.command import ROOT

CHOSEN = ("--detectors", "random", "--datasets", "wine")
LOST = "bench: output is lost: cannot write standard output (No space left on device)"
SINKS = {
    # how bench is started, its status where all else is well, and what it says
    "a pipe that nobody reads": ("exec 1>&$PIPE", 0, ""),
    "a full disk": ("exec 1>/dev/full", 2, LOST),
    "a closed descriptor": ("exec 1>&-", 0, ""),
    "closed descriptors": ("exec 0>&- 1>&- 2>&-", 0, ""),
    "an encoding of few signs": ("export PYTHONIOENCODING=ascii", 0, ""),
}
COMMANDS = {
    "--help": ("--help",),
    "list": ("list", "metrics"),
    "csv": ("list", "datasets", "--format", "csv"),
    "dry run": ("run", "smoke", "--dry-run"),
    "run": ("run", "smoke", *CHOSEN),
    "board": ("board", "smoke", *CHOSEN),
    "html": ("board", "smoke", *CHOSEN, "--format", "html"),
    "report": ("report", "smoke", *CHOSEN),
    "compare": ("compare", "results", "results"),
    "history": ("history",),
    "export": ("export", "rows.csv"),
    "merge": ("merge", "results", "--results", "merged"),
    "track": ("track", "smoke"),
    "data list": ("data", "list"),
    "card": ("data", "card", "wine"),
    "verify": ("data", "verify", "wine"),
    "check": ("check", "max-abs-z"),
    "reproduce": ("reproduce", "--help"),
}


def run_into(sink: str, *args: str, folder) -> subprocess.CompletedProcess[str]:
    """Run `bench` in a folder with a kind of standard output."""
    reading, writing = os.pipe()
    os.close(reading)
    script = f'{SINKS[sink][0]}; exec "$0" -P -m bench "$@"'
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PIPE": str(writing), "MLFLOW_TRACKING_URI": ""}
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, *args],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        pass_fds=[writing],
        check=False,
    )
    os.close(writing)
    return done


def faults(command: str):
    """Return a case for each kind of output, marked as an injected fault."""
    mark = pytest.mark.fault
    return [
        pytest.param(
            sink,
            marks=mark(
                area="commands and output",
                kind=f"standard output is {sink}",
                how=f"{command} with it",
                promise="a quiet end or one sentence, the right exit status, no traceback",
            ),
        )
        for sink in SINKS
    ]


@pytest.mark.parametrize("sink", faults("`bench list`"))
def test_a_command_ends_as_it_should_whatever_becomes_of_its_output(tmp_path, sink):
    done = run_into(sink, "list", "metrics", folder=tmp_path)
    _, status, said = SINKS[sink]
    assert done.returncode == status
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == bool(said)


@pytest.mark.parametrize("sink", ["a full disk", "closed descriptors"])
def test_bad_usage_keeps_its_status(tmp_path, sink):
    assert run_into(sink, "list", "nonsense", folder=tmp_path).returncode == 2


def test_signs_that_an_encoding_lacks_are_escaped(tmp_path):
    done = run_into(
        "an encoding of few signs", "list", "b\N{GREEK SMALL LETTER ALPHA}", folder=tmp_path
    )
    assert "unknown 'b\\u03b1'" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("sink", faults("every command"))
def test_every_command_does_its_work_whatever_becomes_of_its_output(tmp_path, sink):
    for name, args in COMMANDS.items():
        done = run_into(sink, *args, folder=tmp_path)
        assert done.returncode == SINKS[sink][1], (name, done.stderr)
        assert "Traceback" not in done.stderr, name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merged", "results", "rows.csv"]
    with closing(Store(tmp_path / "merged")) as store:
        assert list(store.statuses().values()) == ["ok"] * 2
