"""Names, texts and numbers that MLflow does not take as they are: no row costs another its run."""

import math

import pytest

from bench.tracking.row_run import LONGEST_NAME, LONGEST_TEXT, NOT_FINITE, accepted
from tests.helpers.plain_shell import logged
from tests.helpers.rows_made_up import store_rows
from tests.helpers.tracked import made, records, replay, track

PROMISE = {"area": "tracking", "promise": "every row has its run, and what is left out is named"}
NAMES = [
    "train//loss", "", "..", "../x", "/a", "a/", ".", "\N{GREEK SMALL LETTER ALPHA}", "💩", "a\nb",
    "x" * 300, "loss?", "loss!", "loss_", " ", "a\x00b",
]  # fmt: skip


@pytest.fixture(params=["local", "server"])
def experiment(request):
    """An experiment of its own in the local database or on a server."""
    if request.param == "server":
        request.getfixturevalue("server")
    return f"odd-{request.node.originalname}"[:60]


@pytest.mark.fault(
    kind="names of diagnostics that MLflow refuses",
    how="rows with empty, very long and odd names of diagnostics are tracked",
    **PROMISE,
)
def test_every_name_of_diagnostics_reaches_mlflow(fresh, experiment):
    details = [{"diagnostics": {name: [1.0, 4.25], "fine": 3.0}} for name in NAMES]
    details.append({"diagnostics": {name: [1.0, 4.25] for name in NAMES}})
    rows = store_rows(fresh, *(made(i, details=each) for i, each in enumerate(details)))
    report = replay(fresh, experiment, rows)
    assert (report.logged, report.problem, report.refused) == (len(rows), None, None)
    curves = {
        run.data.params["seed"]: [n for n in run.data.metrics if run.data.metrics[n] == 4.25]
        for run in logged(fresh, experiment)[1]
    }
    assert len(curves.pop(str(len(NAMES)))) == len(NAMES)
    assert list(map(len, curves.values())) == [1] * len(NAMES)


def test_names_that_are_accepted_stay_and_others_make_way():
    assert accepted({"loss?": 1, "loss!": 2, "loss_": 3}) == {
        "loss__2": 1,
        "loss__3": 2,
        "loss_": 3,
    }
    assert accepted({"recall@fpr=0.05": 1}) == {"recall_at_fpr_0.05": 1}
    long = accepted({"x" * 300: 1, "x" * 301: 2})
    assert len(long) == 2
    assert {len(name) for name in long} == {LONGEST_NAME, LONGEST_NAME - 2}


@pytest.mark.fault(
    kind="texts longer than MLflow accepts",
    how="a row with a label, a setting, a reason and a data set of up to 100,000 characters",
    **PROMISE,
)
def test_long_texts_are_cut_and_say_so(fresh, experiment):
    (row,) = store_rows(fresh, made(0, "error", "r" * 100_000))
    long = row | {
        "label": "l" * 20_000,
        "settings": {"s" * 300: "v" * 20_000},
        "dataset": "d" * 100_000,
        "protocol": "p" * 9_000,
    }
    report = replay(fresh, experiment, [long])
    assert (report.logged, report.problem, report.refused) == (1, None, None)
    (run,) = logged(fresh, experiment)[1]
    assert len(run.info.run_name) == LONGEST_NAME
    assert run.data.tags["reason"] == "r" * (LONGEST_TEXT - 3) + "..."
    assert run.data.params["label"] == "l" * (LONGEST_TEXT - 3) + "..."


@pytest.mark.fault(
    kind="numbers that MLflow cannot hold",
    how="a row with NaN, infinities and integers larger than a float",
    **PROMISE,
)
def test_numbers_that_are_not_finite_are_left_out_and_named(fresh, experiment):
    curve = {"loss": [3.0, math.nan, 1.0], "gap": -math.inf, "steps": 10**400}
    first, second = store_rows(fresh, made(0, details={"diagnostics": curve}), made(1))
    odd = {"prevalence": 0.5, "parameters": 10**400, "auroc": math.inf}
    report = track(fresh, [first | odd, second | {"prevalence": 0.5}], experiment)
    assert (report.logged, report.problem, report.refused) == (2, None, None)
    assert report.left_out == (
        "mlflow takes no number that is infinite or undefined, such as auroc here: left out of "
        f"1 runs, whose tag `{NOT_FINITE}` names them; the store has them"
    )
    runs = {run.data.params["seed"]: run.data for run in logged(fresh, experiment)[1]}
    assert runs["0"].tags[NOT_FINITE] == "auroc, parameters, fit/gap, fit/loss, fit/steps"
    assert NOT_FINITE not in runs["1"].tags
    assert runs["0"].metrics["fit/loss"] == 1
    assert all(map(math.isfinite, runs["0"].metrics.values()))


@pytest.mark.fault(
    kind="a row that MLflow refuses",
    how="a row made in 1960, as the clock of its machine said",
    area="tracking",
    promise="all other rows are logged, and a sentence names the row and the reason",
)
def test_a_refused_row_costs_no_other_and_is_named(fresh, experiment):
    rows = records(4)
    rows[1]["provenance"]["date"] = "1960-01-01T00:00:00+00:00"
    for _ in range(2):
        report = replay(fresh, experiment, rows)
        assert report.problem is None
        assert report.refused.startswith(
            "rows that mlflow refuses, which stay stored: 1; the first is vae+lof[n_neighbors=20] "
            f"· digits/3 · seed 1 (row {rows[1]['key'][:8]}): Invalid value "
        )
    assert (report.logged, report.already) == (0, 3)
    seeds = sorted(run.data.params["seed"] for run in logged(fresh, experiment)[1])
    assert seeds == ["0", "2", "3"]
