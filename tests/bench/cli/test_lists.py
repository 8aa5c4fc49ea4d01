"""`bench list`."""


def test_what_is_listed_is_plain_and_fits_the_terminal(bench):
    for what in ("detectors", "datasets", "suites", "metrics", "protocols", "scalers"):
        run = bench("list", what)
        assert run.wait() == 0, run.stderr
        assert "\x1b" not in run.stdout
        assert max(map(len, run.stdout.splitlines())) <= 100
    run = bench("list")
    assert run.wait() == 0
    assert "mean-distance" in run.stdout
