"""The run over time: a line for each detector, a step for each comparable invocation."""

from contextlib import closing
from functools import partial

from bench.store.store import Store
from bench.tracking.experiment import SELECTION, STEP
from bench.tracking.parent_run import Selection, Summary
from bench.tracking.stored import send_stored
from tests.helpers.plain_shell import logged, mlflow_client
from tests.helpers.tracked import made

AUROC = "auroc/ae"


def invoke(results, seed, auroc, selection="a"):
    """Track a new row, with a board on which a detector has an AUROC."""
    means = {} if auroc is None else {AUROC: auroc}
    chosen = Selection(selection, selection)
    summary = partial(Summary, metrics=means, selection=chosen, complete=means)
    with closing(Store(results)) as store:
        report = send_stored(store, "default", [made(seed).record()], summary)
    assert report.problem is None


def lines(results):
    """Return the steps and values of the runs over time of a folder, by their selection."""
    client = mlflow_client(results)
    found = client.get_experiment_by_name("default")
    runs = client.search_runs([found.experiment_id])
    lasting = [r for r in runs if not {"fathom.invocation", "fathom.key"} & r.data.tags.keys()]
    assert {run.info.status for run in lasting} == {"FINISHED"}
    return {
        (run.data.tags["fathom.results"].rpartition("/")[2], run.data.tags[SELECTION]): [
            (metric.step, metric.value)
            for metric in client.get_metric_history(run.info.run_id, AUROC)
        ]
        for run in lasting
    }


def test_comparable_invocations_are_the_steps_of_one_run(results):
    invoke(results, 0, 0.8)
    invoke(results, 1, 0.9)
    invoke(results, 2, 0.5, selection="b")
    invoke(results, 3, None)
    invoke(results, 4, 0.7)
    assert lines(results) == {
        ("results", "a"): [(1, 0.8), (2, 0.9), (3, 0.7)],
        ("results", "b"): [(1, 0.5)],
    }
    parents = logged(results)[0][::-1]
    assert [run.data.tags.get(STEP) for run in parents] == ["1", "2", "1", None, "3"]
    client = mlflow_client(results)
    points = [client.get_metric_history(run.info.run_id, AUROC) for run in parents]
    assert [[m.step for m in of] for of in points] == [[1], [2], [1], [], [3]]  # on the lines


def test_an_invocation_without_a_new_row_is_no_step(results):
    for _ in range(2):
        invoke(results, 0, 0.8)
    assert lines(results) == {("results", "a"): [(1, 0.8)]}


def test_folders_on_one_server_have_lines_of_their_own(tmp_path, server):
    for seed in range(2):
        for name in ("one", "two"):
            invoke(tmp_path / name, seed, seed)
    found = {k: v for k, v in lines(tmp_path / "one").items() if k[0] in ("one", "two")}
    assert found == {(name, "a"): [(1, 0.0), (2, 1.0)] for name in ("one", "two")}
