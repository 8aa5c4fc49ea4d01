"""Hidden signs and formulas in texts of suites, files and detectors, in every format."""

import csv
import io
import json
import unicodedata
import warnings
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.boards.against import against
from bench.boards.board import build
from bench.render import figures
from bench.render.formats import FORMATS
from bench.render.printable import HIDDEN, printable, uncalculated
from bench.render.table import Column, Page, Plain, plain
from tests.helpers.boards_made_up import failed, in_terminal, rows_of, written

ESC, BEL, BIDI, CSI = "\x1b[31m", "\a", "\N{RIGHT-TO-LEFT OVERRIDE}", "\x9b2J"
ODD = [f"a{ESC}b", f"a{BEL}b", f"a{BIDI}b", f"a{CSI}b", "a\nb", "a\rb", "=1+1", "$a$ $\\frac$"]


def board():
    """Return a board with odd labels, names of data sets, a title and a reason."""
    detectors = dict(zip(ODD, ["deep", "shallow"] * 4, strict=True))
    rows = rows_of(detectors, {f"file:{odd}.csv": odd for odd in ODD}).assign(spec="lof")
    rows = failed(rows, rows["label"] == ODD[0], "error", "".join(ODD))
    return build(rows, title="".join(ODD))


def hidden(text: str) -> set[str]:
    return {sign for sign in text if unicodedata.category(sign) in HIDDEN} - {"\n"}


@pytest.mark.fault(
    area="commands and output",
    kind="control signs, marks of direction and formulas in labels, titles, names and reasons",
    how="a board that has them all is written in every format",
    promise="they are shown as escapes; nothing is hidden, moved or calculated",
)
@pytest.mark.parametrize("name", FORMATS)
def test_no_format_writes_hidden_signs(name):
    made = board()
    text = written(name, made, against(made, ODD[1]))
    assert hidden(text) == set()
    if name == "csv":
        lines = list(csv.reader(io.StringIO(text)))
        assert len(lines) == len(ODD) + 1
        assert sum("'=1+1" in line for line in lines) == 1
        assert not any(cell.startswith("=") for line in lines for cell in line)
    if name == "json":
        assert {line["label"] for line in json.loads(text)["detectors"]} == set(ODD)
    if name == "md":
        assert [line for line in text.splitlines() if line.startswith("b")] == []


def test_a_terminal_in_colour_gets_no_other_signs_than_its_own():
    styled = in_terminal(board(), styled=True)
    assert r"\x1b[31m" in styled
    assert hidden(styled) == {"\x1b"}
    assert ESC not in in_terminal(board())


def test_figures_are_well_formed_and_show_labels_as_they_are():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        for drawn in figures.draw(board()).values():
            text = io.StringIO()
            figures.write(drawn.drawing, text, "svg")
            ET.fromstring(text.getvalue())
            assert "mathdefault" not in text.getvalue()
            assert hidden(text.getvalue()) == set()


def test_only_prose_has_several_lines():
    columns = (Column("name", "name"), Column("reason", "prose"))
    table = plain("a\nb", columns, [("a\nb", "a\nb")], notes=["a\nb"])
    assert table.texts() == [["a\\nb", "a\nb"]]
    assert (table.title, table.notes) == ("a\\nb", ("a\\nb",))
    assert Plain(Page("a\nb", (table,))).page(narrow=True).title == "a\\nb"


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(1)", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "-x", "+A1"]
)
def test_a_formula_gets_a_quote(text):
    assert uncalculated(text) == f"'{text}"


@pytest.mark.parametrize(
    "value", ["-.012", "+0.01", "-.068 to +.047", "-.01 [-.02, .03]", "lof", "", 1.5, None]
)
def test_numbers_and_names_get_none(value):
    assert uncalculated(value) == value


@given(st.text())
def test_what_is_printable_stays_and_nothing_hidden_does(text):
    shown = printable(text)
    assert hidden(shown) == set()
    assert printable(shown) == shown
    if not hidden(text) and "\n" not in text:
        assert shown == text
