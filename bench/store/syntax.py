"""A definition as a text with holes, where it refers to other definitions.

The text is the syntax tree without what moves no score: docstrings, annotations, messages of
errors, positions, imports, the definition's own name, and the form in which a name is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol

from bench.store.modules import (
    NESTS,
    Import,
    Module,
    is_docstring,
    names_in,
    only_imports,
    only_raises,
)

WHOLE = "*"  # the name of a whole module, taken as one definition

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_ANNOTATIONS = frozenset({"annotation", "returns", "type_comment"})


class Definition(NamedTuple):
    """Where a definition stands: the file of its module, and its name there."""

    file: Path
    name: str


class Text(NamedTuple):
    """A definition as a text with holes, where it refers to others.

    Attributes:
        parts: texts, and the definitions referred to.
        libraries: the top-level names of modules outside the project that it refers to.
    """

    parts: tuple[str | Definition, ...]
    libraries: frozenset[str]


class Resolver(Protocol):
    """What finds the definitions behind imports."""

    def imported(self, what: Import, module: Module) -> Definition | str | None:
        """Return what an import stands for: a definition, or the dotted name of another library's.

        None for a name that the project's own module does not have.
        """

    def beside(self, what: Import, module: Module) -> Iterator[Definition]:
        """Yield the user's modules, packages included, that an import of a user's module runs."""


class _Scope(NamedTuple):
    """The names that are local in a function or class body, and what it imports."""

    names: frozenset[str]
    imports: Mapping[str, Import]
    is_class: bool


class Writer:
    """Writes one definition as a text with holes."""

    def __init__(self, resolver: Resolver, module: Module, name: str) -> None:
        self._resolver, self._module, self._name = resolver, module, name
        self._scopes: list[_Scope] = []
        self._parts: list[str | Definition] = []
        self._libraries: set[str] = set()

    def text(self) -> Text:
        """Return the text of the definition."""
        module = self._module
        if self._name == WHOLE:
            own = [each for several in module.statements.values() for each in several]
            for _, what in sorted(module.imports.items()):
                self._import(what)
        else:
            own = module.statements[self._name]
        self._statements([*dict.fromkeys(own), *module.bare])
        return Text(tuple(self._parts), frozenset(self._libraries))

    def _import(self, what: Import) -> None:
        """Count what an import of a whole module runs."""
        beside = list(self._resolver.beside(what, self._module))
        self._parts += beside
        if not beside:
            self._refer(what)

    def _refer(self, what: Import) -> None:
        found = self._resolver.imported(what, self._module)
        if isinstance(found, Definition):
            self._parts.append(found)
        else:
            name = found or ".".join(what.parts)
            self._parts.append(name)
            self._libraries.add(name.partition(".")[0])

    def _write(self, node: object) -> None:
        if isinstance(node, list):
            self._parts.append("[")
            if node and isinstance(node[0], ast.stmt):
                self._statements(node)
            else:
                for each in node:
                    self._write(each)
            self._parts.append("]")
        elif isinstance(node, ast.Name | ast.Attribute):
            self._name_or_attribute(node)
        elif isinstance(node, ast.Raise):
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            self._parts.append("Raise")
            self._write(raised)
        elif isinstance(node, ast.Call) and _last_name(node.func) in self._module.never_return:
            self._parts.append("never returns")
        elif isinstance(node, NESTS):
            self._nested(node)
        elif isinstance(node, ast.AST):
            self._fields(node)
        else:
            self._parts.append(repr(node))

    def _fields(self, node: ast.AST, *without: str) -> None:
        """Write a node's kind and its fields that are not empty, annotations aside."""
        self._parts.append(type(node).__name__)
        for name, value in ast.iter_fields(node):
            is_empty = value is None or value == []
            if not is_empty and name not in (*_ANNOTATIONS, *without, "ctx", "kind"):
                self._parts.append(f"{name}=")
                self._write(value)

    def _statements(self, statements: Sequence[ast.stmt]) -> None:
        """Write statements without docstrings, imports, and messages that are raised next."""
        is_message = [
            isinstance(first, ast.Assign)
            and isinstance(second, ast.Raise)
            and [ast.unparse(target) for target in first.targets] == ["msg"]
            for first, second in pairwise([*statements, ast.Pass()])
        ]
        for statement, skipped in zip(statements, is_message, strict=True):
            if not (skipped or is_docstring(statement) or only_imports(statement)):
                self._write(statement)

    def _nested(self, node: ast.AST) -> None:
        """Write a function or class: what belongs to the scope around it, then its body."""
        is_own = not self._scopes and getattr(node, "name", "") == self._name
        inner = ("body", "args") if isinstance(node, _Function) else ("body",)
        self._fields(node, *inner, *(["name"] if is_own else []))
        if isinstance(node, _Function):
            arguments = node.args
            self._write(arguments.defaults)
            self._write(arguments.kw_defaults)
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            names = [each.arg for each in every]
            starred = [each.arg if each else "" for each in (arguments.vararg, arguments.kwarg)]
            shape = f"{len(arguments.posonlyargs)} {len(arguments.kwonlyargs)}"
            self._parts += [shape, *names, "*", *starred]
            names += starred
            if isinstance(node, ast.FunctionDef) and only_raises(node.returns):
                self._parts.append("only raises")
                return
        else:
            names = []
        body: list[ast.AST] = node.body if isinstance(node.body, list) else [node.body]  # type: ignore[attr-defined]
        inside = names_in(body, self._module.file)
        own = frozenset([*names, *inside.bound]) - inside.outside
        self._scopes.append(_Scope(own, inside.imports, isinstance(node, ast.ClassDef)))
        self._write(body)
        self._scopes.pop()

    def _name_or_attribute(self, node: ast.Name | ast.Attribute) -> None:
        """Write a dotted name as what it stands for, any other attribute as it is."""
        parts: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            parts.insert(0, inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            self._fields(node)
            return
        what = self._looked_up(inner.id)
        if isinstance(what, Import):
            self._imported(what, parts)
        elif what is not None:
            self._parts += [what, *parts]
        else:
            self._parts += ["own" if inner.id == self._name else inner.id, *parts]

    def _imported(self, what: Import, attributes: list[str]) -> None:
        """Write an attribute of an import: of the module or of the definition that it stands for.

        `scored.auroc` and `auroc` are the same, as are `np.exp` and `exp` of numpy.
        """
        for n in range(len(attributes), -1, -1):
            longer = Import(what.folder, (*what.parts, *attributes[:n]))
            found = self._resolver.imported(longer, self._module)
            if isinstance(found, Definition):
                # A user's module is found whole, which does not say which name in it is meant.
                named = [*longer.parts] if self._module.place else []
                self._parts += [found, *named, *attributes[n:]]
                return
        self._refer(Import(what.folder, (*what.parts, *attributes)))

    def _looked_up(self, name: str) -> Import | Definition | None:
        """Return what a name stands for; None for a local or builtin one, and for the definition.

        Names of a class body are seen in the body itself, not in its methods.
        """
        for depth, scope in enumerate(reversed(self._scopes)):
            if name in scope.imports:
                return scope.imports[name]
            if name in scope.names and (depth == 0 or not scope.is_class):
                return None
        if name in self._module.statements and name != self._name and self._name != WHOLE:
            return Definition(self._module.file, name)
        return self._module.imports.get(name)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
