"""What a source file defines, imports and does, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

NOT_RUN = ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")  # on import
NESTS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class Place(NamedTuple):
    """Where the modules of a user's file are looked up.

    Attributes:
        folder: that holds them.
        package: the only one of them that is followed; "" for whatever is there.
    """

    folder: Path
    package: str = ""


class Import(NamedTuple):
    """What an imported name stands for: the dotted parts of a module, then of a name in it.

    `folder` is where a relative import starts; None for an absolute one.
    """

    folder: Path | None
    parts: tuple[str, ...]


@dataclass
class Module:
    """The top level of a file.

    Attributes:
        file: where it is.
        place: where a user's file finds its modules; None in the project.
        statements: those that define a name, by the name.
        bare: those that define none, such as calls; they count with every definition.
        imports: by the name that they bind.
        never_return: names of functions that only raise.
    """

    file: Path
    place: Place | None
    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    bare: list[ast.stmt] = field(default_factory=list)
    imports: dict[str, Import] = field(default_factory=dict)
    never_return: set[str] = field(default_factory=set)


def read(tree: ast.Module, file: Path, place: Place | None) -> Module:
    """Return what the top level of a file defines and imports."""
    module = Module(file, place)
    for statement in tree.body:
        names = names_in([statement], file)
        module.imports |= names.imports
        for name in names.bound:
            module.statements.setdefault(name, []).append(statement)
        if not (names.bound or is_docstring(statement) or only_imports(statement)):
            module.bare.append(statement)
    functions = list(tree.body)
    for each in tree.body:
        functions += each.body if isinstance(each, ast.ClassDef) else []
    module.never_return = {
        each.name
        for each in functions
        if isinstance(each, ast.FunctionDef) and only_raises(each.returns)
    }
    return module


class Names(NamedTuple):
    """The names that statements bind in their scope, those of functions and classes in it aside.

    Attributes:
        bound: names that are assigned or defined.
        imports: what imported names stand for.
        outside: names that are declared global.
    """

    bound: dict[str, None]
    imports: dict[str, Import]
    outside: set[str]


def names_in(nodes: Iterable[ast.AST], file: Path, found: Names | None = None) -> Names:
    """Return the names that nodes of a file bind, or add them to those that were found."""
    found = found or Names({}, {}, set())
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.imports.update(_imports(node, file))
        elif isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                found.bound[node.id] = None
        elif isinstance(node, ast.Global):
            found.outside.update(node.names)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.bound[node.name] = None
        elif not isinstance(node, ast.Lambda):
            for part in ("name", "rest"):  # of handlers of exceptions and of patterns
                if isinstance(name := getattr(node, part, None), str):
                    found.bound[name] = None
            names_in(ast.iter_child_nodes(node), file, found)
    return found


def _imports(statement: ast.Import | ast.ImportFrom, file: Path) -> dict[str, Import]:
    """Return what a statement imports, by the name that it binds."""
    found: dict[str, Import] = {}
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            parts = tuple(alias.name.split("."))
            found[alias.asname or parts[0]] = Import(None, parts if alias.asname else parts[:1])
    else:
        folder = file.parents[statement.level - 1] if statement.level else None
        parts = tuple(statement.module.split(".")) if statement.module else ()
        for alias in statement.names:
            found[alias.asname or alias.name] = Import(folder, (*parts, alias.name))
    return found


def only_imports(statement: ast.stmt) -> bool:
    """Return whether a statement does nothing but import, or is not for importers to run."""
    if isinstance(statement, ast.If):
        return ast.unparse(statement.test) in NOT_RUN
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass)


def is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def only_raises(annotation: ast.expr | None) -> bool:
    return annotation is not None and ast.unparse(annotation).endswith(("NoReturn", "Never"))
