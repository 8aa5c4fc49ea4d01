"""A result that could not be written is refused before the work that makes it."""

import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.cli.common.errors import Usage

WORDS = {  # none of the models, suites and folders that they name is there
    "fit": "fit knn wine -o {}/m.fathom",
    "score": "score m.fathom new.csv -o {}/s.csv",
    "explain": "explain m.fathom new.csv --maps {}",
    "show": "show wine knn --output {}",
    "latent": "latent wine vae --output {}",
    "sheet in MLflow": "show wine knn --results {}",
    "board": "board --results gone --to {}",
    "report": "report --results gone --output {}/r.html",
    "export": "export {}/rows.csv --results gone",
    "capsule": "capsule -o {}/c.zip --results gone",
    "figure": "claims gone.toml --figure {}/f.png",
    "claims": "crossover vae knn --claims {}/c.toml",
    "reproduce": "reproduce --write {}/page.md",
}


@pytest.mark.fault(
    area="commands and output",
    kind="a file or folder of a result that cannot be written",
    how="every command that writes one is given a place below a file",
    promise="the command says so before its work, with the path that was given",
)
@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_a_result_that_cannot_be_written_is_refused_before_the_work(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    ran = CliRunner().invoke(app, words.format("file/here").split())
    assert isinstance(ran.exception, Usage), ran.output
    assert str(ran.exception).startswith("cannot write file/here")
    assert str(ran.exception).endswith(": Not a directory; name another")
    assert not ran.output


@pytest.mark.parametrize("name", [".", "/dev/null"])
def test_what_is_no_file_is_not_replaced_by_one(name):
    ran = CliRunner().invoke(app, ["fit", "knn", "wine", "-o", name])
    assert str(ran.exception) == f"cannot write {name}: it is no file; name another"


def test_a_figure_of_another_format_is_refused_before_the_work():
    ran = CliRunner().invoke(app, ["claims", "gone.toml", "--figure", "f.jpg"])
    assert "ends in '.jpg'; accepted are" in str(ran.exception)
