"""Stored rows to verdicts."""

import numpy as np
import pytest

from bench.claims.claim import read
from bench.claims.contrast import contrast
from bench.claims.judge import judge
from bench.plan.planning import wanted_rows
from tests.bench.claims.test_claim import file_of
from tests.helpers.rows_made_up import PROVENANCE

SETS = '["wine", "breast-cancer", "digits/0", "digits/3", "employees"]'
DIRTY = '{ name = "one-class", contamination = 0.05 }'


def rows_of(claims):
    return [wanted_rows(suite, "cpu") for suite in claims.suites]


def records_of(wanted, value, date="2026-01-01T12:00:00+00:00"):
    """Records of rows, with the AUROC that `value` gives for each."""
    return {
        row.key: {
            "label": row.label, "dataset": row.dataset, "status": "ok", "auroc": value(row),
            "provenance": {**PROVENANCE, "date": date},
        }
        for rows in wanted for row in rows
    }  # fmt: skip


def test_a_difference_is_of_the_means_of_both_sides_and_of_seeds(tmp_path):
    claims = read(file_of(tmp_path, "seeds = 2", datasets=SETS))
    wanted = rows_of(claims)
    base = {"knn": 0.9, "lof": 0.7, "pca": 0.6}
    records = records_of(wanted, lambda row: base[row.label] + 0.01 * row.seed)
    found = contrast(claims.claims[0], wanted[0], records)
    assert found.datasets == ("breast-cancer", "digits/0", "digits/3", "employees", "wine")
    np.testing.assert_allclose(found.values, 0.2)
    assert len(set(found.nesting.family)) == 4


@pytest.mark.parametrize(("against", "expected"), [(None, -0.1), ('"pca"', 0.05)])
def test_a_change_between_protocols_is_that_of_one_side_or_the_difference_of_both(
    tmp_path, against, expected
):
    path = file_of(
        tmp_path, "seeds = 1", datasets=SETS, detectors='"knn"', against=against,
        protocol=DIRTY, against_protocol='"one-class"',
    )  # fmt: skip
    claims = read(path)
    wanted = rows_of(claims)
    loss = {"knn": 0.1, "pca": 0.15}
    clean = 0.9
    records = records_of(wanted, lambda r: clean - loss[r.label] * ("contamination" in r.protocol))
    np.testing.assert_allclose(contrast(claims.claims[0], wanted[0], records).values, expected)


def test_missing_and_failed_rows_leave_a_claim_undecided_and_are_named(tmp_path):
    claims = read(file_of(tmp_path, "seeds = 1", datasets=SETS))
    wanted = rows_of(claims)
    records = records_of(wanted, lambda row: 0.9 if row.label != "pca" else 0.5)
    gone, failed = (row for row in wanted[0] if row.label == "lof" and row.dataset[:2] in "wibr")
    del records[gone.key]
    records[failed.key] |= {"status": "timeout"}
    (one,) = (made := judge(claims, wanted, records, None)).judged
    assert (one.verdict, made.missing, made.wanted) == ("undecided", 1, 15)
    why = f"1 row is without a score (lof on {failed.dataset}: timeout)"
    assert one.reason == f"1 row is not stored (lof); {why}"


def test_a_claim_on_two_families_is_undecided_with_the_reason(tmp_path):
    claims = read(file_of(tmp_path, "seeds = 1", datasets='["wine", "digits/0", "digits/3"]'))
    wanted = rows_of(claims)
    (one,) = judge(claims, wanted, records_of(wanted, lambda r: len(r.label) / 10), None).judged
    assert (one.verdict, one.families) == ("undecided", 2)
    assert one.reason == "2 families say nothing of others"
    assert np.isnan([one.low, one.high, one.more]).all()


def test_the_judgement_says_how_many_rows_were_there_when_the_file_was_frozen(tmp_path):
    claims = read(file_of(tmp_path, "seeds = 1", datasets=SETS))
    wanted = rows_of(claims)
    records = records_of(wanted, lambda row: 0.9)
    for frozen, before in (
        ("2026-01-01T11:59:59+00:00", 0), ("2026-01-01T12:00:01+00:00", 15), (None, 0)
    ):  # fmt: skip
        assert judge(claims, wanted, records, frozen).before == before


def test_a_verdict_that_others_take_the_error_from_says_so(tmp_path):
    parts = {"datasets": SETS, "detectors": '"knn"', "against": '"pca"'}
    text = (tmp_path / "mine.toml").read_text() if file_of(tmp_path, **parts) else ""
    both = text + text.replace("A beats B", "B beats A").replace("knn", "lof")
    (tmp_path / "mine.toml").write_text(both.replace("[[claims]]", "seeds = 1\n[[claims]]", 1))
    claims = read(str(tmp_path / "mine.toml"))
    wanted = rows_of(claims)
    spread = {"breast-cancer": 0.05, "digits/0": 0.07, "digits/3": 0.07, "employees": 0.09,
              "wine": 0.07}  # fmt: skip
    size = {"knn": 1.0, "lof": -2.0, "pca": 0.0}
    found = judge(
        claims, wanted, records_of(wanted, lambda r: 0.5 + size[r.label] * spread[r.dataset]), None
    )
    assert [one.verdict for one in found.judged] == ["supported", "refuted"]
