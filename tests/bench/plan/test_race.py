"""A race: which rows are not made any more, and how often that puts the best detector out."""

import re
from dataclasses import replace

import numpy as np
import pytest

from bench.plan.job import Limits
from bench.plan.planning import jobs
from bench.plan.race import Race
from tests.helpers.rows_made_up import WANTED

LABELS = ("a", "b", "c", "d", "e", "f")


def wanted(n_families=20, n_seeds=3, labels=LABELS):
    """The rows of detectors on families of two data sets each."""
    return [
        replace(WANTED, label=label, spec=label, model=label, dataset=f"{i}/{j}",
                dataset_family=f"{i}", data_sha256=f"{i}/{j}", seed=seed)
        for label in labels for i in range(n_families) for j in range(2) for seed in range(n_seeds)
    ]  # fmt: skip


def run(race, value):
    """Run a race as a session does; return the rows that were made."""
    made = []
    for row in race.rows:
        if race.allows([row]):
            made.append(row)
            race.add({"key": row.key, "status": "ok", "auroc": value(row)})
    return made


def worlds(rng, draw):
    """Values of rows with the same true mean, made of family, data set and seed."""
    family = {(label, str(i)): 0.1 * draw(rng) for label in LABELS for i in range(20)}
    return lambda row: 0.7 + family[row.label, row.dataset_family] + rng.normal(scale=0.02)


@pytest.mark.parametrize("draw", [
    lambda rng: rng.normal(), lambda rng: rng.exponential() - 1, lambda rng: 1 - rng.exponential(),
])  # fmt: skip
def test_the_best_is_out_at_most_as_often_as_said(draw):
    rng, rows = np.random.default_rng(0), wanted()
    n, out = 60, 0
    for _ in range(n):
        race = Race(rows)
        run(race, worlds(rng, draw))
        out += len(LABELS) - len(race.left)
    assert out / (n * len(LABELS)) <= 0.05  # all are equally good, so each is the best


def test_what_is_clearly_worse_is_out_and_seeds_that_cannot_decide_are_not_made():
    rng = np.random.default_rng(0)
    gain = dict(zip(LABELS, (0.2, 0.19, 0, 0, 0, 0), strict=True))
    family = {(label, str(i)): 0.03 * rng.normal() for label in LABELS for i in range(20)}
    race = Race(wanted(n_seeds=5))
    made = run(race, lambda row: 0.6 + gain[row.label] + family[row.label, row.dataset_family])
    assert sorted(race.left) == ["a", "b"]
    assert race.is_over
    assert {row.seed for row in made} == {0, 1}
    second = [row for row in made if row.seed == 1]
    assert {row.label for row in second} == {"a", "b"}
    assert len({row.dataset_family for row in second}) == 5  # a quarter
    worse = [row for row in made if row.label == "c"]
    assert len({row.dataset_family for row in worse}) == 8  # the first look
    n_left = len(race.rows) - len(made)
    assert re.fullmatch(
        r"race: [ab], [ab] are not distinguishable, and seeds would not decide; the best is out "
        rf"with a chance of at most 5%; rows not made: {n_left} of 1200",
        race.sentence(n_left),
    )
    assert {row.seed for row in race.raced(race.rows)} == {0}


def test_the_order_of_rows_and_the_verdict_depend_on_no_order_of_results():
    rng, rows = np.random.default_rng(1), wanted()
    values = {row.key: rng.normal() + (row.label == "a") for row in rows}
    found = []
    for order in (rows, rows[::-1]):
        race = Race(order)
        for place in rng.permutation(len(race.rows)):
            row = race.rows[place]
            race.add({"key": row.key, "status": "ok", "auroc": values[row.key]})
        found.append((race.left, race.is_over))
    assert found[0] == found[1]
    first = [row.dataset for row in Race(rows).rows if row.label == "a"]
    assert first[:40] == first[40:80]
    assert first[:40] != sorted(first[:40])
    assert first == [row.dataset for row in Race(rows[::-1]).rows if row.label == "a"]


def test_a_failure_puts_a_detector_out():
    race = Race(wanted(labels=("a", "b")))
    row = next(row for row in race.rows if row.label == "a")
    race.add({"key": row.key, "status": "timeout"})
    assert (race.left, race.is_over) == (["b"], True)
    assert race.sentence(3).startswith("race: b is the best;")


def test_each_seed_of_a_race_is_a_job_of_its_own():
    rows = Race(wanted(labels=("pca", "knn"), n_families=3)).rows
    limits = Limits(1, 1)
    assert {len(job.wanted) for job in jobs(rows, None, limits, "run", by_seed=True)} == {1}


@pytest.mark.parametrize(("rows", "message"), [
    (wanted(labels=("a",)), "at least 2 detectors and 3 families of data sets; here are 1 and 20"),
    (wanted(2), "here are 6 and 2, so run all rows"),
    (wanted(3) + [replace(row, protocol="official") for row in wanted(3)], "one protocol for each"),
])  # fmt: skip
def test_a_race_that_could_say_nothing_is_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        Race(rows)
