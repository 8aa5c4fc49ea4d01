"""Scores of a method whose code is closed: stored with a mark, shown with it, refused if bad."""

import numpy as np
import pytest

from bench.store.imported import read
from bench.store.records import FAILURES, IMPORTED
from tests.helpers.files.scores_elsewhere import HEAD, table


def test_scores_are_put_in_the_order_of_the_test_samples(tmp_path):
    first, second = read(table(tmp_path / "t.csv"), "Closed", "deep", "one-class", None)
    assert (first.status, first.wanted.label, second.wanted.seed) == (
        IMPORTED,
        "Closed (imported)",
        1,
    )
    assert np.array_equal(first.scores, first.truth)
    assert first.metrics["auroc"] == 1
    assert first.sizes == {"n_train": 59, "n_test": 119, "n_anomalies": 59}
    assert IMPORTED not in FAILURES, "which --retry would run again"


@pytest.mark.fault(
    area="data", kind="a bad table of imported scores", how="one cell, line or column is changed",
    promise="it is refused in one sentence that names the place, and nothing is stored",
)  # fmt: skip
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lines: lines[3].__setitem__(3, "high"), "score in line 5 is 'high'; give a number"),
        (lambda lines: lines[3].__setitem__(3, "nan"), "score in line 5 is nan; give a finite"),
        (lambda lines: lines[3].__setitem__(3, ""), "score in line 5 is ''; give a number"),
        (lambda lines: lines[3].__setitem__(2, "1.5"), "sample in line 5 is '1.5'; give a whole"),
        (lambda lines: lines[3].__setitem__(1, "-1"), "a seed is a whole number from 0"),
        (lambda lines: lines.pop(3), "seed 0: 1 test samples have no score, the first is sample"),
        (lambda lines: lines.append(lines[3]), "sample .* has several scores; give one"),
        (lambda lines: lines[3].__setitem__(2, 4000), "sample 4000 is no test sample"),
        (lambda lines: lines[3].__setitem__(0, "wein"), "unknown data set 'wein'"),
        (lambda lines: lines.clear(), "has no scores"),
        (lambda lines: lines[3].append("more"), "is no CSV file"),
    ],
)
def test_a_bad_table_is_refused_in_one_sentence(tmp_path, change, why):
    with pytest.raises(ValueError, match=why) as error:
        read(table(tmp_path / "t.csv", change=change), "Closed", "deep", "one-class", None)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"head": "dataset,seed,row,score"}, "has no column sample; it takes dataset, seed"),
        ({"name": " "}, "the name ' ' cannot stand on a board"),
        ({"protocol": "one-clas"}, "unknown protocol 'one-clas'"),
    ],
)
def test_other_columns_names_and_protocols_are_refused(tmp_path, given, why):
    plain = {"head": HEAD, "name": "Closed", "protocol": "one-class"}
    head, name, protocol = (plain | given).values()
    with pytest.raises(ValueError, match=why):
        read(table(tmp_path / "t.csv", head=head), name, "deep", protocol, None)
