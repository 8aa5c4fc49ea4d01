"""Every code block of the README and the documentation runs, in order, in a folder of its page.

The language of a block says how it runs: `sh` by bash, `python` in one namespace for the page. A
comment in the line above it, which no reader sees, says otherwise. A table that is the reader's own
in the README is there from the start. Notebooks and the pages in DEAR are slow as a whole:

    <!-- file: NAME -->       the block is written to this file
    <!-- not run: REASON -->  its commands are only parsed; REASONS lists the reasons
    <!-- slow -->             it runs in the slow tests only
"""

import ast
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main
import yaml

from bench.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(p for p in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in p.parts),
]
GENERATED = ("reference", "project")
REASONS = (
    "needs a cluster",
    "needs a data folder",
    "needs a server",
    "needs several commits",
    "needs the checkout",
    "needs the network",
    "part of a file",
    "takes minutes",
)
SHOWN = ("text", "bibtex")  # outputs
FENCE = re.compile(
    r"(?P<above>[^\n]*)\n```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
MARK = re.compile(r"<!-- (?:(?P<slow>slow)|file: (?P<file>\S+)|not run: (?P<reason>.+)) -->")
FOREIGN = ("mlflow", "dask")  # commands of others, asked whether they take the options


@dataclass(frozen=True)
class Block:
    """A code block: its language and text, and what the comment above it says."""

    language: str
    text: str
    file: str | None
    reason: str | None
    slow: bool


def blocks(page: Path) -> Iterator[Block]:
    for found in FENCE.finditer("\n\n" + page.read_text(encoding="utf-8")):
        language, text = found["language"].strip(), found["text"]
        if language.startswith("{code-cell}"):
            text = re.sub(r"^:.*\n", "", found["text"], flags=re.MULTILINE)
            language, text = ("sh", text[1:]) if text.startswith("!") else ("python", text)
        elif language.startswith("{"):
            continue
        mark = MARK.fullmatch(found["above"])
        assert mark or not found["above"].startswith("<!--"), f"unknown mark {found['above']}"
        said = mark.groupdict() if mark else {"file": None, "reason": None, "slow": None}
        yield Block(language, text, said["file"], said["reason"], bool(said["slow"]))


def written(page: Path) -> str:
    return str(page.relative_to(ROOT))


BY_HAND = [p for p in PAGES if p.relative_to(ROOT).parts[1:2] not in [(g,) for g in GENERATED]]
WITH_BLOCKS = [page for page in BY_HAND if any(blocks(page))]
DEAR = [ROOT / "docs" / name for name in (
    "guides/boards.md", "guides/suites.md", "tutorials/own-data.md", "tutorials/paper-table.md"
)]  # fmt: skip
QUICK = [
    page
    for page in WITH_BLOCKS
    if page not in DEAR and "file_format: mystnb" not in page.read_text("utf-8")
]
WITH_SLOW = [
    page for page in WITH_BLOCKS if page not in QUICK or any(block.slow for block in blocks(page))
]


@pytest.mark.parametrize("page", QUICK, ids=written)
def test_blocks_run(page, tmp_path, monkeypatch):
    run_page(page, tmp_path, monkeypatch, slow=False)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", WITH_SLOW, ids=written)
def test_slow_blocks_run(page, tmp_path, monkeypatch):
    run_page(page, tmp_path, monkeypatch, slow=True)


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=written)
def test_blocks_parse(page):
    for block in blocks(page):
        check(block)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bench run --detector knn", "No such option"),
        ("bench train", "No such command"),
        ("bench board --unit row", "'row' is not one of"),
        ("make everything", "no target"),
        ("bensh run", "unknown command"),
    ],
)
def test_a_wrong_command_is_found(text, message):
    with pytest.raises(Exception, match=message):
        check_commands(text)


def run_page(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *, slow: bool) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("BENCH_DATA", str(folder / "data"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MPLBACKEND", "agg")
    lines = [f"{i},{i % 7 + i / 100},{'yes' if i % 9 == 0 else 'no'}" for i in range(90)]
    (folder / "claims.csv").write_text("\n".join(["id,amount,fraud", *lines]), encoding="utf-8")
    namespace = {"__name__": "__page__"}
    for block in blocks(page):
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.reason or (block.slow and not slow):
            continue
        elif block.language == "sh":
            command = ["bash", "-euo", "pipefail", "-c", block.text]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{block.text}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        elif block.language == "python":
            exec(compile(block.text, written(page), "exec"), namespace)


def check(block: Block) -> None:
    """Check a block without running it: its language, its syntax, its commands."""
    assert block.reason is None or block.reason in REASONS
    if block.language == "sh":
        subprocess.run(["bash", "-n", "-c", block.text], check=True)
        check_commands(block.text)
    elif block.language == "python":
        ast.parse(block.text)
    elif block.language == "toml":
        tomllib.loads(block.text)
    elif block.language == "yaml":
        for text in steps(yaml.safe_load(block.text)):
            check_commands(text)
    else:
        assert block.file or block.language in SHOWN, f"unknown language {block.language!r}"


def steps(workflow: object) -> Iterator[str]:
    """Yield the commands of a workflow: the values of `run`, however deep."""
    children = workflow.values() if isinstance(workflow, dict) else workflow
    if isinstance(workflow, dict) and isinstance(workflow.get("run"), str):
        yield workflow["run"]
    if isinstance(workflow, dict | list):
        for child in children:
            yield from steps(child)


def check_commands(text: str) -> None:
    lines = re.sub(r"\\\n", " ", text).splitlines()
    for line in lines:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if re.fullmatch(r"[;&|]+", word):
                check_command(words)
                words = []
            else:
                words.append(word)


def check_command(words: list[str]) -> None:
    while words and re.match(r"\w+=", words[0]):
        words = words[1:]
    if words[:1] == ["srun"]:
        words = [word for word in words[1:] if not word.startswith("-")]
    if not words:
        return
    words = words[: words.index(">")] if ">" in words else words
    program, arguments = Path(words[0]).name, words[1:]
    if program == "bench":
        command, path = typer.main.get_command(app), "bench"
        while hasattr(command, "commands") and arguments:
            assert arguments[0] in command.commands, f"No such command: {path} {arguments[0]}"
            path, command = f"{path} {arguments[0]}", command.commands[arguments[0]]
            arguments = arguments[1:]
        command.make_context(path, list(arguments))
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for word in arguments:
            assert "=" in word or word in targets, f"no target {word} in the Makefile"
    elif program in FOREIGN:
        installed = Path(sys.executable).with_name(program)
        done = subprocess.run([installed, *arguments, "--help"], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    else:
        known = ("cd", "echo", "export", "git", "mkdir", "pip", "pre-commit", "python", "sbatch")
        assert program in known, f"unknown command {program}"
