"""`bench import-scores`: a board shows the scores under a name that says what they are."""

import json
import shutil

from tests.helpers.files.scores_elsewhere import table


def test_a_board_shows_imported_scores_under_a_name_that_says_so(bench, results, tmp_path):
    folder = shutil.copytree(results, tmp_path / "results")
    for replaced in ("", ", 2 of them in place of earlier ones"):
        of = ("--name", "Closed", "--type", "deep", "--results", folder)
        run = bench("import-scores", table(tmp_path / "t.csv"), *of)
        assert run.wait() == 0, run.stderr
        assert f"2 rows of Closed (imported) stored{replaced}; boards" in run.stdout
    board = _board(bench, folder, "--datasets", "wine")
    lines = {line["label"]: line for line in board["detectors"]}
    assert lines["Closed (imported)"]["rank"] == 1
    assert any(note.startswith("Closed (imported): scores that were") for note in board["notes"])
    whole = {line["label"]: line for line in _board(bench, folder)["detectors"]}
    assert whole["Closed (imported)"]["rank"] is None, "it has no scores on digits/3"
    chosen = _board(bench, folder, "--detectors", "knn")
    assert [line["label"] for line in chosen["detectors"]] == ["knn"]


def _board(bench, folder, *options):
    run = bench("board", "--results", folder, "--format", "json", *options)
    assert run.wait() == 0, run.stderr
    return json.loads(run.stdout)
