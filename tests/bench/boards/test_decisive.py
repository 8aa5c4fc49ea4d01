"""What a board says of the audits of its data sets."""

from bench.boards.board import build
from bench.boards.decisive import with_audits
from tests.helpers.boards_made_up import SETS, rows_of


def note(verdicts, rows=None):
    rows = rows_of() if rows is None else rows
    made = with_audits(build(rows, title="t"), verdicts)
    return made.notes[-1] if made.notes[-1].startswith("Audits") else ""


def test_a_board_without_audits_says_nothing_of_them():
    assert note({}) == ""
    assert note({"elsewhere": "decisive"}) == ""


def test_the_note_names_the_sets_that_are_not_decisive_and_those_not_audited():
    told = note({"wine": "decisive", "digits/0": "saturated", "digits/1": "too small"})
    assert told.startswith(
        "Audits: 1 of 3 data sets are decisive (saturated: digits/0; too small: digits/1), "
        "2 not audited. On the decisive ones alone, lof stays first, and"
    )


def test_a_ranking_that_the_other_sets_made_is_said_to_change():
    rows = rows_of(auroc={"lof": 0.9, "vae:elbo": 0.8, "ae+lof": 0.7, "random": 0.5})
    last = {"lof": 0.5, "vae:elbo": 0.8, "ae+lof": 0.7, "random": 0.9}
    on_wine = rows["dataset"] == "wine"
    rows.loc[on_wine, "auroc"] = rows.loc[on_wine, "label"].map(last)
    told = note({name: "decisive" if name == "wine" else "saturated" for name in SETS}, rows)
    assert "random is first in place of lof, and 1 of 4 detectors move by 3 places" in told


def test_nothing_changes_where_every_set_is_decisive_or_none_is():
    assert note(dict.fromkeys(SETS, "decisive")) == "Audits: 5 of 5 data sets are decisive."
    assert "On the decisive" not in note(dict.fromkeys(SETS, "saturated"))
