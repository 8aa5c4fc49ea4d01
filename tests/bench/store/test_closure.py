"""A row's key covers every definition that makes its score: none is missing, each one counts."""

import ast
import copy
import sys
from functools import cache
from pathlib import Path

import pytest

import datasets
from bench.plan.planning import wanted_rows
from bench.plan.suite import build
from bench.protocols.named import PROTOCOLS, find
from bench.protocols.scalers import IMPUTE, SCALERS
from bench.run import grouped, scoring
from bench.run.prepare import prepare
from bench.store import codeid
from bench.store.codeid import NOT_FOLLOWED, _reached, definitions, origin, starts
from bench.store.definitions import HOME
from bench.store.syntax import WHOLE, Definition
from detectors import names
from detectors.factory import load_class
from detectors.spec import parse
from tests.helpers.quick import QUICK

HEADS = ("vae+lof", "untrained-ae", "pyod:HBOS", "pyod:VAE")
OF_GROUPS = ("mean-embedding", "mmd", "ocsmm", "mean-embedding+knn", "vae:reference", "knn")
LOADERS = {datasets.find(name).loader: name for name in datasets.names()}
OWN = (
    "file:t.csv?label=y",
    "groups:t.csv?group=g",
    "file:t.mat",
    "folder:images?normal=a",
    "ucr:t_TRAIN.tsv",
    "openml/1",
)


def origins():
    """Yield origins that together have every detector, protocol and loader."""
    yield from (origin(parse(spec), "one-class", "wine") for spec in (*names(), *HEADS))
    yield from (origin(parse("knn"), protocol, "wine") for protocol in PROTOCOLS)
    yield from (origin(parse("knn"), "one-class", name) for name in LOADERS.values())
    yield from (origin(parse("knn"), "one-class", name) for name in OWN)


@pytest.fixture(scope="module")
def reached():
    """One origin that reaches it, by definition."""
    found = definitions()
    cut = {found.find(target) for target in NOT_FOLLOWED}
    return {one: made for made in origins() for one in _reached(made) if one not in cut}


class Mutation(ast.NodeTransformer):
    """Changes the constants, operators and attributes of a tree, one a copy.

    Docstrings, annotations and messages of errors are left alone.
    """

    def __init__(self, place: int, refusals: set[str]) -> None:
        self.place, self.seen, self.refusals = place, -1, refusals

    def _is_the_one(self) -> bool:
        self.seen += 1
        return self.seen == self.place

    def visit_Constant(self, node):
        if not self._is_the_one():
            return node
        if isinstance(node.value, str):
            return ast.Constant(node.value + "!")
        if isinstance(node.value, int | float):
            return ast.Constant(
                node.value + 1 if not isinstance(node.value, bool) else not node.value
            )
        return ast.Constant(7)

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if self._is_the_one():
            node.op = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        return node

    def visit_Compare(self, node):
        self.generic_visit(node)
        if self._is_the_one():
            node.ops[0] = ast.Gt() if isinstance(node.ops[0], ast.Lt) else ast.Lt()
        return node

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        if self._is_the_one():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return node

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if self._is_the_one():
            return node.operand
        return node

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if self._is_the_one():
            node.attr += "_"
        return node

    def visit_Call(self, node):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        return node if name in self.refusals else self.generic_visit(node)

    def visit_Raise(self, node):
        return node

    def visit_arg(self, node):
        return node

    def visit_AnnAssign(self, node):
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_ImportFrom(self, node):
        return node

    def visit_FunctionDef(self, node):
        if only_raises(node):
            return node
        node.returns = None
        return self.generic_visit(node)

    def generic_visit(self, node):
        for name in ("body", "orelse", "finalbody"):
            statements = getattr(node, name, None)
            if isinstance(statements, list):
                setattr(node, name, [each for each in statements if not is_text(each)] or [PASS])
        return super().generic_visit(node)


PASS = ast.Pass()


def is_text(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets) == "msg"
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def changed_places(tree: ast.Module, name: str):
    """Yield trees in which the definition of that name is changed, each in another place."""
    for at, statement in enumerate(tree.body):
        is_code = not isinstance(statement, ast.Import | ast.ImportFrom | ast.Expr | ast.If)
        if is_code and (name in bound(statement) or name == WHOLE):
            yield from changed_statement(tree, at)


def changed_statement(tree: ast.Module, at: int):
    functions = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))
    refusals = {each.name for each in functions if only_raises(each)}
    place = 0
    while True:
        mutation = Mutation(place, refusals)
        changed = mutation.visit(copy.deepcopy(tree.body[at]))
        if mutation.seen < place:
            return
        yield ast.Module([*tree.body[:at], changed, *tree.body[at + 1 :]], [])
        place += 1


def only_raises(function: ast.FunctionDef) -> bool:
    return function.returns is not None and "NoReturn" in ast.unparse(function.returns)


def bound(node):
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    stored = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return [each.id for each in stored if isinstance(each.ctx, ast.Store)]


def test_a_change_in_any_definition_that_a_score_reaches_changes_its_key(reached):
    found = definitions()
    n_changed, same = 0, []
    for one, made in reached.items():
        tree = ast.parse(one.file.read_text())
        other_tree = next(changed_places(tree, one.name), None)
        if other_tree is None:
            continue
        other = found.changed(one.file, other_tree)
        before = [found.digest(start) for start in starts(made).values()]
        if before == [other.digest(start) for start in starts(made).values()]:
            same.append(one)
        n_changed += 1
    assert not same
    assert n_changed > 350


@pytest.mark.slow
def test_every_constant_operator_and_attribute_of_a_definition_counts(reached):
    found = definitions()
    same = [
        f"{one.file.name}:{one.name}: {i}"
        for one in reached
        for i, tree in enumerate(changed_places(ast.parse(one.file.read_text()), one.name))
        if found.changed(one.file, tree).own_digest(one) == found.own_digest(one)
    ]
    assert not same


class Watch:
    """Notes which definitions of the project run, but for those that a key need not cover."""

    def __init__(self) -> None:
        self.ran: set[Definition] = set()
        found = definitions()
        self._cut = {found.find(target) for target in NOT_FOLLOWED}
        self._known: dict[object, Definition | None] = {}
        self._below = 0  # calls below one that is cut

    def __enter__(self):
        sys.setprofile(self._event)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def _event(self, frame, event, _):
        if event not in ("call", "return"):
            return
        one = self._definition(frame.f_code)
        if one in self._cut:
            self._below += 1 if event == "call" else -1
        elif one and not self._below and event == "call":
            self.ran.add(one)

    def _definition(self, code) -> Definition | None:
        if code not in self._known:
            file = Path(code.co_filename)
            is_ours = file.is_relative_to(HOME) and "tests" not in file.relative_to(HOME).parts[:1]
            name = top_level_name(file, code) if is_ours and ".venv" not in file.parts else ""
            self._known[code] = Definition(file, name) if name else None
        return self._known[code]


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def top_level_name(file: Path, code) -> str:
    """The name of the definition that a code object is of; "" for a module that is imported."""
    if code.co_name == "<module>":
        return ""
    first = code.co_firstlineno
    for node in tree_of(file).body:
        decorators = [each.lineno for each in getattr(node, "decorator_list", [])]
        if min([node.lineno, *decorators]) <= first <= node.end_lineno:
            return bound(node)[0]
    raise AssertionError(file, code)


def score_once(spec: str, protocol: str, dataset: str, scaler: str) -> set[Definition]:
    """Make scores as a job and its child do; return the definitions that ran."""
    parsed = parse(spec)
    trains = parsed.entry.takes_epochs and not parsed.untrained
    settings = {"epochs": 2, **QUICK.get(spec, {})} if trains else {}
    entrant = {"spec": spec, "settings": settings}
    suite = build({"name": "t", "title": "t", "detectors": [entrant], "datasets": [dataset],
                   "protocol": protocol, "scaler": scaler, "seeds": (0, 1)})  # fmt: skip
    groups = [[row] for row in wanted_rows(suite, "cpu")]
    load_class(parsed.entry.target)
    with Watch() as watch:
        data = datasets.load(dataset)
        units = [prepare(data, group) for group in groups]
        if find(protocol).scores_groups:
            units = [grouped.by_group(unit, data) for unit in units]
        if not parsed.entry.trains_together:
            units = units[:1]
        scoring.seed_generators(0)
        models = scoring.build(parsed, settings, "cpu", [unit.seed for unit in units])
        x_train = [grouped.to_fit(parsed, unit.x_train) for unit in units]
        assert scoring.fit(parsed, models, x_train) == [None] * len(units)
        for model, unit, x in zip(models, units, x_train, strict=True):
            if parsed.head:
                model = scoring.with_head(parsed, model, {}, unit.seed, x)
            model = grouped.to_score(model, unit.x_test)
            unit.split.put_back(scoring.score(model, parsed.readout, unit.x_test))
    return watch.ran


def check_covered(spec, protocol, dataset, scaler="standard"):
    ran = score_once(spec, protocol, dataset, scaler)
    if not find(protocol).scores_groups:  # these return samples that are rows as they are
        ran -= {definitions().find(target) for target in codeid.OF_GROUPS}
    covered = _reached(origin(parse(spec), protocol, dataset))
    missing = {f"{one.file.relative_to(HOME)}: {one.name}" for one in ran - covered}
    assert not missing
    assert len(ran) > 20


def cost(spec):
    """Mark what costs most as slow: PyOD's torch model, and all but one on pretrained features."""
    on_features = ".features." in parse(spec).entry.target and spec != "patchcore"
    slow = on_features or spec == "pyod:VAE"
    return pytest.param(spec, marks=[pytest.mark.slow] if slow else [])


OF_ROWS = [name for name in (*names(), *HEADS) if not parse(name).entry.takes_groups]


@pytest.mark.parametrize("spec", [*map(cost, OF_ROWS)])
def test_all_that_runs_while_a_detector_is_fitted_and_scores_is_in_its_key(spec):
    if spec == "vae-bernoulli":
        check_covered(spec, "one-class", "digits/3", "global-minmax")
    else:
        images, scaler = parse(spec).entry.images_only, "standard"
        if ".features." in parse(spec).entry.target:
            scaler = "none"
        check_covered(
            spec, "one-class", "textures/stripes" if images else "synthetic/local", scaler
        )


@pytest.mark.parametrize("spec", OF_GROUPS)
def test_all_that_runs_while_groups_are_scored_is_in_the_key(spec):
    check_covered(spec, "groups", "bags/tabular")


@pytest.mark.parametrize("protocol", sorted({*PROTOCOLS} - {"group-split", "groups"}))
def test_all_that_runs_under_a_protocol_is_in_the_key(protocol):
    dataset = "textures/stripes" if protocol == "official" else "wine"
    check_covered("knn", protocol, dataset)


@pytest.mark.parametrize("scaler", [*SCALERS, *(IMPUTE + name for name in SCALERS)])
def test_all_that_a_scaler_runs_is_in_the_key(scaler):
    check_covered("knn", "one-class", "wine", scaler)


DEAR = ("datasets.families.images.mnist:leave_out",)  # 60,000 images


@pytest.mark.parametrize(
    "loader", [pytest.param(n, marks=[pytest.mark.slow] if n in DEAR else []) for n in LOADERS]
)
def test_all_that_a_loader_runs_is_in_the_key(loader):
    if not datasets.present(LOADERS[loader]):
        pytest.skip(f"the files of {LOADERS[loader]} are not in the data folder")
    check_covered("max-abs-z", "one-class", LOADERS[loader], "median+standard")
