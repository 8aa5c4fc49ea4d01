"""One statement, one computation: the numbers of a page, of a board in every format and of MLflow.

Every number comes from `bench.boards`, every interval from one of two functions, which are
`averages.interval` for means and differences and `cells.row_limits` for single test sets, and is
rounded in one way.
"""

import csv
import io
import json
import re

import numpy as np
import pytest

from bench.boards import cells, estimates
from bench.boards.against import against
from bench.boards.board import build
from bench.render.table import NONE
from bench.render.values import ends, fixed, share, signed
from bench.report.page import render
from bench.stats import averages
from bench.tracking.parent_run import of_board
from tests.helpers.boards_made_up import rows_of, written
from tests.helpers.rows_made_up import WANTED

DETECTORS = {
    "knn": "shallow", "pca": "shallow", "ae": "deep", "vae:elbo": "deep", "ae+lof": "hybrid",
    "random": "control", "mean-distance": "control",
}  # fmt: skip
SETS = {f"digits/{i}": "digits" for i in range(3)} | {
    "wine": "wine", "breast-cancer": "breast-cancer", "synthetic/annulus": "synthetic",
}  # fmt: skip
NUMBER = "[\N{MINUS SIGN}+-]?[01]?\\.\\d{2,3}"
JOINT = f", | to |{NONE}"


def documents():
    """The board, its comparison, and the texts of a page and of the board in every format."""
    rows = rows_of(DETECTORS, SETS)
    rows["auroc"] = np.random.default_rng(0).uniform(0.6, 0.95, len(rows))  # ranks that disagree
    rows = rows.assign(
        key=[f"k{i}" for i in range(len(rows))], model=rows["label"], data_sha256="0",
        settings=[{}] * len(rows), effective_settings=None, provenance=None, date=None,
    )  # fmt: skip
    made = build(rows, title="t")
    compared = against(made, "knn")
    texts = {name: written(name, made, compared) for name in ("table", "md", "tex", "html")}
    page = render(made, rows, lambda key: None, lambda key: {})
    texts["page"] = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("<script")[0]))
    texts["tex"] = texts["tex"].replace("--", NONE)
    texts["html"] = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", texts["html"]))
    return made, compared, texts


def test_means_ranks_and_differences_read_the_same_everywhere():
    made, compared, texts = documents()
    of_csv = {line["label"]: line for line in csv.DictReader(io.StringIO(written("csv", made)))}
    of_json = {d["label"]: d for d in json.loads(written("json", made))["detectors"]}
    of_mlflow = of_board(made, [WANTED]).metrics
    ranks = dict(zip(compared.blocks.detectors, compared.mean_ranks, strict=True))
    for _, d in made.detectors.iterrows():
        label, mean = d["label"], d["auroc"]
        limits = ends(share, d["auroc_low"], d["auroc_high"])
        for name, text in texts.items():
            joint = NONE if name in ("table", "page") else ", "
            assert re.search(rf"{re.escape(share(mean))}\W+{joint.join(limits)}", text), name
            assert fixed(d["mean_rank"], 1) in text, name
        assert ranks[label] == pytest.approx(d["mean_rank"])
        assert of_json[label]["auroc_low"] == d["auroc_low"]
        assert float(of_csv[label]["auroc_high"]) == pytest.approx(d["auroc_high"], rel=1e-5)
        assert of_mlflow[f"auroc/{label}"] == mean
    lines = compared.lines.set_index("label")
    types = made.types.set_index("type")
    best = types.loc["shallow", "best"]
    of_best = against(made, best).lines.set_index("label")
    for _, one in types.drop(index="shallow").iterrows():
        line = of_best.loc[one["best"]]
        gain = [one["gain"], one["gain_low"], one["gain_high"]]
        assert gain == pytest.approx(list(line[["difference", "low", "high"]]))
        assert " to ".join(ends(signed, *gain[1:])) in texts["page"]
        assert share(one["typical"]) in texts["page"]
        assert share(one["typical"]) in texts["table"]
    for _, line in lines.iterrows():
        text = ", ".join(ends(share, line["low"], line["high"]))
        assert f"{share(line['difference'])} [{text}]" in texts["md"]


def test_every_interval_comes_from_one_of_two_functions(monkeypatch):
    """With the two replaced by constants, no document shows another interval."""

    def constant(low, high):
        return lambda lines, *_: (np.full(len(lines), low), np.full(len(lines), high))

    monkeypatch.setattr(averages, "interval", constant(0.1112, 0.9991))
    for module in (cells, estimates):
        monkeypatch.setattr(module, "row_limits", constant(0.2223, 0.8881))
    _, _, texts = documents()
    shown = {(".111", "1.000"), ("+.111", "+1.000"), (".222", ".889")}
    for name, text in texts.items():
        found = set(re.findall(f"({NUMBER})(?:{JOINT})({NUMBER})", text))
        assert found
        assert found <= shown, name


def test_limits_are_rounded_outward_and_hold_what_they_held():
    rng = np.random.default_rng(0)
    for _ in range(1000):
        low, high = np.sort(rng.uniform(-1, 1, 2))
        texts = ends(share, low, high)
        assert float(texts[0]) <= low
        assert high <= float(texts[1])
        assert float(texts[1]) - float(texts[0]) <= high - low + 0.0021
