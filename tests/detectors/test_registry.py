"""Names, specs and what is known of a detector without importing it."""

import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from detectors import UnknownDetector, make, names
from detectors.contract import Detector
from detectors.factory import load_class
from detectors.registry import ENTRY_POINTS, TABLE, find
from detectors.source import source_file
from detectors.spec import parse

HEAVY = ("torch", "sklearn", "scipy", "pyod", "mlflow", "pandas", "numba")


def _run(code, *path):
    """Run code in a fresh interpreter with further folders on its path; return what it prints."""
    setup = f"import sys; sys.path[:0] = {[str(p) for p in path]}\n"
    command = [sys.executable, "-c", setup + textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "code",
    [
        "import detectors",
        "import detectors; detectors.names()",
        "from detectors.spec import parse; parse('vae:elbo'); parse('ae+lof')",
        "from detectors.pyod.table import pyod_names; pyod_names()",
        "from detectors.spec import parse; parse('pyod:ECOD').family",
    ],
)
def test_naming_imports_nothing_heavy(code):
    found = _run(f"{code}\nprint([name for name in {HEAVY} if name in sys.modules])")
    assert found == "[]"


@pytest.mark.parametrize(
    ("text", "canonical", "family"),
    [
        ("lof", "lof", "shallow"),
        (" lof ", "lof", "shallow"),
        ("ae", "ae:reconstruction", "deep"),
        ("vae", "vae:elbo", "deep"),
        ("vae:elbo", "vae:elbo", "deep"),
        ("vae+lof", "vae+lof", "hybrid"),
        ("ae+pyod:HBOS", "ae+pyod:HBOS", "hybrid"),
        ("untrained-ae", "untrained-ae:reconstruction", "control"),
        ("untrained-vae:kl", "untrained-vae:kl", "control"),
        ("untrained-ae+knn", "untrained-ae+knn", "control"),
        ("pyod:ECOD", "pyod:ECOD", "shallow"),
        ("pyod:AutoEncoder", "pyod:AutoEncoder", "deep"),
        ("random", "random", "control"),
    ],
)
def test_a_spec_has_a_canonical_form_and_a_family(text, canonical, family):
    spec = parse(text)
    assert (str(spec), spec.family) == (canonical, family)
    assert parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lfo", r"unknown detector 'lfo'; did you mean .*lof"),
        ("", "unknown detector ''"),
        ("isolation", r"unknown detector 'isolation'; known: aae, ae, "),
        ("vae:elob", r"vae has no read-out 'elob'; did you mean elbo\?"),
        ("lof:elbo", "lof has no read-out 'elbo'; it has a single score"),
        ("lof+knn", "lof has no codes for a head; models that have: aae, ae, "),
        ("ae+lfo", "unknown detector 'lfo'"),
        ("ae+random", "a head is a shallow or a deep detector, random is a control"),
        ("vae:elbo+lof", "a head reads the codes, so leave out the read-out 'elbo'"),
        ("untrained-lof", "lof has no untrained twin; models that have: aae, ae, "),
        ("untrained-pyod:VAE", "pyod:VAE has no untrained twin; models that have"),
        ("untrained-pyod:AE1SVM", "pyod:AE1SVM has no untrained twin"),
        ("pyod:ECODE", "unknown detector 'pyod:ECODE'; did you mean"),
    ],
)
def test_a_wrong_spec_says_what_there_is(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_unknown_names_have_an_error_of_their_own():
    with pytest.raises(UnknownDetector):
        make("lfo")


@pytest.mark.parametrize("name", TABLE)
def test_the_source_of_a_class_says_what_the_class_is(name):
    entry = find(name)
    cls = load_class(entry.target)
    assert issubclass(cls, Detector)
    assert (cls.family, cls.encodes) == (entry.family, entry.encodes)
    assert tuple(cls.readouts) == entry.readouts
    assert cls.transductive == entry.transductive
    assert getattr(cls, "preload", ()) == entry.preload
    assert getattr(cls, "trains_together", False) == entry.trains_together
    assert hasattr(cls, "device") == entry.takes_device
    assert hasattr(cls, "epochs") == entry.takes_epochs
    assert getattr(cls, "images_only", False) == entry.images_only
    assert source_file(entry.target).stem == entry.target.rpartition(":")[0].rpartition(".")[2]


def test_names_are_sorted_and_found():
    assert list(names()) == sorted(names())
    assert all(find(name) for name in names())


MINE = """
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from detectors.contract import Detector, Family, Floats

IMPORTED = True


@dataclass(kw_only=True)
class Mine(Detector):
    family: ClassVar[Family] = "deep"
    readouts: ClassVar[tuple[str, ...]] = ("norm", "first")
    encodes = True

    power: Annotated[float, Gt(0)] = 2.0

    def _fit(self, x: Floats) -> None:
        self.mean_ = x.mean(axis=0)

    def _encode(self, x: Floats) -> Floats:
        return x - self.mean_

    def _score(self, x: Floats, readout: str) -> Floats:
        codes = np.abs(self._encode(x)) ** self.power
        return codes[:, 0] if readout == "first" else codes.sum(axis=1)


class NoDetector:
    pass
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def test_a_detector_in_a_file_is_known_without_import(mine):
    mine.write_text(MINE + "\nraise RuntimeError\n")
    spec = parse(f"{mine}:Mine")
    assert (spec.family, spec.readout, spec.entry.encodes) == ("deep", "norm", True)
    assert parse(f"{mine}:Mine+lof").family == "hybrid"
    assert str(parse(f"{mine}:Mine:first")) == f"{mine}:Mine:first"


def test_a_file_has_one_name_however_its_path_is_written(mine, monkeypatch):
    monkeypatch.chdir(mine.parent)
    (mine.parent / "inner").mkdir()
    for written in ("mine.py", "./mine.py", "inner/../mine.py", mine):
        assert str(parse(f"{written}:Mine")) == "mine.py:Mine:norm"
        assert str(parse(f"ae+{written}:NoDetector")) == "ae+mine.py:NoDetector"
    monkeypatch.chdir("inner")
    assert str(parse("../mine.py:Mine")) == f"{mine}:Mine:norm"


def test_a_file_imports_what_lies_beside_it(mine):
    (mine.parent / "helper.py").write_text("NAME = 'helped'")
    mine.write_text(f"{MINE}\nimport helper\n")
    code = f"""
    from detectors import make
    before = list(sys.path)
    make("{mine}:Mine")
    print(sys.modules["helper"].NAME, sys.path == before)
    """
    assert _run(code) == "helped True"


def test_a_detector_in_a_file_is_made_with_checked_settings(mine):
    x = np.eye(4)
    scores = make(f"{mine}:Mine:first", power=1.0).fit(x).score(x)
    assert scores.tolist() == [0.75, 0.25, 0.25, 0.25]
    with pytest.raises(ValueError, match="power = 0 is not accepted: a number > 0"):
        make(f"{mine}:Mine", power=0)


@pytest.mark.parametrize(
    "source",
    [
        "from detectors.deep.vae import VAE\nclass Mine(VAE): pass",
        "from detectors.deep.vae import VAE as V\nclass Base(V): x = 1\nclass Mine(Base): pass",
        "from detectors.deep import vae\nclass Mine(vae.VAE): pass",
        "import detectors.deep.vae\nclass Mine(detectors.deep.vae.VAE): pass",
        "import detectors.deep.vae as v\nclass Mine(v.VAE): pass",
        "from detectors.deep.vae import VAE as Mine\nclass Mine(Mine): pass",
        "from beside import Beside\nclass Mine(Beside): pass",
    ],
)
def test_a_class_in_a_file_is_what_its_bases_are(tmp_path, source):
    (tmp_path / "beside.py").write_text(
        "from detectors.deep.vae import VAE\nclass Beside(VAE): pass"
    )
    path = tmp_path / "mine.py"
    path.write_text(source)
    entry = parse(f"{path}:Mine:kl").entry
    assert replace(entry, target="") == replace(find("vae"), target="")
    assert parse(f"{path}:Mine+lof").family == "hybrid"
    assert parse(f"untrained-{path}:Mine").family == "control"


def test_readouts_may_be_a_table_of_functions(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from detectors import Detector\nclass Mine(Detector):\n    readouts = {'a': max, 'b': min}"
    )
    assert find(f"{path}:Mine").readouts == ("a", "b")


def test_a_class_in_a_file_can_declare_that_it_compares_test_rows(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from detectors import Detector\nclass Mine(Detector): transductive = True")
    assert parse(f"{path}:Mine").transductive


def test_a_class_in_a_file_can_say_otherwise_than_its_bases(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from detectors.training.base import DeepDetector\n"
        "class Mine(DeepDetector[Net]):\n"
        "    readouts: ClassVar[tuple[str, ...]] = ('a',)\n    trains_together = False"
    )
    entry = find(f"{path}:Mine")
    assert (entry.family, entry.readouts, entry.trains_together) == ("deep", ("a",), False)
    path.write_text("from detectors import Detector\nclass Mine(Detector): family = 'control'")
    entry = find(f"{path}:Mine")
    assert (entry.family, entry.readouts, entry.takes_device) == ("control", (), False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("readouts = NAMES", r"mine.py:Mine: readouts must be a literal tuple of texts, such as"),
        ("readouts = {NAME: max}", "readouts must be .* or a dict with such keys"),
        ("readouts = {**others}", "readouts must be .* or a dict with such keys"),
        ("readouts = ['a', 'b']", "readouts must be a literal tuple"),
        ("readouts = (1, 2)", "readouts must be a literal tuple of texts"),
        ("family = 'deeep'", "family must be one of the texts"),
        ("family = KIND", "family must be one of the texts deep, shallow, hybrid, control"),
        ("encodes = not False", "encodes must be a literal True or False"),
        ("trains_together = 1", "trains_together must be a literal True or False"),
    ],
)
def test_a_declaration_that_cannot_be_read_says_how_to_write_it(tmp_path, line, message):
    path = tmp_path / "mine.py"
    path.write_text(f"from detectors import Detector\nclass Mine(Detector):\n    {line}")
    with pytest.raises(ValueError, match=message):
        parse(f"{path}:Mine")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{mine}:Mime", UnknownDetector, r"no class 'Mime' there; did you mean Mine\?"),
        ("{mine}:Mine:last", ValueError, "has no read-out 'last'"),
        ("{mine}:NoDetector", ValueError, r"is not a Detector; write `class NoDetector\(Detector"),
        ("{mine}x.py:Mine", FileNotFoundError, "does not exist; give a detector's file as path.py"),
    ],
)
def test_a_wrong_file_or_class_is_named(mine, text, error, message):
    with pytest.raises(error, match=message):
        make(text.format(mine=mine))


@pytest.fixture
def package(tmp_path, mine):
    """A folder that holds an installed package with the entry point `mine = mine:Mine`."""

    def install(*points):
        info = tmp_path / "theirs-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("\n".join(["[fathom.detectors]", *points]))
        return tmp_path

    return install


def test_detectors_of_other_packages_are_found_by_their_entry_point(package):
    code = """
    import numpy as np
    from detectors import make, names
    from detectors.spec import parse
    listed = "mine" in names()
    print(listed, parse("mine").readout, "mine" in sys.modules, end=" ")
    print(make("mine:first").fit(np.eye(4)).score(np.eye(4))[0])
    """
    assert _run(code, package("mine = mine:Mine")) == "True norm False 0.5625"


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ("lof = mine:Mine", "two detectors are called 'lof'; rename that of the package theirs"),
        ("broken = nopkg.mod:Thing", "nopkg.mod does not exist; repair or remove the package"),
        ("broken = mine:Mime", "no class 'Mime' there; did you mean Mine?; repair or remove"),
        ("broken = torn:Mine", "torn.py is not valid python: "),
    ],
)
def test_a_package_whose_detector_cannot_be_listed_is_named_in_one_sentence(
    tmp_path, package, point, message
):
    code = """
    from detectors import make, names
    make("mean-distance")
    for ask in (names, lambda: make("loff")):
        try:
            ask()
        except ValueError as error:
            print(error)
    """
    (tmp_path / "torn.py").write_text("class Mine(:")
    first, second = _run(code, package(point)).splitlines()
    assert first == second
    assert message in first
    assert "the package theirs" in first


def test_listing_imports_nothing_of_other_packages(tmp_path, package):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "__init__.py").write_text("raise RuntimeError")
    (inner / "mine.py").write_text(MINE)
    code = "from detectors import names\nprint('ours' in names(), 'inner' in sys.modules)"
    assert _run(code, package("ours = inner.mine:Mine")) == "True False"


def test_the_example_of_the_package_works():
    x = np.random.default_rng(0).normal(size=(40, 6))
    settings = {"latent_dim": 4, "epochs": 1, "head": {"n_neighbors": 20}}
    assert make("vae+lof", **settings).fit(x).score(x).shape == (40,)
    assert ENTRY_POINTS == "fathom.detectors"
