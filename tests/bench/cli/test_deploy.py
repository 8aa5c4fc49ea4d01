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


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A model of a number and a text, and the table that it was fitted on."""
    folder = tmp_path_factory.mktemp("fitted")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"sum": rng.normal(size=120), "city": ["Rome", "Oslo"] * 60})
    frame.to_csv(folder / "old.csv", index=False)
    table = f"file:{folder}/old.csv?categorical=city&missing=keep"
    words = ["--scaler", "median+standard", "-o", str(folder / "m.fathom")]
    assert CliRunner().invoke(app, ["fit", "knn", table, *words]).exit_code == 0
    return folder / "m.fathom", frame


def test_what_was_done_about_cells_is_said_and_is_no_error(fitted, tmp_path):
    model, frame = fitted
    new = tmp_path / "new.csv"
    cells = {"sum": [None, *range(5)], "city": [None, None, "Bern", *["Rome"] * 3]}
    frame.head(6).assign(**cells).to_csv(new, index=False)
    scored = CliRunner().invoke(app, ["score", str(model), str(new), "-o", str(tmp_path / "s.csv")])
    explained = CliRunner().invoke(app, ["explain", str(model), str(new)])
    for ran in (scored, explained):
        assert (ran.exit_code, ran.stderr) == (0, "")
        for what in (
            "missing cells, filled with medians of the training samples: 1",
            "missing texts, taken as none of the known ones: 2",
            "texts that no training sample has, taken as none of the known ones: 1",
        ):
            assert what in " ".join(ran.stdout.split())


@pytest.mark.fault(
    area="data",
    kind="a table to score that cannot be scored",
    how="it is empty, has only the names of its columns, or --id names no column",
    promise="one sentence says what is wrong and what to do",
)
@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        ("", [], "{} is empty; replace it with the right one"),
        ("sum,city\n", [], "{} has no rows; give a line for each sample below the column names"),
        ("sum,city,Vorgang\n1,Rome,a\n", ["--id", "Vorgangs"],
         "--id names no column of {}: 'Vorgangs'; the nearest: Vorgang"),
    ],
    ids=["empty", "names alone", "id"],
)  # fmt: skip
@pytest.mark.parametrize("command", ["score", "explain"])
def test_a_table_that_cannot_be_scored_is_one_sentence(
    fitted, tmp_path, monkeypatch, command, text, more, reason
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text(text)
    ran = CliRunner().invoke(app, [command, str(fitted[0]), "new.csv", *more])
    assert isinstance(ran.exception, Usage)
    assert str(ran.exception) == reason.format("new.csv")


def test_settings_are_read_as_in_a_suite():
    given = ["epochs=5", "head.n_neighbors = 20", "loss=mse", "hidden=[8, 4]", "flip=true"]
    assert _settings(given) == {
        "epochs": 5, "head": {"n_neighbors": 20}, "loss": "mse", "hidden": [8, 4], "flip": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ([], "unknown detector 'kn'"),
        (["n_neighbors"], "give each setting once, such as --set n_neighbors=10"),
        (["n_neighbors=3", "n_neighbors=4"], "give each setting once"),
        (["n_neighbours=3"], "knn has no setting 'n_neighbours'; did you mean n_neighbors?"),
        (["n_neighbors=many"], "n_neighbors = 'many' is not accepted: an integer >= 1"),
        (["seed=3"], "seed is not a setting of the detector"),
    ],
)
def test_settings_that_are_not_accepted_are_refused_before_data_are_read(given, reason, tmp_path):
    words = [word for text in given for word in ("--set", text)]
    name = "knn" if given else "kn"
    ran = CliRunner().invoke(app, ["fit", name, "file:gone.csv", "-o", str(tmp_path / "m"), *words])
    assert isinstance(ran.exception, Usage)
    assert reason in str(ran.exception)
