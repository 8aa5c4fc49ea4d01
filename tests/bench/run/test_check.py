"""`bench check`: which checks a detector passes, and why it fails others."""

from bench.run.check import check_contract

FILE = "tests/helpers/counting.py"


class Lines(list):
    """A console that keeps its lines."""

    def print(self, text, **_):
        self.append(text)


def test_a_detector_that_keeps_the_contract_passes_every_check():
    console = Lines()
    assert check_contract("random", console) == [
        "random: far_samples_score_higher"  # it looks at nothing
    ]
    assert console[0] == "random:"
    assert "  passed          refit_forgets_the_first_fit" in console
    for name in ("codes_are_consistent", "errors_by_feature_are_consistent"):
        assert f"  not applicable  {name}" in console


def test_every_read_out_is_checked_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FATHOM_TEST_COUNT", str(tmp_path / "count"))
    told = []
    for spec in (f"{FILE}:Counting", f"{FILE}:Counting:largest", f"{FILE}:Counting+lof"):
        console = Lines()
        assert check_contract(spec, console) == []
        told.append([line for line in console if line.endswith(":")])
    model = f"{FILE}:Counting"
    assert told == [
        [f"{model}:sum:", f"{model}:largest:"],
        [f"{model}:largest:"],
        [f"{model}+lof:"],
    ]


def test_failed_checks_say_why_and_exit_with_status_1(bench):
    run = bench("check", f"{FILE}:Backwards")
    assert run.wait() == 1
    assert "failed          far_samples_score_higher: far samples score -" in run.stdout
    assert "is the sign right?" in run.stdout
    assert "passed          fit_returns_self" in run.stdout
    run = bench("check", f"{FILE}:Relative")
    assert run.wait() == 1
    assert "failed          errors_by_feature_are_consistent: errors of single" in run.stdout
    run = bench("check", f"{FILE}:Raising")
    assert run.wait() == 1
    assert "ValueError: no score for 24 samples (counting.py, line " in run.stdout
    assert bench("check", "mean-distance").wait() == 0


def test_what_cannot_be_checked_is_one_sentence(bench, tmp_path):
    (tmp_path / "broken.py").write_text("class Mine(: pass")
    (tmp_path / "other.py").write_text("class Mine: pass")
    for spec, message in (
        (f"{FILE}:Countin", "no class 'Countin' there; did you mean Counting?"),
        (f"{tmp_path}/absent.py:Mine", "absent.py does not exist; give a detector's file as"),
        (f"{tmp_path}/other.py:Mine", "is not a Detector; write `class Mine(Detector)`"),
        (f"{tmp_path}/broken.py:Mine", "broken.py"),
    ):
        run = bench("check", spec)
        assert run.wait() == 2, run.stderr
        assert message in run.stderr
        assert "Traceback" not in run.stderr
