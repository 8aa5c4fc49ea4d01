"""The registered names, and those that other installed packages add."""

import pytest

from detectors import names
from detectors.registry import ENTRY_POINTS, find
from tests.helpers.interpreter import run_python


def test_names_are_sorted_and_found():
    assert list(names()) == sorted(names())
    assert all(find(name) for name in names())
    assert ENTRY_POINTS == "fathom.detectors"


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
    assert run_python(code, package("mine = mine:Mine")) == "True norm False 0.5625"


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
    first, second = run_python(code, package(point)).splitlines()
    assert first == second
    assert message in first
    assert "the package theirs" in first


def test_listing_imports_nothing_of_other_packages(tmp_path, mine, package):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "__init__.py").write_text("raise RuntimeError")
    (inner / "mine.py").write_text(mine.read_text())
    code = "from detectors import names\nprint('ours' in names(), 'inner' in sys.modules)"
    assert run_python(code, package("ours = inner.mine:Mine")) == "True False"
