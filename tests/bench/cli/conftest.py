"""A results folder that the tests of commands share."""

import pytest


@pytest.fixture(scope="session")
def results(bench, tmp_path_factory):
    """A results folder with all rows of a small suite but one detector's."""
    folder = tmp_path_factory.mktemp("results")
    suite = folder / "small.toml"
    suite.write_text(
        'title = "Small"\ndatasets = ["wine", "digits/3"]\nseeds = 2\n'
        'detectors = ["knn", "lof", "random", "mean-distance"]\n'
    )
    run = bench("run", suite, "--results", folder)
    assert run.wait() == 0, run.stderr
    assert "16 rows, 0 stored, 16 to run" in run.stdout
    return folder
