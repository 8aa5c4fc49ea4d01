"""A detector augmented as cards declare stands on a board beside the same one that is not."""

from tests.helpers.command import fresh


def test_both_are_on_the_board_also_where_a_card_declares_nothing(tmp_path):
    (tmp_path / "both.toml").write_text(
        """
datasets = ["wine", "textures/weave"]
protocol = "one-class"
seeds = 1
detectors = [
    { spec = "ae", settings = { epochs = 1 }, label = "plain" },
    { spec = "ae", settings = { epochs = 1, augment = "declared" }, label = "augmented" },
]
"""
    )
    ran = fresh("run", tmp_path / "both.toml", "--results", tmp_path / "results")
    assert ran.returncode == 0, ran.stderr
    board = fresh("board", tmp_path / "both.toml", "--results", tmp_path / "results")
    assert "2 detectors" in board.stdout
    assert "Incomplete" not in board.stdout
    page = fresh("report", tmp_path / "both.toml", "--results", tmp_path / "results")
    assert page.returncode == 0, page.stderr
    (written,) = (tmp_path / "results").rglob("*.html")
    assert "null or " in written.read_text(encoding="utf-8")
