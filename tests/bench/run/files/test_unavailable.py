"""What a detector needs and does not find costs no row: it is reported, and runs next time."""

import pytest

import bench as harness


@pytest.mark.slow
@pytest.mark.fault(
    area="detectors and their processes",
    kind="a file of weights that is missing",
    how="a suite names a file of weights that does not exist",
    promise="the run says so in one sentence, stores no row of it, and makes all other rows",
)
def test_missing_weights_are_reported_and_not_stored(bench, tmp_path):
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'title = "t"\ndatasets = ["textures/stripes"]\nscaler = "none"\nseeds = 1\n'
        'detectors = ["mean-distance", {spec = "padim", settings = {weights = "nowhere.pth"}}]\n'
    )
    run = bench("run", suite, "--results", tmp_path / "results")
    assert run.wait() == 0, run.stderr
    said = run.stdout + run.stderr
    assert "not run: padim: there is no file of weights nowhere.pth" in said
    assert "Traceback" not in said
    assert harness.rows(tmp_path / "results")["spec"].tolist() == ["mean-distance"]
