"""A published table gets the statistics of our boards."""

import pytest

from bench.boards.against import against
from bench.boards.board import build
from bench.boards.referee import read
from bench.render.documents.referee import RefereeDocument, verdicts

TABLE = """method,cardio,glass,wine,letter,thyroid,Average
Ours,95.1 ± 0.3,88.0 ± 2.0,99.0,90.0,98.9,94.2
kNN,92.0 (1.0),86.0,99.5,88.1,98.7,92.9
LOF,91.1,84.0,99.1,89.1,96.0,91.9
OCSVM,90.0,n/a,98.9,60.0,97.2,
"""


def made(text):
    found = read(text, "auroc")
    board = build(found.rows, title="published")
    return board, against(board), found


def test_percent_spreads_summaries_and_missing_values_are_read():
    board, compared, found = made(TABLE)
    assert board.cells.set_index(["label", "dataset"]).value["Ours", "cardio"] == 0.951
    spreads = found.rows.set_index(["label", "dataset"]).auroc_se
    assert spreads["Ours", "cardio"] == pytest.approx(0.003)
    assert spreads["kNN", "cardio"] == pytest.approx(0.01)
    assert [note.split(":")[0] for note in found.notes] == [
        "Left out as summaries, which are computed here",
        "Values are read as percent.",
        "Spreads count as standard errors of single values.",
        "Missing",
    ]
    assert found.notes[-1] == "Missing: OCSVM on glass (1 of 20 values)."
    assert list(board.detectors["label"]) == ["Ours", "kNN", "LOF", "OCSVM"]
    assert list(compared.blocks.detectors) == ["Ours", "kNN", "LOF"]


def test_spreads_of_another_metric_are_said_to_be_left_out():
    notes = read(TABLE, "average_precision").notes
    assert "Spreads are left out; only those of auroc are used." in notes


def test_methods_may_be_columns_and_values_shares():
    turned = "set,A,B\nwine,.91,.80\nglass,.71,.60+-.02\n"
    by_columns = read(turned, "auroc", in_columns=True).rows
    assert sorted(by_columns["label"].unique()) == ["A", "B"]
    assert by_columns.set_index(["label", "dataset"]).auroc["B", "glass"] == 0.6


def test_it_is_said_who_is_better_and_which_sets_decide():
    sets = [f"s{i}" for i in range(12)]
    better = "\n".join(
        ["m," + ",".join(sets)]
        + [f"{name},{','.join(str(v + 0.001 * i) for i in range(12))}" for name, v in
           (("best", 0.9), ("worse", 0.8), ("near", 0.8999))]
    )  # fmt: skip
    board, compared, _ = made(better)
    told = verdicts(board, compared)
    assert "best is clearly better than 2 of 2 others by its mean, and than 2 by" in told[0]
    assert told[1].startswith("No single data set decides who is first.")
    close = "m,a,b,c\nz,.9,.8,.8\ny,.6,.9,.9\nx,.8,.7,.7\nw,.7,.6,.6\n"
    board, compared, _ = made(close)
    assert board.detectors["label"].iloc[0] == "z"
    told = verdicts(board, compared)
    assert "z is clearly better than 2 of 3 others" in told[0]
    assert told[1].startswith("Without a, y is first.")
    assert RefereeDocument(board, compared, ()).csv().startswith("#,method,mean rank")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the table has no values"),
        ("m,wine\nA,eighty\n", "A on wine is 'eighty'; give a number such as 0.912"),
        ("m,wine\nA,1e400\n", "A on wine is '1e400'"),
        ("m,wine\nA,-3\n", "A on wine is '-3'"),
        ("m,wine\nA,912\n", "A on wine is 912; values are 0 to 1, or percent"),
        ("m,wine,glass\nA,.9\n", "line 2 of the table has 2 cells, the first has 3"),
        ("m,wine\nA,.9\nA,.8\n", "a method 'A' is a duplicate; give each method"),
        ("m,wine,wine\nA,.9,.8\n", "a data set 'wine' is a duplicate"),
        ("m,Average\nA,.9\n", "left out as summaries: Average"),
    ],
)
@pytest.mark.fault(
    area="commands and output",
    kind="a published table with text, or of another form, in number cells",
    how="a CSV file is read whose cells are words, beyond 100, or not aligned",
    promise="one sentence names the cell and what is accepted",
)
def test_a_table_that_is_none_is_one_sentence(text, said):
    with pytest.raises(ValueError, match=r"^[^\n]*$") as error:
        read(text, "auroc")
    assert said in str(error.value)


def test_the_command_prints_the_table_or_one_sentence(bench, tmp_path):
    file = tmp_path / "published.csv"
    file.write_text(TABLE, encoding="utf-8")
    run = bench("referee", file)
    assert run.wait() == 0, run.stderr
    assert "published: AUROC" in run.stdout
    assert "AUROC: differences from Ours" in run.stdout
    file.write_text("m,wine\nA,eighty\n")
    run = bench("referee", file)
    assert run.wait() == 2
    assert run.stderr.startswith("bench: A on wine is 'eighty'")
    file.write_bytes(b"m,wine\nA,\xcf\n")
    run = bench("referee", file)
    assert run.wait() == 2
    assert run.stderr.endswith("(byte 0xcf in line 2 cannot be decoded); save it as UTF-8\n")
    gone = bench("referee", tmp_path / "none.csv")
    assert gone.wait() == 2
    assert gone.stderr == f"bench: {tmp_path / 'none.csv'}: No such file or directory\n"
