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
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.store.modules import Import, Module, Place, read
from bench.store.syntax import WHOLE, Definition, Text, Writer
from detectors.source import module_file, read_tree

HOME = Path(__file__).resolve().parents[2]
PROJECT = ("bench", "datasets", "detectors")


class Definitions:
    """The definitions of a checkout, and of users' files, each read once."""

    def __init__(self, home: Path = HOME, cut: Iterable[str] = ()) -> None:
        """Prepare.

        Args:
            home: folder that holds the packages of the project.
            cut: "module:name" of definitions that are not followed.
        """
        self._home = home
        self._modules: dict[Path, Module] = {}
        self._texts: dict[Definition, Text] = {}
        self._reached: dict[Definition, frozenset[Definition]] = {}
        self._digests: dict[Definition, str] = {}
        self._found: dict[str, Definition] = {}
        self._cut = {self.find(target) for target in cut}

    def changed(self, file: Path, tree: ast.Module) -> Definitions:
        """Return the definitions as they are with another syntax tree of a file that was read."""
        other = Definitions(self._home)
        other._modules = {**self._modules, file: read(tree, file, self._modules[file].place)}
        other._texts = {one: text for one, text in self._texts.items() if one.file != file}
        other._cut = self._cut
        return other

    def find(self, target: str) -> Definition:
        """Return the definition of a "package.module:name" of the project.

        Raises:
            ValueError: there is none.
        """
        if target not in self._found:
            where, _, name = target.partition(":")
            found = self._follow(Import(self._home, (*where.split("."), name)), None)
            if found is None or found.name == WHOLE:
                msg = f"the project has no definition {target}"
                raise ValueError(msg)
            self._found[target] = found
        return self._found[target]

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

    def _text(self, definition: Definition) -> Text:
        if definition in self._cut:
            return Text((), frozenset())
        if definition not in self._texts:
            module = self._modules[definition.file]
            self._texts[definition] = Writer(self, module, definition.name).text()
        return self._texts[definition]

    def _module(self, file: Path, place: Place | None) -> Module:
        file = file.resolve()
        if file not in self._modules:
            self._modules[file] = read(read_tree(file), file, place)
        return self._modules[file]

    def imported(self, what: Import, module: Module) -> Definition | str | None:
        """Return what an import stands for: a definition, or the dotted name of another library's.

        None for a name that the project's own module does not have.
        """
        in_project = what.folder is None and what.parts[0] in PROJECT
        if in_project or (what.folder and module.place is None):
            return self._follow(Import(what.folder or self._home, what.parts), None)
        start = self._start(what, module)
        found = start and self._follow(Import(start, what.parts), module.place)
        return found or ".".join(what.parts)

    def beside(self, what: Import, module: Module) -> Iterator[Definition]:
        """Yield the user's modules, packages included, that an import of a user's module runs."""
        if module.place and (start := self._start(what, module)):
            for n in range(1, len(what.parts) + 1):
                if file := module_file(".".join(what.parts[:n]), start):
                    yield self.whole(file, module.place)

    def _start(self, what: Import, module: Module) -> Path | None:
        """Return the folder in which a user's module finds an import; None for other libraries."""
        if what.folder or module.place is None:
            return what.folder
        folder, package = module.place
        is_own = what.parts[0] not in PROJECT and package in ("", what.parts[0])
        return folder if is_own else None

    def _follow(self, what: Import, place: Place | None) -> Definition | None:
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
                    return self._follow(Import(folder or self._home, (*parts, *rest[1:])), None)
                return None
        return None


def _sha256(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
