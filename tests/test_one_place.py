"""What is added in one place works: each addition in a copy of the project, by that edit alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINE = "7252b7ce6bd40062f71dbaaebc7cde5d1780e1b5c4837815029da95b2f256c88"
SUITE = 'detectors = ["random", "mean-distance"]\ndatasets = ["wine"]\nseeds = 2\n'


class Copy:
    """A copy of the packages, of which a test edits one file and runs the commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for package in ("bench", "detectors", "datasets"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, folder / package, ignore=ignored)

    def insert(self, file: str, line: str, text: str) -> None:
        """Add text behind a line that is in a file once."""
        path = self.folder / file
        before = path.read_text(encoding="utf-8")
        assert before.count(line) == 1, f"{file} does not have this line once: {line}"
        path.write_text(before.replace(line, line + text), encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        """Add a file."""
        (self.folder / file).write_text(text, encoding="utf-8")

    def python(self, *arguments: object) -> str:
        """Run Python in the copy and return what it prints."""
        ran = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def bench(self, *arguments: object) -> str:
        """Run a command in the copy and return what it prints."""
        return self.python("-m", "bench", *arguments)


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path / "fathom")


def test_a_metric_is_one_line_and_needs_no_rerun(copy, tmp_path):
    copy.write("small.toml", SUITE)
    stored = ("--results", tmp_path)
    copy.bench("run", "small.toml", "--jobs", "1", *stored)
    copy.insert(
        "bench/metrics/scored.py",
        "    for m in (\n",
        '        Metric("top", "top score", lambda y, s: float(y[s.argmax()]), True, "Hit?"),\n',
    )
    assert "top,larger,Hit?" in copy.bench("list", "metrics", "--format", "csv")
    board = copy.bench("board", "small.toml", "--metric", "top", *stored)
    assert "top score 95 %" in board
    heads = copy.bench("board", "small.toml", "--format", "csv", *stored).splitlines()[0].split(",")
    assert {"top", "top_low", "top_best"} <= set(heads)


def test_a_format_is_one_line(copy):
    copy.insert(
        "bench/render/formats.py",
        "FORMATS: dict[str, Format] = {\n",
        '    "loud": Format(lambda d: d.page(narrow=True).title.upper(), "loud"),\n',
    )
    assert copy.bench("list", "suites", "--format", "loud") == "SUITES\n"
    for command in ("board", "compare", "history", "reproduce", "list"):
        assert "loud" in copy.bench(command, "--help")


def test_a_read_out_is_one_function_and_one_line(copy):
    copy.insert(
        "detectors/deep/variational/vae.py",
        "    readouts: ClassVar[ReadOuts] = {\n",
        '        "half": lambda self, rows: self._elbo(rows) / 2,\n',
    )
    assert "half" in copy.bench("list", "detectors")
    program = """
import numpy as np
from detectors import make
x = np.random.default_rng(0).normal(size=(50, 3))
scores = [make(f"vae:{name}", epochs=1).fit(x).score(x) for name in ("half", "elbo")]
np.testing.assert_allclose(2 * scores[0], scores[1])
"""
    copy.python("-W", "ignore", "-c", program)


def test_a_published_table_is_two_files(copy, tmp_path):
    copy.write(
        "bench/reproduce/tables/mine.toml",
        'title = "Mine"\npaper = "Me, 2026"\nprotocol = "one-class"\nseeds = [0]\n'
        'detectors.Mean = { spec = "mean-distance", deterministic = true }\n'
        'datasets.Wine = "wine"\n',
    )
    copy.write(
        "bench/reproduce/tables/mine.csv",
        "dataset,detector,metric,value,std,source\nWine,Mean,auroc,50.00,,first hand\n",
    )
    assert "Mine" in copy.bench("reproduce")
    page = copy.bench("reproduce", "mine", "--format", "md", "--results", tmp_path)
    assert "| Wine | Mean | AUROC | 50.00 |" in page


def test_a_data_set_is_one_file(copy):
    copy.write(
        "datasets/families/lines.py",
        """
import numpy as np
from datasets.entry import Entry, Facts
from datasets.record import DataSet


def line(card, paths):
    return DataSet(card, np.arange(60.0)[:, None], np.arange(60) % 6 == 0)


ENTRIES = (
    Entry(
        name="lines/one", kind="tabular", family="lines", source="a test", licence="MIT",
        citation="none", content_sha256=SHA256, synthetic=True, known_issues=("a line",),
        facts=Facts(n=60, shape=(1,), n_anomalies=10, duplicates=0),
        loader="datasets.families.lines:line",
    ),
)
""".replace("SHA256", repr(LINE)),
    )
    assert "lines/one,tabular,lines,60,1,10" in copy.bench("list", "datasets", "--format", "csv")
    assert f"sha256: {LINE}" in copy.bench("data", "card", "lines/one")


def test_a_detector_is_a_class_and_one_line(copy):
    copy.write(
        "detectors/shallow/first.py",
        '''
from dataclasses import dataclass
from detectors.contract import Detector


@dataclass(kw_only=True)
class First(Detector):
    """The first feature."""

    def _fit(self, x):
        self.fitted_ = True

    def _score(self, x, readout):
        return x[:, 0].copy()
''',
    )
    copy.insert(
        "detectors/registry.py",
        "TABLE: dict[str, Method] = {\n",
        '    "first": Method("detectors.shallow.first:First"),\n',
    )
    assert "first,shallow,The first feature" in copy.bench("list", "detectors", "--format", "csv")
    copy.bench("check", "first")
