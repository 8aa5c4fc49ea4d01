"""What the source of a detector's class declares, read without importing it.

A class inherits what its bases declare, as far as these lie in the same file, in files beside it
or in this package.
"""

from __future__ import annotations

import ast
import math
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, NamedTuple, get_args

from detectors.contract import Family
from detectors.localisation import POOLINGS

HOME = Path(__file__).parent.parent
_FAMILIES = get_args(Family)


def _are_strings(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(name, str) for name in value)


def _are_poolings(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and pooling in ("", *POOLINGS) for name, pooling in value.items()
    )


_BOOLEAN = (lambda value: isinstance(value, bool), "a literal True or False")
_REFERENCE = re.compile(r"^Reference: (?:\[\w+\](?:,\s+)?)+$", re.MULTILINE)
# What a class may declare, which values are accepted, and how messages describe them.
_LITERALS: dict[str, tuple[Callable[[object], bool], str]] = {
    "family": (lambda value: value in _FAMILIES, f"one of the strings {', '.join(_FAMILIES)}"),
    "readouts": (
        _are_strings,
        'a literal tuple of strings, such as ("reconstruction", "elbo"), or a dict with such keys',
    ),
    "preload": (_are_strings, 'a literal tuple of strings, such as ("torch._dynamo",)'),
    "localizes": (
        _are_poolings,
        'a literal dict from read-outs to "" or one of ' + ", ".join(map(repr, POOLINGS)),
    ),
    "files": (_are_strings, 'a literal tuple of names of settings, such as ("weights",)'),
    "encodes": _BOOLEAN,
    "trains_together": _BOOLEAN,
    "images_only": _BOOLEAN,
    "takes_groups": _BOOLEAN,
    "transductive": _BOOLEAN,
}
# Attributes whose presence alone counts, and their names in an `Entry`.
_PRESENCE = {"device": "takes_device", "epochs": "takes_epochs"}


def source_file(target: str) -> Path:
    """Return the file that holds the class of a target, without importing it.

    Raises:
        FileNotFoundError: there is no such file or module.
    """
    where = target.rpartition(":")[0]
    if where.endswith(".py"):
        path = Path(where)
    else:
        found = _module_spec(where)
        if not (found and found.has_location and found.origin):
            msg = f"the module {where} does not exist"
            raise FileNotFoundError(msg)
        path = Path(found.origin)
    if not path.is_file():
        msg = f"{path} does not exist; give a detector's file as path.py:Class"
        raise FileNotFoundError(msg)
    return path


def _module_spec(name: str) -> ModuleSpec | None:
    """Return the spec of a module; unlike `importlib.util.find_spec`, import no parent of it."""
    parts = name.split(".")
    spec, places = None, None
    for i in range(len(parts)):
        full = ".".join(parts[: i + 1])
        specs = (finder.find_spec(full, places) for finder in sys.meta_path)
        spec = next(filter(None, specs), None)
        if spec is None:
            return None
        places = spec.submodule_search_locations
    return spec


def module_file(name: str, folder: Path) -> Path | None:
    """Return the file of the module of that dotted name below a folder, if there is one."""
    place = folder.joinpath(*name.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None


def read_tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file as it is now; the same object while the file stays.

    Raises:
        ValueError: it is not valid python.
    """
    return _tree_as_of(path.absolute(), path.stat().st_mtime_ns)


@cache
def _tree_as_of(path: Path, changed_ns: int) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except SyntaxError as error:
        msg = f"{path} is not valid python: {error.msg}, line {error.lineno}"
        raise ValueError(msg) from None
    except (OSError, RecursionError, MemoryError) as error:
        msg = f"{path} cannot be read as python: {error or type(error).__name__}"
        raise ValueError(msg) from None


def class_names(path: Path) -> list[str]:
    """Return the names of the classes that a file defines.

    Raises:
        ValueError: the file is not valid python.
    """
    return [node.name for node in _read(path).classes]


def summary(target: str) -> str:
    """Return the first sentence of the docstring of a target's class, or "" without one."""
    path, name = source_file(target), target.rpartition(":")[2]
    (node,) = [each for each in _read(path).classes if each.name == name]
    text = " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".")


def citations(target: str) -> tuple[str, ...]:
    """Return the keys of the bibliography that a target's class cites, else those of its module.

    They stand in a paragraph of the docstring, `Reference: [breunig2000lof]`, or several of them
    with commas in between.
    """
    path, name = source_file(target), target.rpartition(":")[2]
    own = [ast.get_docstring(node) for node in _read(path).classes if node.name == name]
    for text in (*own, ast.get_docstring(read_tree(path))):
        if found := _REFERENCE.search(text or ""):
            return tuple(re.findall(r"\[(\w+)\]", found[0]))
    return ()


def declared(path: Path, name: str) -> dict[str, Any]:
    """Return the fields of a registry's `Entry` that a class of a file and its bases declare.

    Raises:
        ValueError: a declaration is no literal, or a file is not valid python.
    """
    found: dict[str, Any] = {}
    for file, node in _lineage(path, name):
        for attribute, value in _assigned(node):
            if attribute in _PRESENCE:
                found[_PRESENCE[attribute]] = True
            elif attribute in _LITERALS and attribute not in found and value is not None:
                found[attribute] = _literal(f"{file}:{node.name}", attribute, value)
    return found


def _assigned(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr | None]]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign | ast.Assign):
            targets = [line.target] if isinstance(line, ast.AnnAssign) else line.targets
            yield from ((t.id, line.value) for t in targets if isinstance(t, ast.Name))


def _literal(where: str, attribute: str, value: ast.expr) -> Any:
    accepts, accepted = _LITERALS[attribute]
    if attribute == "readouts" and isinstance(value, ast.Dict):  # a table declares its names
        value = ast.Tuple([key or ast.Constant(None) for key in value.keys])
    try:
        found = ast.literal_eval(value)
    except ValueError:
        found = None
    if not accepts(found):
        msg = f"{where}: {attribute} must be {accepted}; it is read without importing the file"
        raise ValueError(msg)
    return found


def _lineage(path: Path, name: str, above: float = math.inf) -> Iterator[tuple[Path, ast.ClassDef]]:
    """Yield the class with that name in a file above a line, and its bases, each with its file."""
    source = _read(path)
    for node in reversed(source.classes):
        if node.name == name and node.lineno < above:
            yield path, node
            for base in node.bases:
                generic = base.value if isinstance(base, ast.Subscript) else base
                yield from _lineage(path, ast.unparse(generic), node.lineno)
            return
    module, _, attribute = source.in_full(name).rpartition(".")
    inside = module.partition(".")[0] == "detectors"
    file = module_file(module, HOME if inside else path.parent) if module else None
    if file and file != path:
        yield from _lineage(file, attribute)


class _Source(NamedTuple):
    """The classes of a file in their order, and its imports: dotted names by the name they bind."""

    classes: list[ast.ClassDef]
    imported: dict[str, str]

    def in_full(self, name: str) -> str:
        """Return the dotted name that a name, or the module before its last dot, stands for."""
        module, _, attribute = name.rpartition(".")
        if module:
            return f"{self.imported.get(module, module)}.{attribute}"
        return self.imported.get(name, name)


def _read(path: Path) -> _Source:
    return _parts(read_tree(path))


@cache
def _parts(tree: ast.Module) -> _Source:
    source = _Source([], {})
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            source.classes.append(node)
        elif isinstance(node, ast.Import):
            source.imported.update({each.asname or each.name: each.name for each in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for each in node.names:
                source.imported[each.asname or each.name] = f"{node.module}.{each.name}"
    return source
