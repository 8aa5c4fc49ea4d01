"""What a class declares, read from its source without importing it."""

import shutil
from dataclasses import replace

import pytest

from detectors.contract import Detector
from detectors.factory import load_class
from detectors.localisation import Localizer
from detectors.registry import TABLE, find
from detectors.source import HOME, citations, source_file
from detectors.spec import parse
from tests.helpers.interpreter import run_python


@pytest.mark.parametrize("name", TABLE)
def test_the_source_of_a_class_says_what_the_class_is(name):
    entry = find(name)
    cls = load_class(entry.target)
    assert issubclass(cls, Detector)
    assert (cls.family, cls.encodes) == (entry.family, entry.encodes)
    assert tuple(cls.readouts) == entry.readouts
    assert getattr(cls, "localizes", {}) == entry.localizes
    assert set(entry.localizes) <= set(entry.readouts or [""])
    assert issubclass(cls, Localizer) == bool(entry.localizes)
    assert cls.transductive == entry.transductive
    assert getattr(cls, "preload", ()) == entry.preload
    assert getattr(cls, "trains_together", False) == entry.trains_together
    assert hasattr(cls, "device") == entry.takes_device
    assert hasattr(cls, "epochs") == entry.takes_epochs
    assert getattr(cls, "images_only", False) == entry.images_only
    assert source_file(entry.target).stem == entry.target.rpartition(":")[0].rpartition(".")[2]


@pytest.mark.parametrize(
    "source",
    [
        "from detectors.deep.variational.vae import VAE\nclass Mine(VAE): pass",
        "from detectors.deep.variational.vae import VAE\nclass B(VAE): x = 1\nclass Mine(B): pass",
        "from detectors.deep.variational import vae\nclass Mine(vae.VAE): pass",
        "import detectors.deep.variational\nclass Mine(detectors.deep.variational.vae.VAE): pass",
        "import detectors.deep.variational.vae as v\nclass Mine(v.VAE): pass",
        "from detectors.deep.variational.vae import VAE as Mine\nclass Mine(Mine): pass",
        "from beside import Beside\nclass Mine(Beside): pass",
    ],
)
def test_a_class_in_a_file_is_what_its_bases_are(tmp_path, source):
    (tmp_path / "beside.py").write_text(
        "from detectors.deep.variational.vae import VAE\nclass Beside(VAE): pass"
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
        ("readouts = NAMES", r"mine.py:Mine: readouts must be a literal tuple of strings, such as"),
        ("readouts = {NAME: max}", "readouts must be .* or a dict with such keys"),
        ("readouts = {**others}", "readouts must be .* or a dict with such keys"),
        ("readouts = ['a', 'b']", "readouts must be a literal tuple"),
        ("readouts = (1, 2)", "readouts must be a literal tuple of strings"),
        ("family = 'deeep'", "family must be one of the strings"),
        ("family = KIND", "family must be one of the strings deep, shallow, hybrid, control"),
        ("localizes = True", "localizes must be a literal dict from read-outs to"),
        ("localizes = {'': 'median'}", "to \"\" or one of 'mean', 'max', 'top-1%'"),
        ("encodes = not False", "encodes must be a literal True or False"),
        ("trains_together = 1", "trains_together must be a literal True or False"),
    ],
)
def test_a_declaration_that_cannot_be_read_says_how_to_write_it(tmp_path, line, message):
    path = tmp_path / "mine.py"
    path.write_text(f"from detectors import Detector\nclass Mine(Detector):\n    {line}")
    with pytest.raises(ValueError, match=message):
        parse(f"{path}:Mine")


def test_a_new_readout_is_one_function_and_one_line_in_the_file_of_its_method(tmp_path):
    copy = tmp_path / "detectors"
    shutil.copytree(HOME / "detectors", copy, ignore=shutil.ignore_patterns("__pycache__"))
    vae = copy / "deep" / "variational" / "vae.py"
    table = "    readouts: ClassVar[ReadOuts] = {\n"
    function = (
        "    def _length(self, rows):\n        return self._posterior(rows)[0].norm(dim=1)\n\n"
    )
    before, after = vae.read_text().split(table)
    vae.write_text(f'{before}{function}\n\n{table}        "length": _length,\n{after}')
    code = """
    import detectors
    from detectors.registry import find
    x = __import__("numpy").eye(9)
    scores = detectors.make("vae:length", epochs=1).fit(x).score(x)
    print(find("beta-vae").readouts[0], (scores > 0).all(), detectors.__file__)
    """
    assert run_python(code, tmp_path) == f"length True {copy / '__init__.py'}"


def test_a_class_cites_its_own_sources_or_those_of_its_module(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        '"""Mine.\\n\\nReference: [a2001b],\\n[c2002d]\\n"""\n'
        "class Mine: pass\n"
        'class Other:\n    """Other.\n\n    Reference: [e2003f]\n    """\n'
    )
    assert citations(f"{path}:Mine") == ("a2001b", "c2002d")
    assert citations(f"{path}:Other") == ("e2003f",)
    assert citations("detectors.shallow.neighbours:LOF") == ("breunig2000lof",)
    assert citations("detectors.shallow.baselines:Random") == ()


@pytest.mark.parametrize("name", [name for name in TABLE if find(name).family != "control"])
def test_every_method_cites_its_sources(name):
    assert citations(find(name).target), "write `Reference: [key]` into its module's docstring"
