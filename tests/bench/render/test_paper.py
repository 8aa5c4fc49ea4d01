"""The one table of a paper: values, spreads, digits, the highlighted detector, and its LaTeX."""

import numpy as np
import pytest

from bench.boards.board import build
from bench.render import formats
from bench.render.paper import MOST, PaperTable
from datasets import names
from tests.helpers.boards_made_up import rows_of

LABEL = "ae+lof"
MANY = {name: name for name in sorted(n for n in names() if n.startswith("adbench/"))[: MOST + 3]}


@pytest.fixture(scope="module")
def made():
    return build(rows_of(), title="Ours & theirs")


def lines_of(paper):
    (table,) = paper.page(narrow=False).tables
    return {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}


def test_a_cell_is_the_mean_and_the_deviation_of_the_seeds_and_ranks_come_last(made):
    frame = rows_of()
    lines = lines_of(PaperTable(made, "std", percent=True))
    for label, texts in lines.items():
        for name, text in zip(made.datasets["dataset"], texts, strict=False):
            rows = frame[(frame["label"] == label) & (frame["dataset"] == name)]["auroc"]
            assert text == f"{100 * rows.mean():.1f} \N{PLUS-MINUS SIGN} {100 * rows.std():.1f}"
        mean = made.detectors.set_index("label").loc[label]
        assert texts[-2:] == [f"{100 * mean['auroc']:.1f}", f"{mean['mean_rank']:.1f}"]


def test_the_best_rank_is_bold_and_the_text_says_what_it_needs(made):
    paper = PaperTable(made)
    (table,) = paper.page(narrow=False).tables
    ranks = {row[0].text: row[-1] for row in table.rows}
    assert [name for name, cell in ranks.items() if cell.best] == [made.detectors["label"].iloc[0]]
    assert formats.FORMATS["tex"].write(paper).startswith("% Needs the packages booktabs")


def test_digits_fractions_and_intervals_that_hold_what_they_held(made):
    (cell, *_), fraction = (
        lines_of(PaperTable(made, "interval", digits=2))[LABEL],
        lines_of(PaperTable(made, "mean"))[LABEL][0],
    )
    value, low, high = (float(part.strip("[],")) for part in cell.split())
    line = made.cells[made.cells["label"] == LABEL].iloc[0]
    assert (value, float(fraction)) == (round(line["value"], 2), round(line["value"], 3))
    assert low <= line["low"] < low + 0.0101
    assert high >= line["high"] > high - 0.0101
    assert fraction.startswith(".")


def test_the_highlighted_detector_is_bold_below_a_rule_in_the_last_line(made):
    last = formats.FORMATS["tex"].write(PaperTable(made, highlight=LABEL)).split(r"\midrule")
    assert len(last) == 3
    (line,) = last[2].partition(r"\bottomrule")[0].strip().splitlines()
    assert line.startswith(rf"\textbf{{\texttt{{{LABEL}}}}}")
    with pytest.raises(ValueError, match="no detector 'ae-lof'; did you mean ae"):
        PaperTable(made, highlight="ae-lof")


def test_more_data_sets_than_a_page_holds_continue_and_each_float_has_one_label():
    made = build(rows_of(datasets=MANY), title="t")
    text = formats.FORMATS["tex"].write(PaperTable(made))
    assert text.count(r"\begin{table*}") == 2
    assert text.count(r"\label{tab:t-auroc}") == text.count(r"\label") == 1
    heads = [len(t.columns) for t in PaperTable(made).page(narrow=False).tables]
    assert heads == [1 + 7, 1 + 6 + 2]


def test_a_single_seed_has_no_deviation():
    made = build(rows_of(seeds=[0]), title="t")
    assert made.cells["std"].isna().all()
    assert not any("\N{PLUS-MINUS SIGN}" in text for text in lines_of(PaperTable(made))[LABEL])
    assert np.isfinite(made.cells["value"]).all()
