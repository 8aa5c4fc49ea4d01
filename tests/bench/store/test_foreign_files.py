"""Nothing is removed or overwritten that a results folder did not make, be it the user's home."""

from __future__ import annotations

import pytest

from tests.helpers.command import contents
from tests.helpers.rows_made_up import made_up, store_rows

SUITE = 'detectors = ["random", "mean-distance"]\ndatasets = ["synthetic/annulus"]\nseeds = 2\n'
# What a user may have in a folder, under names near to those that commands write.
FOREIGN = (
    "tmp/thesis.tex",
    "tmp/trial",
    "leaderboard.tmp",
    "leaderboard-small.md.tmp",
    "lock",
    "report.html.draft",
    "rows.csv.tmp",
    "mlflow.db.new",
    "mlflow.db.news.txt",
    "work/notes.txt",
)


@pytest.mark.fault(
    area="results and loss",
    kind="the results folder is a folder in use, such as the user's home",
    how="files and folders of similar names lie there; run, report, board and export with "
    "`--results .`",
    promise="every file that was there stays as it was",
)
def test_no_command_removes_or_overwrites_files_of_others(bench, tmp_path):
    for name in FOREIGN:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"mine: {name}")
    (tmp_path / "small.toml").write_text(SUITE)
    before = contents(tmp_path)
    small = (tmp_path / "small.toml", "--results", tmp_path)
    for command in (
        ("run", *small),
        ("report", *small),
        ("board", *small, "--to", tmp_path),
        ("export", tmp_path / "rows.csv", "--results", tmp_path),
    ):
        run = bench(*command, MLFLOW_TRACKING_URI="")
        assert run.wait() == 0, run.stderr
    assert contents(tmp_path).items() >= before.items()


@pytest.mark.fault(
    area="results and loss",
    kind="a folder of the user's has the name of the work folder",
    how="`fathom.work` in the results folder holds a file and no mark of ours",
    promise="the run ends in one sentence and leaves it alone",
)
def test_a_work_folder_that_is_not_ours_is_refused_and_stays(bench, tmp_path):
    (tmp_path / "small.toml").write_text(SUITE)
    (tmp_path / "fathom.work" / "tmp").mkdir(parents=True)
    (tmp_path / "fathom.work" / "tmp" / "thesis.tex").write_text("mine")
    run = bench("run", tmp_path / "small.toml", "--results", tmp_path)
    assert run.wait() == 2
    assert run.stderr == (
        f"bench: {tmp_path / 'fathom.work'} is not of this program, for it has no file "
        "made-by-fathom; move it away\n"
    )
    assert (tmp_path / "fathom.work" / "tmp" / "thesis.tex").read_text() == "mine"


@pytest.mark.fault(
    area="results and loss",
    kind="a folder of the user's has the name of that for boards",
    how="`boards` in the results folder holds a file of the name of a board, and no mark of ours",
    promise="the rows are stored, the board is printed, one sentence says that it is not kept; "
    "nothing there is written",
)
def test_a_folder_for_boards_that_is_not_ours_stays_and_the_board_is_printed(bench, tmp_path):
    (tmp_path / "small.toml").write_text(SUITE)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "leaderboard-small.md").write_text("mine")
    run = bench("run", tmp_path / "small.toml", "--results", tmp_path)
    assert run.wait() == 0, run.stderr
    assert run.stderr == ""
    assert (
        f"the board is printed, not kept: {tmp_path / 'boards'} is not of this program, for it has "
        "no file made-by-fathom; move it away\n"
    ) in run.stdout
    kept = contents(tmp_path / "boards")
    assert kept == {str(tmp_path / "boards" / "leaderboard-small.md"): b"mine"}
    (tmp_path / "boards").rename(tmp_path / "mine")
    for _ in range(2):
        assert bench("run", tmp_path / "small.toml", "--results", tmp_path).wait() == 0
    names = {path.name for path in (tmp_path / "boards").iterdir()}
    assert names == {"leaderboard-small.md", "leaderboard-small.csv", "made-by-fathom"}


def test_what_a_killed_run_left_is_swept(bench, tmp_path):
    (tmp_path / "small.toml").write_text(SUITE)
    work = tmp_path / "fathom.work"
    (work / "tmp").mkdir(parents=True)
    (work / "tmp" / "train-0.npy").write_text("left")
    (work / "made-by-fathom").write_text("")
    assert bench("run", tmp_path / "small.toml", "--results", tmp_path).wait() == 0
    assert not work.exists()


@pytest.mark.fault(
    area="results and loss",
    kind="a page of the user's has the name of the report",
    how="`report.html` in the results folder, or the file of `--output`, is not of `bench report`",
    promise="the command ends in one sentence and leaves it alone; its own page is overwritten",
)
def test_a_page_of_the_users_is_refused_and_stays_and_one_of_ours_is_overwritten(bench, tmp_path):
    store_rows(tmp_path, made_up(provenance={"suite": "x"}))
    page = tmp_path / "report.html"
    (tmp_path / "x.toml").write_text('detectors = ["pca"]\ndatasets = ["wine"]\n')
    report = ("report", tmp_path / "x.toml", "--results", tmp_path)
    page.write_text("<html>mine</html>")
    for more in ((), ("--output", page)):
        run = bench(*report, *more)
        assert run.wait() == 2
        assert run.stderr == (
            f"bench: {page} was not written by this program; move it away, or give --output "
            "another\n"
        )
        assert page.read_text() == "<html>mine</html>"
    page.write_text("")
    for _ in range(2):
        run = bench(*report)
        assert run.wait() == 0, run.stderr
    assert "<title>x</title>" in page.read_text()


@pytest.mark.fault(
    area="results and loss",
    kind="an export has no lines",
    how="a store without rows, or whose rows have no scores or diagnostics; FILE is there",
    promise="the command ends in one sentence and leaves the file as it is",
)
@pytest.mark.parametrize("table", ["rows.csv", "scores.csv", "diagnostics.parquet"])
def test_an_export_of_nothing_leaves_the_file_that_is_there(bench, tmp_path, table):
    store_rows(tmp_path, *([] if table == "rows.csv" else [made_up(status="timeout")]))
    file, name = tmp_path / table, table.partition(".")[0]
    file.write_text("mine")
    run = bench("export", file, "--table", name, "--results", tmp_path)
    assert run.wait() == 2
    assert run.stderr == (
        f"bench: no {name} are stored for the rows asked for, so {file} is not written\n"
    )
    assert {path.name for path in tmp_path.iterdir()} <= {"store.db", table}
    assert file.read_text() == "mine"
