"""Writes the reference pages: commands, detectors, data sets, and the tables of `bench list`.

All facts come from the registry, the catalogue and the command line, so the pages cannot go stale.
`make docs` runs this through `conf.py`; `python docs/generate.py FOLDER` writes the pages alone.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from generate_data_sets import data_sets
from generate_detectors import detectors
from generate_methods import methods
from markup import docstring, linked, page, table

import bench
import datasets
from bench.cli.app import app
from bench.metrics.scored import METRICS
from bench.plan.suite import names as suite_names
from bench.plan.suite import read as read_suite
from bench.protocols.named import EXAMPLE, PARAMETERS, PROTOCOLS
from bench.protocols.scalers import IMPUTE, SCALERS
from detectors.contract import Detector
from detectors.factory import make
from detectors.registry import names
from detectors.training.base import DeepDetector

ROOT = Path(__file__).resolve().parent.parent
COMMAND_WIDTH = 88
BETTER = {True: "larger", False: "smaller", None: ""}
METHOD_HOOKS = (
    "_network",
    "_losses",
    "_noise",
    "_phases",
    "_renew",
    "_conclude",
    "_read",
    "_material",
)
INDEX = """\
# Reference

| page | contents |
|---|---|
| [Commands](commands.md) | every command with its options |
| [Detectors](detectors.md) | every detector with its paper, read-outs and settings |
| [Methods against their papers](methods.md) | checks, deviations and limits of each |
| [Data sets](datasets/index.md) | every data set with its card |
| [Protocols, scalers, metrics, suites](lists.md) | the tables of `bench list` |
| [Python interface](python.md) | classes and functions to import |
| [Modules](modules.md) | every module with what it does |

```{toctree}
:hidden:

commands
detectors
methods
datasets/index
lists
python
modules
```
"""
COMMANDS = """\
The command `bench` lies in `.venv/bin`. Exit status: 0 done; 1 something asked for did not hold
(`--strict`, `check`, `data verify`, `compare --fail-on-regression`), or nothing could be run; 2 bad
usage; 130 interrupted. A run in which rows fail exits 0 without `--strict`."""


def write_reference(folder: Path) -> None:
    """Write every page of the reference into a folder, and remove pages that are out of date."""
    pages = {
        "index.md": INDEX,
        "commands.md": page(_commands()),
        "methods.md": methods(),
        "detectors.md": detectors(),
        "lists.md": page(_lists()),
        "modules.md": page(_modules()),
        "python.md": page(_python()),
        **{f"datasets/{name}": text for name, text in data_sets().items()},
    }
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).as_posix() not in pages:
            path.unlink()
    for name, text in pages.items():
        write(folder / name, text)


def write(path: Path, text: str) -> None:
    """Write a page unless it is there already, so that Sphinx rebuilds only what changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield COMMANDS
    for path, command in _walk("bench", typer.main.get_command(app)):
        context = command.make_context(
            path, [], resilient_parsing=True, terminal_width=COMMAND_WIDTH
        )
        yield f"## {path}"
        yield f"```text\n{command.get_help(context).rstrip()}\n```"


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _walk(f"{path} {name}", child)


def _lists() -> Iterator[str]:
    yield "# Protocols, scalers, metrics, suites"
    yield "## Protocols"
    protocols = sorted(PROTOCOLS.items(), key=lambda item: bool(item[1].paper))
    rows = [[f"`{name}`", p.summary, linked(p.paper), p.flaw] for name, p in protocols]
    yield table(["protocol", "meaning", "paper", "flaw"], rows)
    yield f"Protocols that no paper fixes take parameters, as in `{EXAMPLE}`:"
    yield table(["parameter", "meaning"], [[f"`{name}`", m] for name, m in PARAMETERS.items()])
    yield "## Scalers"
    imputed = [f"`{IMPUTE}NAME`", "first the training median for values that are not finite"]
    yield table(
        ["scaler", "meaning"], [*([f"`{name}`", m] for name, m in SCALERS.items()), imputed]
    )
    yield "## Metrics"
    metrics = [[f"`{m.name}`", BETTER[m.larger_is_better], m.help] for m in METRICS.values()]
    yield table(["metric", "better", "meaning"], metrics)
    yield "## Suites"
    suites = {name: read_suite(name) for name in suite_names()}
    sizes = [
        [f"`{name}`", *(str(len(part)) for part in (s.detectors, s.datasets, s.seeds)), s.title]
        for name, s in suites.items()
    ]
    yield table(["suite", "detectors", "data sets", "seeds", "title"], sizes)


def _python() -> Iterator[str]:
    interface = {
        "Detectors": (make, names, Detector, Detector.fit, Detector.score, Detector.encode),
        "A detector of your own": (
            Detector.stream,
            DeepDetector,
            *(getattr(DeepDetector, name) for name in METHOD_HOOKS),
        ),
        "Data sets": (datasets.load, datasets.names, datasets.DataSet, datasets.Card),
        "Results": (bench.rows,),
    }
    yield "# Python interface"
    for title, objects in interface.items():
        yield f"## {title}"
        for each in objects:
            yield f"### `{each.__qualname__}`"
            yield _signature(each)
            yield docstring(each)


def _signature(each: Any) -> str:
    if isinstance(each, type):
        text = f"from {each.__module__} import {each.__name__}"
    else:
        text = f"{each.__module__}.{each.__qualname__}{inspect.signature(each)}"
    return f"```python\n{text}\n```"


def _modules() -> Iterator[str]:
    yield "# Modules"
    yield "Each package with its one rule, and each module with what it does."
    for package in ("bench", "detectors", "datasets"):
        for init in sorted((ROOT / package).rglob("__init__.py")):
            files = sorted(path for path in init.parent.glob("*.py") if path.name[0] != "_")
            yield f"## `{init.parent.relative_to(ROOT)}/`"
            yield _sentence(init)
            yield table(
                ["module", "what it does"], [[f"`{path.name}`", _sentence(path)] for path in files]
            )


def _sentence(path: Path) -> str:
    doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(doc.partition("\n\n")[0].split())


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))
