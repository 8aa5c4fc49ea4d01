"""The commands `bench fit`, `score` and `explain`, and that they overwrite nothing of others."""

import io

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.cli.common.errors import Usage
from bench.cli.deploy import _settings


def test_a_model_is_fitted_scores_and_explains(bench, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=120), "b": rng.normal(size=120)})
    frame.to_csv(tmp_path / "old.csv", index=False)
    frame.head(5).assign(b=[0, 0, 9, 0, 0], id=list("vwxyz")).to_csv(tmp_path / "new.csv")
    model, scores = tmp_path / "m.fathom", tmp_path / "s.csv"
    fitted = bench("fit", "knn", f"file:{tmp_path}/old.csv", "-o", model, "--set", "n_neighbors=3")
    assert fitted.wait() == 0, fitted.stderr
    assert "no labels, so all 120 samples count as normal" in fitted.stdout
    assert f"{model}: knn[n_neighbors=3], fitted on 96 samples" in fitted.stdout
    scored = bench("score", model, tmp_path / "new.csv", "-o", scores, "--id", "id")
    explained = bench("explain", model, tmp_path / "new.csv", "--top", 1, "--format", "csv")
    titled = bench("explain", model, tmp_path / "new.csv", "--top", 1)
    assert scored.wait() == 0, scored.stderr
    assert pd.read_csv(scores).query("alarm == 1")["id"].tolist() == ["x"]
    assert explained.wait() == 0, explained.stderr
    line = pd.read_csv(io.StringIO(explained.stdout)).iloc[0]
    assert line["row"] == 2  # counted from 0, as in exported scores
    assert line["shares of the score"].startswith("b ")
    assert titled.wait() == 0, titled.stderr
    assert titled.stdout.startswith("knn[n_neighbors=3]")
    other = bench("score", model, tmp_path / "new.csv", "-o", tmp_path / "old.csv")
    assert other.wait() == 2
    assert "old.csv was not written by this program" in other.stderr
    assert "Traceback" not in other.stderr


def test_settings_are_read_as_in_a_suite():
    given = ["epochs=5", "head.n_neighbors = 20", "loss=mse", "hidden=[8, 4]", "flip=true"]
    assert _settings(given) == {
        "epochs": 5, "head": {"n_neighbors": 20}, "loss": "mse", "hidden": [8, 4], "flip": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["n_neighbors"], "give each setting once, such as --set n_neighbors=10"),
        (["n_neighbors=3", "n_neighbors=4"], "give each setting once"),
        (["n_neighbours=3"], "knn has no setting 'n_neighbours'; did you mean n_neighbors?"),
        (["n_neighbors=many"], "n_neighbors = 'many' is not accepted: an integer >= 1"),
        (["seed=3"], "seed is not a setting of the detector"),
    ],
)
def test_settings_that_are_not_accepted_are_refused_in_one_sentence(given, reason, tmp_path):
    words = [word for text in given for word in ("--set", text)]
    ran = CliRunner().invoke(app, ["fit", "knn", "wine", "-o", str(tmp_path / "m"), *words])
    assert isinstance(ran.exception, Usage)
    assert reason in str(ran.exception)
