"""`bench check`: which checks a detector passes, and why it fails others."""

import time
from pathlib import Path

import pytest

from bench.plan.job import Limits
from bench.run import check
from bench.run.check import check_contract

FILE = "tests/helpers/counting.py"
ENDING = "tests/helpers/ending.py"
LIMITS = Limits(60, 2048)


class Lines(list):
    """A console that keeps its lines."""

    def print(self, text, **_):
        self.append(text)


def test_a_detector_that_keeps_the_contract_passes_every_check():
    console = Lines()
    assert check_contract("random", console, LIMITS) == [
        "random: far_samples_score_higher"  # it looks at nothing
    ]
    assert console[0] == "random:"
    assert "  passed          refit_forgets_the_first_fit" in console
    for name in ("codes_are_consistent", "maps_are_consistent"):
        assert f"  not applicable  {name}" in console


def test_every_read_out_is_checked_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FATHOM_TEST_COUNT", str(tmp_path / "count"))
    monkeypatch.setattr(check, "NAMES", ("fit_returns_self", "codes_are_consistent"))
    model = f"{FILE}:Counting"
    lines = Lines()
    assert check_contract(model, lines, LIMITS) == []
    passed, codes = "  passed          fit_returns_self", "codes_are_consistent"
    assert lines == [
        f"{model}:sum:",
        passed,
        f"  passed          {codes}",
        f"{model}:largest:",
        passed,
        f"  not applicable  {codes}",
    ]
    for spec in (f"{model}:largest", f"{model}+lof"):
        lines = Lines()
        assert check_contract(spec, lines, LIMITS) == []
        assert lines == [f"{spec}:", passed, f"  not applicable  {codes}"]


def test_failed_checks_say_why_and_exit_with_status_1(bench):
    run = bench("check", f"{FILE}:Backwards")
    assert run.wait() == 1
    assert "failed          far_samples_score_higher: far samples score -" in run.stdout
    assert "is the sign right?" in run.stdout
    assert "passed          fit_returns_self" in run.stdout
    assert bench("check", "mean-distance").wait() == 0


@pytest.mark.parametrize(
    ("name", "failing", "reason"),
    [
        ("Relative", "maps_are_consistent", "maps of single samples differ by"),
        ("Unordered", "maps_are_consistent", "the mean of a map does not order samples as"),
        ("Raising", "pickles", "ValueError: no score for 24 samples (counting.py, line "),
    ],
)
def test_a_failed_check_gives_the_reason_and_the_line(name, failing, reason, monkeypatch):
    monkeypatch.setattr(check, "NAMES", (failing,))
    lines = Lines()
    spec = f"{FILE}:{name}"
    assert check_contract(spec, lines, LIMITS) == [f"{spec}: {failing}"]
    assert lines[1].startswith(f"  failed          {failing}: {reason}")


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


@pytest.mark.fault(
    area="detectors and their processes",
    kind="a detector that ends, hangs or fills its process while it is checked",
    how="os._exit(0), a segmentation fault, a sleep and an array without end in `fit`, each for "
    "other samples",
    promise="the check fails with the reason and the line of the detector's file, and all others "
    "are made",
)
def test_a_detector_that_ends_its_process_fails_the_check_and_the_others_are_made(bench):
    limits = ("--time-limit", "1.5", "--memory-limit", "0.25")
    run = bench("check", f"{ENDING}:Ending", *limits)
    assert run.wait() == 1, run.stderr
    failed = [line.split(maxsplit=1)[1] for line in run.stdout.splitlines() if "  failed " in line]
    lines = Path(ENDING).read_text().splitlines()

    def at(code):
        (number,) = (i for i, line in enumerate(lines, 1) if line.strip() == code)
        return f"(ending.py, line {number})"

    memory = "used more than 256 MiB; raise --memory-limit to allow more"
    late = "not finished after 1.5 s; raise --time-limit to allow more"
    assert failed == [
        f"layout_and_dtype_do_not_matter: {memory}",
        "one_feature_works_or_is_unsupported: the process exited with status 0 before it was done",
        "constant_column_works_or_is_unsupported: killed by SIGSEGV " + at("ctypes.string_at(0)"),
        f"few_rows_work_or_are_unsupported: {late} " + at("time.sleep(1800)"),
    ]
    assert run.stdout.count("  passed ") == 12


@pytest.mark.parametrize(
    ("name", "failing", "reason", "method", "n_passed"),
    [
        ("Hanging", "fit_returns_self", "not finished after 1.5 s;", "fit", 0),
        ("Crashing", "scores_are_finite_numbers", "killed by SIGSEGV (", "score", 1),
    ],
)
@pytest.mark.fault(
    area="detectors and their processes",
    kind="a detector whose `fit` hangs, or whose `score` segfaults, in every check",
    how="a sleep in `fit`, a segmentation fault in `score`",
    promise="the time limit is waited for once; one line says that the checks which need the "
    "method are not made",
)
def test_checks_that_need_a_method_that_never_ends_are_not_made(
    name, failing, reason, method, n_passed
):
    lines, spec = Lines(), f"{ENDING}:{name}"
    start = time.monotonic()
    assert check_contract(spec, lines, Limits(1.5, 2048)) == [f"{spec}: {failing}"]
    assert time.monotonic() - start < 20
    assert [line for line in lines if "  passed " in line] == [
        "  passed          fit_returns_self"
    ] * n_passed
    failed, not_made = lines[1 + n_passed : 3 + n_passed]
    assert failed.startswith(f"  failed          {failing}: {reason}")
    assert not_made == f"  not made        all other checks that call `{method}`"


@pytest.mark.fault(
    area="detectors and their processes",
    kind="a detector that calls sys.exit(0) while it is checked",
    how="sys.exit(0) in `fit`",
    promise="every check fails, the reason is given once, and the exit status is 1",
)
def test_equal_reasons_are_given_once(bench):
    run = bench("check", f"{ENDING}:Leaving")
    assert run.wait() == 1, run.stderr
    reason = "fit_returns_self: the detector called exit(0) (ending.py, line "
    assert run.stdout.count("the detector called exit(0)") == 1
    assert f"failed          {reason}" in run.stdout
    assert run.stdout.count(": as fit_returns_self\n") == 15
    assert "passed" not in run.stdout


@pytest.mark.parametrize(
    "text", ["raise SystemExit(0)", "import os; os._exit(0)", "import ctypes; ctypes.string_at(0)"]
)
@pytest.mark.fault(
    area="detectors and their processes",
    kind="a file of a detector that ends its process when it is imported",
    how="sys.exit(0), os._exit(0) and a segmentation fault in the file",
    promise="`bench check` ends with status 2 and one sentence",
)
def test_a_file_that_ends_the_process_cannot_be_checked(text, tmp_path):
    file = tmp_path / "mine.py"
    source = "from detectors.contract import Detector\nclass Mine(Detector): pass\n"
    file.write_text(source + text)
    with pytest.raises(ValueError, match=f"^cannot create {file}:Mine: "):
        check_contract(f"{file}:Mine", Lines(), LIMITS)
