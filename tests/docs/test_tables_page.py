"""The page on tables says what cells are: its examples are read."""

import re
from pathlib import Path

import pyarrow as pa
import pytest

from datasets.formats.cells import Kind, judge
from tests.datasets.formats.test_cells import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "tables.md"
WORDS = {
    "a number": Kind.NUMBER,
    "missing": Kind.MISSING,
    "a truth value, read as 1 or 0, also beside 1 and 0": Kind.TRUTH,
    "a number with separators or a unit, refused": Kind.DRESSED,
    "a number that float64 cannot hold, refused": Kind.LARGE,
    "a date in ISO form": Kind.DATE,
    "a date in another form, refused": Kind.OTHER_DATE,
    "text": Kind.TEXT,
}


@pytest.mark.parametrize("words", WORDS)
def test_the_examples_of_cells_are_of_the_kind_that_the_page_says(words):
    line = re.search(rf"^\| {re.escape(words)} \|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    examples = re.findall(r"`([^`]+)`", line[1])
    kinds, _ = judge(pa.array(examples, pa.large_string()), (), "plain")

    assert len(examples) >= 1
    assert set(kinds) == {WORDS[words]}


def test_every_kind_of_cell_is_on_the_page():
    assert set(WORDS.values()) == set(KINDS) == set(Kind)
