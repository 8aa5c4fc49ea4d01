"""Results folders of several machines become one, unless they contradict each other."""

from contextlib import closing

import numpy as np
import pytest

from bench.store.store import Store
from tests.helpers.rows_made_up import made_up, store_rows

SCORES = np.linspace(0, 1, 20)


@pytest.fixture
def folders(tmp_path):
    """Rows of seeds 0 and 1, and of 1 and 2, in two folders."""
    store_rows(tmp_path / "a", made_up(scores=SCORES), made_up(seed=1, scores=SCORES))
    store_rows(tmp_path / "b", made_up(seed=1, scores=SCORES), made_up(seed=2, scores=SCORES))
    return tmp_path / "a", tmp_path / "b", tmp_path / "joined"


def held(folder):
    """Return status and scores by seed."""
    with closing(Store(folder)) as store:
        return {
            record["seed"]: (record["status"], store.scores(record["key"]))
            for record in store.records()
        }


def test_every_row_is_there_once_with_all_it_had(bench, folders):
    a, b, joined = folders
    ran = bench("merge", a, b, "--results", joined)
    assert (ran.wait(), ran.stdout) == (0, f"3 rows added to {joined}; 1 already there\n")
    with closing(Store(joined)) as all_, closing(Store(b)) as source:
        for key in source.statuses():
            assert all_.packed(key) == source.packed(key)
    again = bench("merge", b, "--results", joined)
    assert (again.wait(), again.stdout) == (0, f"0 rows added to {joined}; 2 already there\n")


def test_other_scores_under_one_key_are_named_and_nothing_is_merged(bench, folders):
    a, b, joined = folders
    other = {"provenance": {"processor": "slow sse2"}}
    store_rows(b, made_up(0.8, seed=1, scores=SCORES**2, **other))
    ran = bench("merge", a, b, "--results", joined)
    assert ran.wait() == 2
    key = made_up(seed=1).wanted.key[:8]
    assert ran.stderr == (
        "bench: 1 of the shared keys have different scores: pca on wine, seed 1 "
        f"(row {key}): AUROC 0.900000 on fast avx2 in {a}, AUROC 0.800000 on slow sse2 in {b}; "
        "nothing was merged; leave a folder out, or choose whose rows to keep with --prefer DIR\n"
    )
    assert held(joined) == {}


@pytest.mark.parametrize("preferred", [0, 1, 2])
def test_the_preferred_folder_holds_where_two_contradict(bench, folders, preferred):
    a, b, joined = folders
    store_rows(b, made_up(seed=1, scores=SCORES**2))
    store_rows(joined, made_up(seed=1, scores=SCORES**3))
    ran = bench("merge", a, b, "--results", joined, "--prefer", folders[preferred])
    assert ran.wait() == 0, ran.stderr
    assert (held(joined)[1][1][1] == SCORES ** (1, 2, 3)[preferred]).all()


def test_contradictions_that_the_preferred_folder_has_no_part_in_are_refused(bench, folders):
    a, b, joined = folders
    store_rows(b, made_up(seed=1, scores=SCORES**2))
    store_rows(joined, made_up(seed=7, scores=SCORES))
    ran = bench("merge", a, b, "--results", joined, "--prefer", joined)
    assert ran.wait() == 2
    assert set(held(joined)) == {7}


def test_scores_that_differ_by_rounding_are_the_same(bench, folders):
    a, b, joined = folders
    store_rows(b, made_up(seed=1, scores=SCORES * (1 + 1e-9)))
    ran = bench("merge", a, b, "--results", joined)
    assert ran.wait() == 0
    assert "1 already there, 1 of them equal up to rounding" in ran.stdout
    assert (held(joined)[1][1][1] == SCORES).all()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_scores_stay_where_another_machine_failed(bench, folders, order):
    _, b, joined = folders
    store_rows(b, made_up(seed=1, status="memory"))
    ran = bench("merge", *(folders[i] for i in order), "--results", joined)
    assert ran.wait() == 0
    assert {seed: status for seed, (status, _) in held(joined).items()} == dict.fromkeys(
        range(3), "ok"
    )


def test_other_labels_are_a_contradiction(bench, folders):
    a, b, joined = folders
    row = made_up(seed=1, scores=SCORES)
    store_rows(b, type(row)(**{**vars(row), "truth": row.truth[::-1]}))
    assert bench("merge", a, b, "--results", joined).wait() == 2


def test_bad_usage_is_one_sentence(bench, folders):
    a, b, joined = folders
    ran = bench("merge", a, joined / "x", "--results", joined)
    assert ran.wait() == 2
    assert f"no store.db in {joined / 'x'}" in ran.stderr
    ran = bench("merge", a, "--prefer", b, "--results", joined)
    assert ran.wait() == 2
    assert f"--prefer {b} is not among the folders to merge" in ran.stderr
