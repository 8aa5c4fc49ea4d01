"""Names of detectors: what they mean, and what a wrong one answers."""

import pytest

from detectors import UnknownDetector, make
from detectors.spec import parse
from tests.helpers.interpreter import run_python

HEAVY = ("torch", "sklearn", "scipy", "pyod", "mlflow", "pandas", "numba")


@pytest.mark.parametrize(
    "code",
    [
        "import detectors",
        "import detectors; detectors.names()",
        "from detectors.spec import parse; parse('vae:elbo'); parse('ae+lof')",
        "from detectors.pyod.table import PYOD; sorted(PYOD)",
        "from detectors.spec import parse; parse('pyod:ECOD').family",
    ],
)
def test_naming_imports_nothing_heavy(code):
    found = run_python(f"{code}\nprint([name for name in {HEAVY} if name in sys.modules])")
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
        ("isolation", r"unknown detector 'isolation'; known: aae, adae, ae, "),
        ("vae:elob", r"vae has no read-out 'elob'; did you mean elbo\?"),
        ("lof:elbo", "lof has no read-out 'elbo'; it has a single score"),
        ("lof+knn", "lof has no codes for a head; models that have: aae, adae, ae, "),
        ("ae+lfo", "unknown detector 'lfo'"),
        ("ae+random", "a head is a shallow or a deep detector, random is a baseline"),
        ("vae:elbo+lof", "a head reads the codes, so leave out the read-out 'elbo'"),
        ("untrained-lof", "lof has no untrained twin; models that have: aae, adae, ae, "),
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


def test_a_detector_in_a_file_is_known_without_import(mine):
    mine.write_text(mine.read_text() + "\nraise RuntimeError\n")
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
