"""MLflow's pages over tracked rows, as a browser shows them."""

import html
import re
from contextlib import closing
from functools import partial

import numpy as np
import pandas as pd
import pytest

from bench.boards import board
from bench.boards.columns import NUMBER_COLUMNS
from bench.store.store import Store
from bench.tracking.parent_run import of_board
from bench.tracking.stored import send_stored
from tests.helpers.browser import EXECUTABLE, Browser, browser
from tests.helpers.plain_shell import logged
from tests.helpers.rows_made_up import TRUTH, made_up, store_rows
from tests.helpers.tracked import Server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(EXECUTABLE is None, reason="no chromium here to open MLflow's pages in"),
]
RNG = np.random.default_rng(0)


def rows() -> list:
    """Return rows of a deep model, a shallow one and a baseline on two data sets."""
    made = []
    for label, family, shift in (("ae", "deep", 2.0), ("pca", "shallow", 1.0), ("z", "control", 0)):
        for name in ("wine", "glass"):
            for seed in range(2):
                made.append(
                    made_up(
                        0.5 + shift / 5 + seed / 100,
                        label=label,
                        spec=label,
                        family=family,
                        dataset=name,
                        dataset_family=name,
                        data_sha256=name.ljust(64),
                        seed=seed,
                        scores=RNG.normal(size=20) + shift * TRUTH,
                        diagnostics={"epochs": 9.0, "loss": [1 / i for i in range(1, 10)]},
                    )
                )
    return made


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A function from a page's address, after the `#`, to its text; and the ids of runs by name."""
    results = tmp_path_factory.mktemp("pages") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        made_rows = rows()
        wanted = [row.wanted for row in made_rows]
        stored = store_rows(results, *made_rows)
        frame = pd.DataFrame.from_records(stored)
        frame = frame.assign(dataset_kind="tabular", official_split=False)
        frame = frame.reindex(columns=[*frame, *set(NUMBER_COLUMNS) - set(frame)])
        made = board.build(frame, title="made up")
        with closing(Store(results)) as store:
            report = send_stored(store, "made up", stored, partial(of_board, made, wanted))
        assert report.problem is None, report.problem
        (parent,), children = logged(results, "made up")
        runs = {run.info.run_name: run.info.run_id for run in children} | {"": parent.info.run_id}
        experiment = parent.info.experiment_id
        server = Server(results)
    try:
        with browser(tmp_path_factory.mktemp("profile")) as window:
            yield partial(text_of, window, f"{server.address}/#/experiments/{experiment}"), runs
    finally:
        server.kill()


def text_of(window: Browser, address: str, page: str, width: int = 1400) -> str:
    """Return the text that a page shows once it is still."""
    window.show(width=width, height=1600)
    window.open("about:blank")  # what comes behind a # does not reload the page
    window.open(f"{address}{page}")
    window.settle(30)
    shown = window("document.documentElement.outerHTML")
    body = re.sub(r"<(script|style)\b.*?</\1>", "", shown, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)))


@pytest.mark.parametrize("width", [1400, 600])
def test_a_parent_run_shows_its_board(pages, width):
    text, runs = pages
    page = text(f"/runs/{runs['']}", width=width)
    assert "made up: auroc" in page
    for label, kind in (("ae", "deep"), ("pca", "shallow"), ("z", "baseline")):
        assert re.search(rf"\b{label}\b\W+{kind}\b", page)


def test_the_board_is_a_table_and_the_figures_are_pictures(pages):
    text, runs = pages
    table = text(f"/runs/{runs['']}/artifacts/leaderboard.json")
    assert "View as table" in table
    for words in ("mean rank", "detector", "ae", "deep", "pca", "shallow"):
        assert words in table
    assert "figures/ranks.svg" in text(f"/runs/{runs['']}/artifacts/figures/ranks.svg")


def test_a_row_shows_its_data_set_its_tags_and_its_metrics(pages):
    text, runs = pages
    page = text(f"/runs/{runs['ae · wine · seed 0']}")
    assert re.search(r"wine \( ?wine\s*\)", page)
    for words in ("type : deep", "status : ok", "protocol : one-class", "auroc", "fit/loss"):
        assert words in page, words
    assert "curves.svg" in text(f"/runs/{runs['ae · wine · seed 0']}/artifacts/curves.svg")


def test_losses_and_means_are_charted_without_being_asked_for(pages):
    text, runs = pages
    assert "fit (2)" in text(f"/runs/{runs['ae · wine · seed 0']}/model-metrics")
    assert "auroc (3)" in text("/runs?compareRunsMode=CHART")


def test_the_experiment_opens_on_its_runs_and_says_how_to_read_them(pages):
    text, _ = pages
    page = text("?workflowType=machine_learning")
    assert "Runs" in page
    assert "A run without a parent is one invocation of bench" in page.replace(
        " bench :", " bench:"
    )
