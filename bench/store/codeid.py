"""The code id: a digest of the code and the library versions that a row's scores depend on."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.store.records import digest
from detectors.entry import Entry
from detectors.source import module_file, read_tree, source_file
from detectors.spec import Spec

# What a library's results rest on beyond itself.
RESTS_ON = {
    "pyod": ("numpy", "scikit-learn", "scipy"),
    "sklearn": ("numpy", "scikit-learn", "scipy"),
}
HERE = Path(__file__).parents[1]
SHOWN_DIGITS = 12  # of a file's digest
HARNESS_FILES = tuple(
    HERE / "protocols" / name for name in ("named.py", "papers.py", "scalers.py", "split.py")
)
# What changes no score: names (what a name presets is in the id) and the checking of settings.
NO_SCORES = (
    "annotated_types",
    "detectors.entry",
    "detectors.factory",
    "detectors.registry",
    "detectors.settings",
    "detectors.spec",
)


def code_id(spec: Spec) -> str:
    """Return the digest for a spec's scores.

    It covers the syntax trees, without texts (see `_drop_texts`), of the detector's module, of
    its head's and of what they import within `detectors` or, where they are a user's file, from
    beside it; protocols and scalers; what the registry presets; and the versions of the libraries
    that these modules import, and of those that the registry says the method imports.
    """
    files = _files(spec)
    return digest(
        {
            "trees": sorted({tree_digest(path) for path in files}),
            "presets": _presets(spec),
            "versions": _versions(spec, files),
        }
    )


def own_code_id(spec: Spec, further: Iterable[Path] = ()) -> str:
    """Return the digest of the project's code for a spec's scores, and of further files.

    Unlike the code id it is the same under other libraries and another Python, whose syntax trees
    have other empty fields.
    """
    trees = sorted({_plain_digest(path) for path in (*_files(spec), *further)})
    return digest({"trees": trees, "presets": _presets(spec)})


@cache
def _plain_digest(path: Path) -> str:
    return digest(_plain(_tree(path)))


def _plain(node: object) -> object:
    """Return a syntax tree as nested lists, without its empty fields."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
    return [type(node).__name__, *([name, _plain(value)] for name, value in fields)]


def code_parts(spec: Spec) -> dict[str, Any]:
    """Return what the code id is made of, for a reader who asks why two of them differ.

    `files` gives the digest of each file by its path in the project (of a user's file, its name),
    `presets` what the registry presets, `versions` the version of each library.
    """
    files = _files(spec)
    return {
        "files": {_shown(path): tree_digest(path)[:SHOWN_DIGITS] for path in files},
        "presets": _presets(spec),
        "versions": _versions(spec, files),
    }


def _files(spec: Spec) -> list[Path]:
    targets = [entry.target for entry in _entries(spec)]
    if spec.head:
        targets.append("detectors.compose:Hybrid")
    return sorted(set(HARNESS_FILES).union(*(_closure(target) for target in targets)))


def _entries(spec: Spec) -> list[Entry]:
    return [entry for entry in (spec.entry, spec.head_entry) if entry]


def _presets(spec: Spec) -> list[str]:
    return [repr(sorted(entry.preset.items())) for entry in _entries(spec)]


def _versions(spec: Spec, files: Iterable[Path]) -> dict[str, str]:
    imported = (_imports(path) for path in files)
    return versions(_preloaded(_entries(spec)).union(*imported))


def _shown(path: Path) -> str:
    home = HERE.parent
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else path.name


def _preloaded(entries: Iterable[Entry]) -> frozenset[str]:
    return frozenset(module for entry in entries for module in entry.preload)


def _closure(target: str) -> set[Path]:
    """Return a target's file and all it imports within `detectors`, or beside a user's file."""
    root = source_file(target)
    beside = root.parent if target.rpartition(":")[0].endswith(".py") else None
    found: set[Path] = set()
    waiting = [root]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            for name in _imports(path):
                if name.startswith("detectors."):
                    waiting += [file for file in [_inside(name)] if file]
                elif beside:
                    waiting += _beside(name, path, beside)
    return found


def _beside(name: str, importer: Path, folder: Path) -> list[Path]:
    """Return the files below a folder of a module that a file there imports, and its packages'."""
    absolute = name.lstrip(".")
    level = len(name) - len(absolute)
    start = importer.resolve().parents[level - 1] if level else folder
    parts = absolute.split(".")
    files = (module_file(".".join(parts[:n]), start) for n in range(1, len(parts) + 1))
    return [file for file in files if file]


def _inside(name: str) -> Path | None:
    """Return the file of a module of `detectors`, or of what `detectors` itself offers, if any."""
    place = HERE.parent.joinpath(*name.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file() and name not in NO_SCORES:
            return file
    package, _, attribute = name.rpartition(".")
    offered = {n.rpartition(".")[2]: n.rpartition(".")[0] for n in _offered()}
    return _inside(offered[attribute]) if package == "detectors" and attribute in offered else None


@cache
def _offered() -> frozenset[str]:
    return _imports(HERE.parent / "detectors" / "__init__.py")


@cache
def _tree(path: Path) -> ast.Module:
    tree = read_tree(path)
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list) and statements:
                _drop_texts(statements)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Protocol":
            node.args = [arg for arg in node.args if not isinstance(arg, ast.Constant)]
            node.keywords = [word for word in node.keywords if word.arg not in ("paper", "flaw")]
    return tree


def _drop_texts(statements: list[ast.stmt]) -> None:
    """Put `pass` in place of what changes no score: docstrings, and messages that are raised next.

    Comments are not in a tree. What a protocol says of itself goes too.
    """
    if _is_docstring(statements[0]):
        statements[0] = ast.Pass()
    for i, (first, second) in enumerate(pairwise(statements)):
        if isinstance(first, ast.Assign) and isinstance(second, ast.Raise):
            names = [ast.unparse(target) for target in first.targets]
            if names == ["msg"]:
                statements[i] = ast.Pass()


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def file_digest(path: Path) -> str:
    """Return the sha256 of a file as it was when this process first asked, when planning."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def tree_digest(path: Path) -> str:
    """Return the digest of a file's code: of its syntax tree without texts, see `_drop_texts`."""
    file_digest(path)  # so that a change from now on is noticed
    return hashlib.sha256(ast.dump(_tree(path)).encode()).hexdigest()


@cache
def _imports(path: Path) -> frozenset[str]:
    """Return the modules, and names from modules, that a file imports anywhere, in full.

    A relative one begins with its dots.
    """
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            dot = "." if node.module else ""
            names |= {module, *(f"{module}{dot}{alias.name}" for alias in node.names)}
    return frozenset(names)


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Return the versions of the distributions behind imported modules, where they have one."""
    found: dict[str, str] = {}
    for module in modules:
        package = module.partition(".")[0]
        if package and package not in sys.stdlib_module_names and package not in NO_SCORES:
            for distribution in (package, *RESTS_ON.get(package, ())):
                found |= _version(distribution)
    return found


@cache
def _version(distribution: str) -> dict[str, str]:
    try:
        return {distribution: version(distribution)}
    except PackageNotFoundError:
        return {}
