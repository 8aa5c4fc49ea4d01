"""The definitions that a piece of code can reach, and digests of them that depend on nothing else.

A definition is a function, class or constant of a module. Its digest covers its syntax tree and
the digests of the definitions that it refers to. It does not cover docstrings, annotations,
messages of errors, comments, positions, its own name or the module in which it stands: moving,
reordering and reformatting definitions, and splitting or renaming files, change no digest.

Definitions are found by reading sources, without importing them. Code of the project is followed
definition by definition. A user's module counts as a whole, with the modules beside it that it
imports. Of other modules only the name is known.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from detectors.source import module_file, read_tree

HOME = Path(__file__).resolve().parents[2]
PROJECT = ("bench", "datasets", "detectors")
WHOLE = "*"  # the name of a whole module, taken as one definition
NOT_RUN = ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")  # on import

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_ANNOTATIONS = frozenset({"annotation", "returns", "type_comment"})
_NESTS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class Definition(NamedTuple):
    """Where a definition stands: the file of its module, and its name there."""

    file: Path
    name: str


class Place(NamedTuple):
    """Where the modules of a user's file are looked up.

    Attributes:
        folder: that holds them.
        package: the only one of them that is followed; "" for whatever is there.
    """

    folder: Path
    package: str = ""


class _Import(NamedTuple):
    """What an imported name stands for: the dotted parts of a module, then of a name in it.

    `folder` is where a relative import starts; None for an absolute one.
    """

    folder: Path | None
    parts: tuple[str, ...]


@dataclass
class _Module:
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
    imports: dict[str, _Import] = field(default_factory=dict)
    never_return: set[str] = field(default_factory=set)


class _Text(NamedTuple):
    """A definition as a text with holes, where it refers to others.

    Attributes:
        parts: texts, and the definitions referred to.
        libraries: the top-level names of modules outside the project that it refers to.
    """

    parts: tuple[str | Definition, ...]
    libraries: frozenset[str]


class Definitions:
    """The definitions of a checkout, and of users' files, each read once."""

    def __init__(self, home: Path = HOME, cut: Iterable[str] = ()) -> None:
        """Prepare.

        Args:
            home: folder that holds the packages of the project.
            cut: "module:name" of definitions that are not followed.
        """
        self._home = home
        self._modules: dict[Path, _Module] = {}
        self._texts: dict[Definition, _Text] = {}
        self._reached: dict[Definition, frozenset[Definition]] = {}
        self._digests: dict[Definition, str] = {}
        self._cut = {self.find(target) for target in cut}

    def changed(self, file: Path, tree: ast.Module) -> Definitions:
        """Return the definitions as they are with another syntax tree of a file that was read."""
        other = Definitions(self._home)
        other._modules = {**self._modules, file: _read(tree, file, self._modules[file].place)}
        other._texts = {one: text for one, text in self._texts.items() if one.file != file}
        other._cut = self._cut
        return other

    def find(self, target: str) -> Definition:
        """Return the definition of a "package.module:name" of the project.

        Raises:
            ValueError: there is none.
        """
        where, _, name = target.partition(":")
        found = self._follow(_Import(self._home, (*where.split("."), name)), None)
        if found is None or found.name == WHOLE:
            msg = f"the project has no definition {target}"
            raise ValueError(msg)
        return found

    def whole(self, file: Path, place: Place) -> Definition:
        """Return a user's module as one definition."""
        return Definition(self._module(file, place).file, WHOLE)

    def reached(self, start: Definition) -> frozenset[Definition]:
        """Return the definitions that one refers to, directly or through others, and itself."""
        if start not in self._reached:
            found: set[Definition] = set()
            waiting = [start]
            while waiting:
                one = waiting.pop()
                if one in self._reached:
                    found |= self._reached[one]
                elif one not in found:
                    found.add(one)
                    waiting += self._references(one)
            self._reached[start] = frozenset(found)
        return self._reached[start]

    def libraries(self, definitions: Iterable[Definition]) -> set[str]:
        """Return the top-level names of other modules that definitions refer to themselves."""
        return {name for one in definitions for name in self._text(one).libraries}

    def digest(self, start: Definition) -> str:
        """Return the sha256 of a definition and of all that it reaches.

        Definitions that reach each other have no first one: in them, they stand by their names,
        and the texts of all count.
        """
        if start not in self._digests:
            circle = {one for one in self.reached(start) if start in self.reached(one)}
            own, *others = (
                [self._token(part, circle) for part in self._text(one).parts]
                for one in (start, *(circle - {start}))
            )
            self._digests[start] = _sha256(["own", *own, *sum(sorted(others), ["others"])])
        return self._digests[start]

    def own_digest(self, definition: Definition) -> str:
        """Return the sha256 of a definition alone; what it refers to stands in it by name."""
        return _sha256(
            part.name if isinstance(part, Definition) else part
            for part in self._text(definition).parts
        )

    def _token(self, part: str | Definition, circle: set[Definition]) -> str:
        if isinstance(part, str):
            return part
        return part.name if part in circle else self.digest(part)

    def _references(self, definition: Definition) -> Iterator[Definition]:
        return (part for part in self._text(definition).parts if isinstance(part, Definition))

    def _text(self, definition: Definition) -> _Text:
        if definition in self._cut:
            return _Text((), frozenset())
        if definition not in self._texts:
            module = self._modules[definition.file]
            self._texts[definition] = _Writer(self, module, definition.name).text()
        return self._texts[definition]

    def _module(self, file: Path, place: Place | None) -> _Module:
        file = file.resolve()
        if file not in self._modules:
            self._modules[file] = _read(read_tree(file), file, place)
        return self._modules[file]

    def imported(self, what: _Import, module: _Module) -> Definition | str | None:
        """Return what an import stands for: a definition, or the dotted name of another library's.

        None for a name that the project's own module does not have.
        """
        in_project = what.folder is None and what.parts[0] in PROJECT
        if in_project or (what.folder and module.place is None):
            return self._follow(_Import(what.folder or self._home, what.parts), None)
        start = self._start(what, module)
        found = start and self._follow(_Import(start, what.parts), module.place)
        return found or ".".join(what.parts)

    def beside(self, what: _Import, module: _Module) -> Iterator[Definition]:
        """Yield the user's modules, packages included, that an import of a user's module runs."""
        if module.place and (start := self._start(what, module)):
            for n in range(1, len(what.parts) + 1):
                if file := module_file(".".join(what.parts[:n]), start):
                    yield self.whole(file, module.place)

    def _start(self, what: _Import, module: _Module) -> Path | None:
        """Return the folder in which a user's module finds an import; None for other libraries."""
        if what.folder or module.place is None:
            return what.folder
        folder, package = module.place
        is_own = what.parts[0] not in PROJECT and package in ("", what.parts[0])
        return folder if is_own else None

    def _follow(self, what: _Import, place: Place | None) -> Definition | None:
        """Return the definition behind dotted parts below a folder; None if there is no such file.

        A module itself, and a user's one, is a definition as a whole.
        """
        assert what.folder is not None
        for n in range(len(what.parts), 0, -1):
            if file := module_file(".".join(what.parts[:n]), what.folder):
                module = self._module(file, place)
                rest = what.parts[n:]
                if place is not None or not rest:
                    return Definition(module.file, WHOLE)
                if rest[0] in module.statements:
                    return Definition(module.file, rest[0]) if len(rest) == 1 else None
                if rest[0] in module.imports:
                    folder, parts = module.imports[rest[0]]
                    return self._follow(_Import(folder or self._home, (*parts, *rest[1:])), None)
                return None
        return None


def _sha256(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _read(tree: ast.Module, file: Path, place: Place | None) -> _Module:
    """Return what the top level of a file defines and imports."""
    module = _Module(file, place)
    for statement in tree.body:
        names = _names([statement], file)
        module.imports |= names.imports
        for name in names.bound:
            module.statements.setdefault(name, []).append(statement)
        if not (names.bound or _is_docstring(statement) or _only_imports(statement)):
            module.bare.append(statement)
    functions = list(tree.body)
    for each in tree.body:
        functions += each.body if isinstance(each, ast.ClassDef) else []
    module.never_return = {
        each.name
        for each in functions
        if isinstance(each, ast.FunctionDef) and _is_no_return(each.returns)
    }
    return module


class _Names(NamedTuple):
    """The names that statements bind in their scope, those of functions and classes in it aside.

    Attributes:
        bound: names that are assigned or defined.
        imports: what imported names stand for.
        outside: names that are declared global.
    """

    bound: dict[str, None]
    imports: dict[str, _Import]
    outside: set[str]


def _names(nodes: Iterable[ast.AST], file: Path, found: _Names | None = None) -> _Names:
    """Return the names that nodes of a file bind, or add them to those that were found."""
    found = found or _Names({}, {}, set())
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
            _names(ast.iter_child_nodes(node), file, found)
    return found


def _imports(statement: ast.Import | ast.ImportFrom, file: Path) -> dict[str, _Import]:
    """Return what a statement imports, by the name that it binds."""
    found: dict[str, _Import] = {}
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            parts = tuple(alias.name.split("."))
            found[alias.asname or parts[0]] = _Import(None, parts if alias.asname else parts[:1])
    else:
        folder = file.parents[statement.level - 1] if statement.level else None
        parts = tuple(statement.module.split(".")) if statement.module else ()
        for alias in statement.names:
            found[alias.asname or alias.name] = _Import(folder, (*parts, alias.name))
    return found


def _only_imports(statement: ast.stmt) -> bool:
    """Return whether a statement does nothing but import, or is not for importers to run."""
    if isinstance(statement, ast.If):
        return ast.unparse(statement.test) in NOT_RUN
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass)


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_no_return(annotation: ast.expr | None) -> bool:
    return annotation is not None and ast.unparse(annotation).endswith(("NoReturn", "Never"))


class _Scope(NamedTuple):
    """The names that are local in a function or class body, and what it imports."""

    names: frozenset[str]
    imports: Mapping[str, _Import]
    is_class: bool


class _Writer:
    """Writes one definition as a text with holes."""

    def __init__(self, definitions: Definitions, module: _Module, name: str) -> None:
        self._definitions, self._module, self._name = definitions, module, name
        self._scopes: list[_Scope] = []
        self._parts: list[str | Definition] = []
        self._libraries: set[str] = set()

    def text(self) -> _Text:
        """Return the text of the definition."""
        module = self._module
        if self._name == WHOLE:
            own = [each for several in module.statements.values() for each in several]
            for _, what in sorted(module.imports.items()):
                self._import(what)
        else:
            own = module.statements[self._name]
        self._statements([*dict.fromkeys(own), *module.bare])
        return _Text(tuple(self._parts), frozenset(self._libraries))

    def _import(self, what: _Import) -> None:
        """Count what an import of a whole module runs."""
        beside = list(self._definitions.beside(what, self._module))
        self._parts += beside
        if not beside:
            self._refer(what)

    def _refer(self, what: _Import) -> None:
        found = self._definitions.imported(what, self._module)
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
        elif isinstance(node, _NESTS):
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
            if not (skipped or _is_docstring(statement) or _only_imports(statement)):
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
            if isinstance(node, ast.FunctionDef) and _is_no_return(node.returns):
                self._parts.append("only raises")
                return
        else:
            names = []
        body: list[ast.AST] = node.body if isinstance(node.body, list) else [node.body]  # type: ignore[attr-defined]
        inside = _names(body, self._module.file)
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
        if isinstance(what, _Import):
            self._imported(what, parts)
        elif what is not None:
            self._parts += [what, *parts]
        else:
            self._parts += ["own" if inner.id == self._name else inner.id, *parts]

    def _imported(self, what: _Import, attributes: list[str]) -> None:
        """Write an attribute of an import: of the module or of the definition that it stands for.

        `scored.auroc` and `auroc` are the same, as are `np.exp` and `exp` of numpy.
        """
        for n in range(len(attributes), -1, -1):
            longer = _Import(what.folder, (*what.parts, *attributes[:n]))
            found = self._definitions.imported(longer, self._module)
            if isinstance(found, Definition):
                # A user's module is found whole, which does not say which name in it is meant.
                named = [*longer.parts] if self._module.place else []
                self._parts += [found, *named, *attributes[n:]]
                return
        self._refer(_Import(what.folder, (*what.parts, *attributes)))

    def _looked_up(self, name: str) -> _Import | Definition | None:
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
