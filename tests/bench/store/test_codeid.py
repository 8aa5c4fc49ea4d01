"""The code id: which edits of the code make new rows, tried on copies of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.store.codeid import code_id, is_current, origin
from detectors.spec import parse
from tests.helpers.rows_made_up import WANTED

ROOT = Path(__file__).parents[3]
PYOD = {"pyod:HBOS", "pyod:VAE"}
DEEP = {"ae", "untrained-ae", "ae+knn", "vae:kl", "ae+kmeans"}
KNN = {"knn", "ae+knn"}
NAMED = "bench/protocols/named.py"
PAPERS = "bench/protocols/papers.py"
SCALERS = "bench/protocols/scalers.py"
MNIST = "datasets/families/images/mnist.py"
HEADS = {"ae+knn", "ae+kmeans"}
ENCODE = ("datasets/codes.py", "x[:, [j]] == codes", "(x[:, [j]] == codes) * 2")
SPECS = ["knn", "random", *sorted(PYOD | DEEP)]
PROGRAM = """
import json, sys
from bench.store.codeid import code_id, origin
from detectors.spec import parse
protocol, dataset, *specs = sys.argv[1:]
print(json.dumps({spec: code_id(origin(parse(spec), protocol, dataset)) for spec in specs}))
"""
OWN = PROGRAM.replace("code_id", "own_code_id")


class Copy:
    """A copy of the project's code, to be edited."""

    def __init__(self, folder: Path, source: Path = ROOT) -> None:
        self.folder = folder
        for package in ("bench", "datasets", "detectors"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source / package, folder / package, ignore=ignored)

    def ids(
        self,
        *specs: str,
        protocol: str = "one-class",
        dataset: str = "wine",
        program: str = PROGRAM,
    ) -> dict[str, str]:
        command = [sys.executable, "-c", program, protocol, dataset, *(specs or SPECS)]
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def move(self, old: str, new: str) -> None:
        """Move a module, with all that the project says of it."""
        (self.folder / f"{old.replace('.', '/')}.py").rename(
            self.folder / f"{new.replace('.', '/')}.py"
        )
        package, _, name = old.rpartition(".")
        new_package, _, new_name = new.rpartition(".")
        apart = rf"from {re.escape(package)} import {name}\b"
        for path in self.folder.rglob("*.py"):
            text = re.sub(
                apart, f"from {new_package} import {new_name} as {name}", path.read_text()
            )
            path.write_text(re.sub(rf"\b{re.escape(old)}\b", new, text))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("pristine"))


@pytest.fixture(scope="module")
def original(pristine):
    return pristine.ids()


@pytest.fixture
def copy(tmp_path, pristine):
    return Copy(tmp_path, pristine.folder)


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {spec for spec in before if before[spec] != after[spec]}


def test_the_place_of_the_project_changes_nothing(copy, original):
    assert copy.ids() == original


def test_docstrings_comments_and_annotations_change_nothing(copy, original):
    for file in (NEIGHBOURS, "detectors/contract.py", NAMED):
        copy.edit(file, '"""', '"""Words. ')
        copy.edit(file, "\n\n\n", "\n\n\n# a comment\n\n\n")
    copy.edit(NEIGHBOURS, "    def _fit(self, x: Floats) -> None:", "    def _fit(self, x):")
    copy.edit(SCALERS, "steps: list[Any] = []", "steps: list = []")
    assert changed(original, copy.ids()) == set()


NEIGHBOURS = "detectors/shallow/neighbours.py"
RAISING = """    def refuse(self):
        msg = f'{} {{self}}'
        raise ValueError(msg)

"""


def test_messages_of_errors_and_what_protocols_say_of_themselves_change_nothing(copy, original):
    copy.edit(NAMED, "has no official split; use", "is without a split; take")
    copy.edit("datasets/record.py", "give at least one of each class", "give one of each class")
    copy.edit(NEIGHBOURS, "    def _fit(", RAISING.format("one") + "    def _fit(")
    before = copy.ids()
    copy.edit(NEIGHBOURS, "f'one {self}'", "f'another {self}'")
    copy.edit(NAMED, "a random half of the normal rows", "half of the normals")
    assert changed(before, copy.ids()) == set()
    assert changed(original, before) == KNN


def test_a_text_that_is_not_raised_next_is_code(copy, original):
    copy.edit(NEIGHBOURS, "    def _fit(", USED.format("one") + "    def _fit(")
    before = copy.ids()
    copy.edit(NEIGHBOURS, "'one'", "'two'")
    assert changed(before, copy.ids()) == KNN


USED = """    def seed(self):
        msg = '{}'
        return hash(msg)

"""


def test_a_definition_that_moves_to_another_module_changes_nothing(copy, original):
    path = copy.folder / NAMED
    found = re.search(r"def _capped\(.*?\n\n\n", path.read_text(), re.DOTALL)
    copy.edit(NAMED, found[0], "")
    copy.edit(
        NAMED,
        "from bench.protocols.split import ",
        "from bench.protocols.split import _capped, ",
    )
    with open(copy.folder / "bench/protocols/split.py", "a") as file:
        file.write(f"\n\n{found[0]}")
    assert changed(original, copy.ids()) == set()


def test_definitions_in_another_order_change_nothing(copy, original):
    path = copy.folder / NAMED
    found = re.search(r"def _one_class\(.*?\n\n\n", path.read_text(), re.DOTALL)
    copy.edit(NAMED, found[0], "")
    copy.edit(NAMED, "def split(", f"{found[0]}def split(")
    assert changed(original, copy.ids()) == set()


def test_another_format_changes_nothing(copy, original):
    (copy.folder / "ruff.toml").write_text("line-length = 60\nformat.quote-style = 'single'\n")
    command = [sys.executable, "-m", "ruff", "format", "--config", "ruff.toml", "--isolated", "."]
    command.remove("--isolated")
    subprocess.run(command, cwd=copy.folder, check=True, capture_output=True)
    assert changed(original, copy.ids()) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bench.protocols.scalers", "bench.stretching"),
        ("detectors.streams", "detectors.draws"),
        ("detectors.shallow.neighbours", "detectors.nearby"),
        ("detectors.training.loop", "detectors.training.going_round"),
        ("datasets.facts", "datasets.counted"),
    ],
)
def test_a_file_of_another_name_changes_nothing(copy, original, old, new):
    copy.move(old, new)
    assert changed(original, copy.ids()) == set()


def test_imports_of_another_form_change_nothing(copy, original):
    copy.edit(
        "bench/run/prepare.py",
        "from bench.protocols.scalers import IMPUTE, scale",
        "from bench.protocols import scalers\n"
        "from bench.protocols.scalers import scale as stretched",
    )
    copy.edit("bench/run/prepare.py", "import numpy as np", "import numpy")
    path = copy.folder / "bench/run/prepare.py"
    text = path.read_text().replace("np.", "numpy.").replace(" scale(", " stretched(")
    path.write_text(text.replace("IMPUTE", "scalers.IMPUTE"))
    assert changed(original, copy.ids()) == set()


def test_a_local_name_that_a_definition_of_the_module_has_too_changes_nothing(copy, original):
    path = copy.folder / SCALERS
    path.write_text(path.read_text() + "\n\ndef columns():\n    return 1\n")
    assert changed(original, copy.ids()) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "touched"),
    [
        (NEIGHBOURS, "n_neighbors: Annotated[int, Ge(1)] = 5", "n_neighbors: int = 6", KNN),
        ("detectors/shallow/baselines.py", "2**53", "2**52", {"random"}),
        ("detectors/contract.py", "dtype=np.float64", "dtype=np.float32", set(SPECS)),
        ("detectors/streams.py", "2**31 - 1", "2**30 - 1", set(SPECS)),
        ("detectors/compose.py", "(codes - self.mean_)", "(codes + self.mean_)", HEADS),
        ("bench/run/prepare.py", "data.x[rows.train]", "data.x[rows.train] * 7", set(SPECS)),
        (NAMED, "len(normals) // 2", "len(normals) // 3", set(SPECS)),
        ("bench/protocols/split.py", "restored[self.order]", "restored[-self.order]", set(SPECS)),
        (SCALERS, "BLOCK_VALUES = 1 << 21", "BLOCK_VALUES = 1 << 20", set(SPECS)),
        ("bench/run/scoring.py", '), "1"', '), "2"', set(SPECS)),
        (*ENCODE, set()),
        (NAMED, "0.7 * len(normals)", "0.6 * len(normals)", set()),
        ("bench/metrics/scored.py", "ddof=1", "ddof=0", set()),
        ("bench/run/converse.py", "MAX_IDLE = 3", "MAX_IDLE = 4", set()),
        ("bench/run/failures.py", "MAX_WARNINGS = 20", "MAX_WARNINGS = 21", set()),
        (PAPERS, "0.4 * len(rows)", "0.3 * len(rows)", set()),
        ("detectors/source.py", "import ast", "import ast\nADDED = 1", set()),
        (NEIGHBOURS, "from sklearn", "ADDED = 1\nfrom sklearn", set()),
    ],
)  # fmt: skip
def test_a_change_of_code_changes_the_ids_that_rest_on_it(copy, original, file, old, new, touched):
    copy.edit(file, old, new)
    assert changed(original, copy.ids()) == touched


@pytest.mark.parametrize(
    ("file", "old", "new", "protocol", "dataset"),
    [
        (PAPERS, "0.4 * len(rows)", "0.3 * len(rows)", "pyod-2019", "wine"),
        (PAPERS, "scales_on_test=True", "scales_on_test=0", "dte-2024-unsup", "wine"),
        (*ENCODE, "one-class", "employees"),
        (MNIST, "_UNSIGNED_BYTES = 8", "_UNSIGNED_BYTES = 9", "one-class", "mnist/3"),
        ("datasets/families/embedded.py", 'delimiter=","', 'delimiter=";"', "one-class", "wine"),
    ],
)  # fmt: skip
def test_a_protocol_and_a_loader_are_in_the_ids_of_their_rows(
    copy, file, old, new, protocol, dataset
):
    before = copy.ids(protocol=protocol, dataset=dataset)
    copy.edit(file, old, new)
    assert changed(before, copy.ids(protocol=protocol, dataset=dataset)) == set(SPECS)


def test_a_new_name_leaves_all_others_and_a_changed_preset_is_new_code(copy, original):
    copy.edit(
        "detectors/registry.py",
        "TABLE: dict[str, Method] = {",
        "TABLE: dict[str, Method] = {\n"
        '    "knn-9": Method("detectors.shallow.neighbours:KNN", {"n_neighbors": 9}),',
    )
    ids = copy.ids(*SPECS, "knn-9")
    assert changed(original, ids) == set()
    assert ids["knn-9"] != ids["knn"]


@pytest.mark.parametrize(
    ("library", "touched"),
    [
        ("torch", DEEP | {"pyod:VAE"}),
        ("pyod", PYOD),
        ("numpy", set(SPECS)),
        ("pandas", set()),
        ("mlflow", set()),
        ("rich", set()),
    ],
)
def test_another_version_of_a_library_changes_the_ids_that_use_it(copy, original, library, touched):
    folder = copy.folder / f"{library}-999.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {library}\nVersion: 999\n")
    assert changed(original, copy.ids()) == touched


def test_a_users_file_rests_on_itself_and_on_what_it_imports_from_detectors(copy):
    (copy.folder / "mine.py").write_text(
        "from dataclasses import dataclass\n"
        "from detectors import Detector\n"
        "from detectors.shallow import kmeans\n"
        "from detectors.shallow.neighbours import KNN\n"
        "class Mine(Detector):\n    '''Mine.'''\n    k = 3\n"
    )
    spec = "mine.py:Mine"
    ids = [copy.ids(spec)[spec]]
    for file, old, new in (
        ("mine.py", "k = 3", "k = 4"),
        ("detectors/contract.py", "dtype=np.float64", "dtype=np.float32"),
        ("detectors/shallow/kmeans.py", "import numpy as np", "import numpy as np\nprint()"),
        (NEIGHBOURS, "= 5", "= 6"),
    ):
        copy.edit(file, old, new)
        ids.append(copy.ids(spec)[spec])
    assert len(set(ids)) == 5
    copy.edit("mine.py", "'''Mine.'''", "'''Yours.'''")
    copy.edit("detectors/shallow/pca.py", "import numpy as np", "EDITED = 1\nimport numpy as np")
    assert copy.ids(spec)[spec] == ids[-1]


def test_a_users_file_rests_on_what_it_imports_from_beside_it(copy):
    folder = copy.folder / "methods"
    (folder / "tools" / "deep").mkdir(parents=True)
    texts = {
        "mine.py": "import helper\nfrom tools.deep import net\nclass Mine(helper.Base): pass\n",
        "helper.py": "from detectors import Detector\nfrom shared import K\nBase = Detector\n",
        "shared.py": "K = 1\n",
        "tools/__init__.py": "A = 1\n",
        "tools/deep/net.py": "from tools import more\n",
        "tools/more.py": "from . import A\nfrom .last import B\n",
        "tools/last.py": "B = 1\n",
        "unused.py": "",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    spec = "methods/mine.py:Mine"
    ids = [copy.ids(spec)[spec]]
    for name in texts:
        (folder / name).write_text(f"EDITED = 1\n{texts[name]}")
        ids.append(copy.ids(spec)[spec])
    assert len(set(ids[:-1])) == 8
    assert ids[-1] == ids[-2]


def test_which_name_a_users_file_takes_from_a_module_beside_it_counts(copy):
    (copy.folder / "helper.py").write_text("class A: K = L = 1\nB = A\n")
    mine = copy.folder / "mine.py"
    ids = []
    for taken in ("helper.A.K", "helper.A.L", "helper.B.K"):
        mine.write_text(f"import helper\nclass Mine:\n    k = {taken}\n")
        ids += copy.ids("mine.py:Mine").values()
    assert len(set(ids)) == 3


def test_a_detector_of_another_package_rests_on_the_modules_of_that_package(copy):
    package = copy.folder / "elsewhere"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "method.py").write_text(
        "import numpy\nfrom detectors import Detector\nfrom elsewhere.helper import K\n"
        "class Mine(Detector): pass\n"
    )
    (package / "helper.py").write_text("K = 1\n")
    info = copy.folder / "elsewhere-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[fathom.detectors]\nmine = elsewhere.method:Mine\n")
    before = copy.ids("mine")
    (package / "helper.py").write_text("K = 2\n")
    assert changed(before, copy.ids("mine")) == {"mine"}


def test_a_helper_that_is_no_python_is_named(copy):
    (copy.folder / "mine.py").write_text("import torn\nclass Mine: pass\n")
    (copy.folder / "torn.py").write_text("def (")
    with pytest.raises(AssertionError, match=r"torn\.py is not valid python: invalid syntax"):
        copy.ids("mine.py:Mine")


def test_the_digest_of_our_own_code_is_of_the_code_alone(copy):
    before = copy.ids(program=OWN)
    copy.edit("bench/store/codeid.py", "    return found\n\n\n@cache\ndef _version", VERSION)
    assert changed(before, copy.ids(program=OWN)) == set()
    copy.edit(NEIGHBOURS, "    def _fit(", USED.format("one") + "    def _fit(")
    assert changed(before, copy.ids(program=OWN)) == KNN


VERSION = "    return {'numpy': '1.0'}\n\n\n@cache\ndef _version"


def test_a_row_is_current_if_its_code_is_that_of_its_detector_protocol_and_data_here():
    row = replace(WANTED, code_id=code_id(origin(parse("pca"), "one-class", "wine")))
    assert is_current(row)
    others = {"spec": "knn", "protocol": "transductive", "dataset": "digits/0", "code_id": "c" * 64}
    for name, other in others.items():
        assert not is_current(replace(row, **{name: other})), name
    for name in ("spec", "protocol", "dataset"):
        assert not is_current(replace(row, **{name: "gone.py:Mine"})), f"an unknown {name}"
