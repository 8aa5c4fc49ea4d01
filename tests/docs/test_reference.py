"""The generated reference has every detector, data set and command, and says what settings mean."""

import re
import sys
from pathlib import Path

import pytest

import datasets
from detectors import names
from detectors.registry import TABLE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import generate
    finally:
        sys.path.remove(str(ROOT / "docs"))
    generate.write_reference(folder)
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.md")}


def test_every_detector_has_a_section(reference):
    sections = re.findall(r"^### (\S+)$", reference["detectors.md"], re.MULTILINE)
    assert set(names()) <= set(sections)


def test_every_class_has_a_line_on_what_it_was_checked_against(reference):
    lines = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in re.findall(r"^\| \[.*\|$", reference["methods.md"], re.MULTILINE)
    ]
    assert sorted(re.findall(r"\[(\S+)\]", " ".join(line[0] for line in lines))) == sorted(TABLE)
    for _, _, equation, checked, _, limits in lines:
        assert equation
        assert checked
        assert limits


def test_every_setting_has_a_meaning(reference):
    rows = re.findall(r"^\| (`\w+`) \|.*\| (.*) \|$", reference["detectors.md"], re.MULTILINE)
    assert len(rows) > 100
    assert [setting for setting, meaning in rows if not meaning.strip()] == []


def test_every_data_set_is_on_a_page(reference):
    pages = "".join(text for name, text in reference.items() if name.startswith("datasets/"))
    absent = [name for name in datasets.names() if not re.search(rf"(`|# ){name}\b", pages)]
    assert absent == []


def test_every_command_has_its_help(reference):
    for command in ("run", "data fetch", "reproduce", "ui"):
        assert f"## bench {command}\n\n```text\nUsage: bench {command} " in reference["commands.md"]
