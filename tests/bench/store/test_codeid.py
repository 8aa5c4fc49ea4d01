"""The code id: which edits make new rows, tried on copies of the project."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.store.codeid import HARNESS_FILES, _plain

ROOT = Path(__file__).parents[3]
PYOD = {"pyod:HBOS", "pyod:VAE"}
DEEP = {"ae", "untrained-ae", "ae+lof", "vae:kl", "ae+kmeans"}
SPECS = ["lof", "random", *sorted(PYOD | DEEP)]
PROGRAM = """
import json, sys
from bench.store.codeid import code_id
from detectors.spec import parse
print(json.dumps({spec: code_id(parse(spec)) for spec in sys.argv[1:]}))
"""
OWN = PROGRAM.replace("code_id", "own_code_id")


class Copy:
    """A copy of the project's code, to be edited."""

    def __init__(self, folder: Path, source: Path = ROOT) -> None:
        self.folder = folder
        for package in ("bench", "datasets", "detectors"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source / package, folder / package, ignore=ignored)

    def ids(self, *specs: str, program: str = PROGRAM) -> dict[str, str]:
        command = [sys.executable, "-c", program, *(specs or SPECS)]
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


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


def test_docstrings_comments_and_blank_lines_change_nothing(copy, original):
    for file in (
        "detectors/shallow/neighbours.py",
        "detectors/contract.py",
        "bench/protocols/named.py",
    ):
        copy.edit(file, '"""', '"""Words. ')
        copy.edit(file, "\n\n\n", "\n\n\n# a comment\n\n\n")
    copy.edit("detectors/shallow/neighbours.py", "    def _fit(", "    # why\n    def _fit(")
    assert changed(original, copy.ids()) == set()


def test_messages_of_errors_and_what_protocols_say_of_themselves_change_nothing(copy, original):
    copy.edit(
        "bench/protocols/named.py", "has no official split; use", "lacks an official split; take"
    )
    copy.edit(
        "detectors/shallow/neighbours.py", "    def _fit(", RAISING.format("one") + "    def _fit("
    )
    before = copy.ids()
    copy.edit("detectors/shallow/neighbours.py", "f'one {self}'", "f'another {self}'")
    copy.edit(
        "bench/protocols/papers.py", "a random half tests", "half of the rows, at random, test"
    )
    copy.edit(
        "bench/protocols/papers.py", "figures agree in the mean only", "figures are not the same"
    )
    copy.edit("bench/protocols/papers.py", "Zong et al., DAGMM", "Zong and others, DAGMM")
    assert changed(before, copy.ids()) == set()
    assert changed(original, before) == {"lof", "ae+lof"}


RAISING = """    def refuse(self):
        msg = f'{} {{self}}'
        raise ValueError(msg)

"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("scales_on_test=True", "scales_on_test=False"),
        ("_dagmm,\n", "_goad,\n"),
        ("math.ceil(0.4", "math.ceil(0.3"),
    ],
)
def test_what_a_protocol_does_changes_every_row(copy, original, old, new):
    copy.edit("bench/protocols/papers.py", old, new)
    assert changed(original, copy.ids()) == set(SPECS)


def test_a_text_that_is_not_raised_next_is_code(copy, original):
    copy.edit(
        "detectors/shallow/neighbours.py", "    def _fit(", USED.format("one") + "    def _fit("
    )
    before = copy.ids()
    copy.edit("detectors/shallow/neighbours.py", "'one'", "'two'")
    assert changed(before, copy.ids()) == {"lof", "ae+lof"}


USED = """    def seed(self):
        msg = '{}'
        return hash(msg)

"""


def test_the_place_of_the_project_changes_nothing(copy, original):
    assert copy.ids() == original


@pytest.mark.parametrize(
    ("file", "old", "touched"),
    [
        ("detectors/shallow/neighbours.py", "from sklearn", {"lof", "ae+lof"}),
        ("detectors/shallow/kmeans.py", "import numpy as np", {"ae+kmeans"}),
        ("detectors/shallow/baselines.py", "import numpy as np", {"random"}),
        ("detectors/pyod/adapter.py", "import numpy as np", PYOD),
        ("detectors/deep/autoencoder.py", "from dataclasses", DEEP - {"vae:kl"}),
        ("detectors/training/loop.py", "import numpy as np", DEEP),
        ("detectors/compose.py", "import numpy as np", {"ae+lof", "ae+kmeans"}),
        ("detectors/contract.py", "import numpy as np", set(SPECS)),
        ("detectors/streams.py", "import numpy as np", set(SPECS)),
        ("bench/protocols/named.py", "import numpy as np", set(SPECS)),
        ("bench/protocols/papers.py", "import numpy as np", set(SPECS)),
        ("bench/protocols/scalers.py", "import numpy as np", set(SPECS)),
        ("bench/protocols/split.py", "import numpy as np", set(SPECS)),
        ("bench/metrics/scored.py", "import numpy as np", set()),
        ("bench/run/job.py", "import numpy as np", set()),
        ("detectors/entry.py", "from dataclasses", set()),
        ("detectors/factory.py", "import importlib", set()),
        ("detectors/registry.py", "from functools", set()),
        ("detectors/spec.py", "from dataclasses", set()),
        ("detectors/source.py", "import ast", set()),
        ("datasets/record.py", "import numpy as np", set()),
    ],
)
def test_a_change_of_code_changes_the_ids_that_rest_on_it(copy, original, file, old, touched):
    copy.edit(file, old, f"EDITED = 1\n{old}")
    assert changed(original, copy.ids()) == touched


def test_all_that_protocols_and_scalers_import_of_the_harness_is_in_the_id():
    names = {path.name for path in HARNESS_FILES}
    for path in HARNESS_FILES:
        found = re.findall(r"^from bench\.protocols\.(\w+) import", path.read_text(), re.MULTILINE)
        assert {f"{name}.py" for name in found} <= names


def test_a_new_name_leaves_all_others_and_a_changed_preset_is_new_code(copy, original):
    copy.edit(
        "detectors/registry.py",
        "TABLE: dict[str, Entry] = {",
        "TABLE: dict[str, Entry] = {\n"
        '    "lof-5": Entry("detectors.shallow.neighbours:LOF", preset={"n_neighbors": 5}),',
    )
    ids = copy.ids(*SPECS, "lof-5")
    assert changed(original, ids) == set()
    assert ids["lof-5"] != ids["lof"]


@pytest.mark.parametrize(
    ("library", "touched"),
    [
        ("torch", DEEP | {"pyod:VAE"}),
        ("pyod", PYOD),
        ("numpy", set(SPECS)),
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
    for file, old in (
        ("mine.py", "from detectors import"),
        ("detectors/contract.py", "import numpy as np"),
        ("detectors/shallow/kmeans.py", "import numpy as np"),
        ("detectors/shallow/neighbours.py", "from sklearn"),
    ):
        copy.edit(file, old, f"EDITED = 1\n{old}")
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


def test_a_helper_that_is_no_python_is_named(copy):
    (copy.folder / "mine.py").write_text("import torn\nclass Mine: pass\n")
    (copy.folder / "torn.py").write_text("def (")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        copy.ids("mine.py:Mine")
    assert "ValueError: torn.py is not valid python: invalid syntax, line 1" in caught.value.stderr


def test_the_digest_of_our_own_code_is_of_the_code_alone(copy):
    before = copy.ids(program=OWN)
    copy.edit("detectors/shallow/neighbours.py", '"""', '"""Words. ')
    copy.edit("bench/store/codeid.py", "    return found\n\n\n@cache\ndef _version", VERSION)
    assert changed(before, copy.ids(program=OWN)) == set()
    copy.edit(
        "detectors/shallow/neighbours.py", "    def _fit(", RAISING.format("one") + "    def _fit("
    )
    assert changed(before, copy.ids(program=OWN)) == {"lof", "ae+lof"}


VERSION = "    return {'numpy': '1.0'}\n\n\n@cache\ndef _version"


def test_fields_that_another_python_adds_to_a_syntax_tree_count_where_they_are_filled():
    class FunctionDef(ast.FunctionDef):
        _fields = (*ast.FunctionDef._fields, "type_params")

    (of_now,) = ast.parse("def f(x=0): return x").body
    (of_later,) = ast.parse("def f(x=0): return x").body
    of_later.__class__ = FunctionDef
    of_later.type_params = []
    assert _plain(of_later) == _plain(of_now)
    of_later.type_params = [ast.Name("T")]
    assert _plain(of_later) != _plain(of_now)
