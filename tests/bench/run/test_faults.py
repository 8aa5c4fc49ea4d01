"""A detector that misbehaves costs its own rows, and these say how it ended."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.helpers.fault_matrix import DETECTORS, fault, faults

FAULTY = "tests/helpers/faulty.py:Faulty"
MODEL = "tests/helpers/faulty.py:Model"
OTHERS = "the rows of others are as without it, and no process is left"
LIMIT = 2.5  # seconds; a fit that does nothing must not pass it on a busy machine

# what a detector does in fit -> status and reason
ENDS = {
    "raise": ("error", "ValueError: no such luck"),
    "raise SystemExit": ("error", "the detector called exit(0)"),
    "raise KeyboardInterrupt": ("error", "KeyboardInterrupt: "),
    "raise outside Exception": ("error", "Outside: out of reach"),
    "raise the unprintable": ("error", "Unprintable: <exception str() failed>"),
    "raise with odd characters": ("error", "ValueError: red  [31m    long long"),
    "sys.exit": ("error", "the detector called exit(3)"),
    "os._exit(0)": ("crashed", "the process exited with status 0 before it was done"),
    "os._exit(3)": ("crashed", "the process exited with status 3 before it was done"),
    "segfault": ("crashed", "killed by SIGSEGV"),
    "abort": ("crashed", "killed by SIGABRT"),
    "SIGKILL": ("crashed", "killed by SIGKILL; the kernel sends it when memory runs out"),
    "an odd signal": ("crashed", "killed by signal 41"),
    "print and die": ("crashed", "killed by SIGSEGV"),
    "leave a sleeper and die": ("crashed", "the process exited with status 3"),
    "ask for too much memory": ("memory", "MemoryError: Unable to allocate"),
    "close descriptors": ("crashed", "the detector left its process unable to continue"),
    "close descriptors and hang": ("crashed", "the detector closed the sandbox channel"),
    "exhaust descriptors": ("error", "OSError: [Errno 24] Too many open files"),
    "write to every descriptor": ("crashed", "unexpected data on the sandbox channel"),
}
HANGS = ("hang", "hang with the GIL", "stop", "print without end")
FILLS = ("arrays", "lists", "in a grandchild")
# what a detector may do without harm
HARMLESS = (
    "leave a sleeper",
    "leave a sleeper that holds the channel",
    "leave a daemon",
    "return twice",
    "print megabytes",
    "close standard streams",
    "go elsewhere",
    "disturb globals",
    "warn",
)
ANSWERS = {
    "one NaN": ("non-finite", "1 of 119 scores are NaN or infinite"),
    "one inf": ("non-finite", "1 of 119 scores are NaN or infinite"),
    "a constant": ("constant", "all 119 scores are 0.25"),
    "one too many": ("error", "score returned an array of shape (120,); expected (119,)"),
    "a column": ("error", "score returned an array of shape (119, 1); expected (119,)"),
    "one number": ("error", "score returned an array of shape"),
    "None": ("error", "Faulty scored object; expected real numbers"),
    "text": ("error", "Faulty scored <U4; expected real numbers"),
    "complex": ("error", "Faulty scored complex128; expected real numbers"),
    "objects": ("error", "Faulty scored object; expected real numbers"),
}
MISSING = {
    "masked": "ValueError: Faulty scored a masked array; expected real numbers, and NaN where",
    "masked integers": "Faulty scored a masked array; expected real numbers",
    "a list with a masked value": "1 of 119 scores are NaN or infinite",
    "missing in pandas": "",
    "an array with NA": "scored object; expected real numbers",
    "an array with None": "scored object; expected real numbers",
    "decimals": "scored object; expected real numbers",
    "dates": "scored datetime64; expected real numbers",
}


def entrant(label, spec=FAULTY, **settings):
    return {"spec": spec, "label": label, "settings": settings}


@pytest.fixture(scope="module")
def good(make_rows):
    """Scores of a detector that behaves, by seed."""
    rows = make_rows(entrant("good"), seeds=3)
    assert [row.status for row in rows] == ["ok"] * 3
    return {row.wanted.seed: row.scores for row in rows}


def check_neighbour(rows, good):
    """Check that the rows of "good" among others are what they are alone."""
    own = [row for row in rows if row.wanted.label == "good"]
    assert own
    for row in own:
        assert row.status == "ok"
        np.testing.assert_array_equal(row.scores, good[row.wanted.seed])


@pytest.mark.parametrize(
    "act",
    [
        fault(act, "in `fit`", f"its rows end as `{status}` with the reason; {OTHERS}")
        for act, (status, _) in ENDS.items()
    ],
)
def test_a_fit_that_ends_badly_says_so_in_its_rows_alone(make_rows, good, act):
    status, reason = ENDS[act]
    rows = make_rows(entrant("bad", fitting=act), entrant("good"), seeds=2)
    assert len(rows) == 4
    for row in rows:
        if row.wanted.label == "bad":
            assert (row.status, row.reason[: len(reason)]) == (status, reason)
            assert row.scores is None
            assert row.metrics == {}
            assert (row.sizes["n_train"], row.sizes["n_test"]) == (59, 119)
            if status == "error":
                assert "in _fit" in row.details["traceback"]
    check_neighbour(rows, good)
    assert make_rows.left_behind() == set()


@pytest.mark.parametrize(
    "act",
    [
        fault(act, "in `score`", f"its rows end as `{ENDS[act][0]}` with the reason; {OTHERS}")
        for act in ("raise", "os._exit(0)", "segfault", "raise KeyboardInterrupt")
    ],
)
def test_a_score_that_ends_badly_says_so_in_its_rows_alone(make_rows, good, act):
    status, reason = ENDS[act]
    rows = make_rows(entrant("bad", scoring=act), entrant("good"), seeds=2)
    bad = [row for row in rows if row.wanted.label == "bad"]
    assert [(row.status, row.reason) for row in bad] == [(status, reason)] * 2
    check_neighbour(rows, good)


@pytest.mark.parametrize(
    "answer",
    [
        fault(f"scores: {answer}", "returned by `score`", f"status `{status}`", case=answer)
        for answer, (status, _) in ANSWERS.items()
    ],
)
def test_scores_that_are_none_say_so(make_rows, good, answer):
    status, reason = ANSWERS[answer]
    rows = make_rows(entrant("bad", answer=answer), entrant("good"))
    (bad,) = (row for row in rows if row.wanted.label == "bad")
    assert bad.status == status
    assert reason in bad.reason
    assert ("auroc" in bad.metrics) == (status == "constant")
    check_neighbour(rows, good)


@pytest.mark.fault(
    area="detectors and their processes",
    kind="missing scores",
    how="masked arrays, NA of pandas, NaN of decimal, None and NaT among the scores",
    promise="the row is not ok, and its reason says so; no mask is dropped",
)
@pytest.mark.parametrize("spec", [FAULTY, "tests/helpers/faulty.py:Raw"])
@pytest.mark.parametrize(
    "answer",
    [
        fault(f"scores: {answer}", "returned by `score`", "a status, never a number", case=answer)
        for answer in MISSING
    ],
)
def test_a_missing_score_is_a_status(make_rows, answer, spec):
    (row,) = make_rows(entrant("missing", spec, answer=answer))
    assert row.status in ("error", "non-finite")
    assert row.metrics == {}
    if spec == FAULTY:
        assert MISSING[answer] in row.reason


@pytest.mark.parametrize("answer", ["a list", "float32"])
def test_scores_of_another_type_are_taken_as_floats(make_rows, good, answer):
    (row,) = make_rows(entrant("list", answer=answer))
    assert row.status == "ok"
    np.testing.assert_allclose(row.scores, good[0], rtol=1e-6)


@pytest.mark.parametrize("answer", ["one too many", "complex", "objects", "text", "None", "a list"])
def test_scores_are_checked_also_where_a_detector_goes_round_the_contract(make_rows, good, answer):
    (row,) = make_rows(entrant("raw", "tests/helpers/faulty.py:Raw", answer=answer))
    assert row.status == ("ok" if answer == "a list" else "error")
    if row.status == "error":
        assert row.reason.startswith("ValueError: score returned ")
        expected = (
            "(119,)" if answer == "one too many" else "real numbers, and NaN where one is missing"
        )
        assert row.reason.endswith(f"; expected {expected}")


@pytest.mark.parametrize(
    "act", faults(HANGS, "in `fit`, for ever", f"its row ends as `timeout`; {OTHERS}")
)
def test_a_fit_past_its_limit_is_ended(make_rows, good, act):
    start = time.monotonic()
    rows = make_rows(entrant("bad", fitting=act), entrant("good"), seconds=LIMIT)
    assert time.monotonic() - start < 30
    (bad,) = (row for row in rows if row.wanted.label == "bad")
    assert bad.status == "timeout"
    assert bad.reason == f"not finished after {LIMIT:g} s; raise --time-limit to allow more"
    assert LIMIT <= bad.costs["fit_wall_seconds"] < 30, "a budget counts it"
    check_neighbour(rows, good)
    assert make_rows.left_behind() == set()


def test_a_score_past_its_limit_is_ended(make_rows, good):
    (row,) = make_rows(entrant("bad", scoring="hang with the GIL"), seconds=LIMIT)
    assert row.status == "timeout"


def test_the_time_limit_is_for_each_seed_and_each_read_out(make_rows):
    rows = make_rows(entrant("slow", fitting="nap", scoring="nap"), seeds=4, seconds=LIMIT)
    assert [row.status for row in rows] == ["ok"] * 4


@pytest.mark.parametrize(
    "how",
    [
        fault(f"fill memory: {how}", "in `fit`", f"its row ends as `memory`; {OTHERS}", case=how)
        for how in FILLS
    ],
)
def test_a_fit_past_its_memory_is_ended(make_rows, good, how):
    how = how if how.startswith("in") else f"with {how}"
    rows = make_rows(entrant("bad", fitting=f"fill memory {how}"), entrant("good"), memory_mib=200)
    (bad,) = (row for row in rows if row.wanted.label == "bad")
    assert bad.status == "memory"
    assert bad.reason.endswith(" MiB, limit 200 MiB")
    assert bad.reason.startswith("used ")
    check_neighbour(rows, good)
    assert make_rows.left_behind() == set()


@pytest.mark.parametrize("act", faults(HARMLESS, "in `fit`", f"its rows are ok; {OTHERS}"))
def test_a_detector_that_does_odd_things_still_gets_its_rows(make_rows, good, act):
    rows = make_rows(entrant("odd", fitting=act), entrant("good"), seeds=3)
    for row in rows:
        assert (row.status, row.reason) == ("ok", "")
        np.testing.assert_array_equal(row.scores, good[row.wanted.seed])
    assert make_rows.left_behind() == set()


@pytest.mark.fault(
    area=DETECTORS,
    kind="descriptors used up",
    how="`fit` of seed 0 opens files until it cannot",
    promise="seed 0 ends as `crashed`, seed 1 is ok",
)
def test_descriptors_used_up_in_one_seed_are_back_for_the_next(make_rows, good):
    rows = make_rows(entrant("greedy", fitting="exhaust descriptors quietly", only_seed=0), seeds=2)
    assert [row.status for row in rows] == ["crashed", "ok"]
    np.testing.assert_array_equal(rows[1].scores, good[1])


@pytest.mark.fault(
    area=DETECTORS,
    kind="segfault for one seed",
    how="`fit` of seed 1 of three",
    promise="the other seeds are ok",
)
def test_a_death_for_one_seed_costs_that_seed(make_rows, good):
    rows = make_rows(entrant("bad", fitting="segfault", only_seed=1), seeds=3)
    assert [(row.wanted.seed, row.status) for row in rows] == [
        (0, "ok"),
        (1, "crashed"),
        (2, "ok"),
    ]
    for row in rows[0], rows[2]:
        np.testing.assert_array_equal(row.scores, good[row.wanted.seed])


@pytest.mark.fault(
    area=DETECTORS,
    kind="death in one read-out",
    how="`score` of one of three read-outs raises, hangs, exits or segfaults",
    promise="its rows alone fail; the model's others are ok",
)
@pytest.mark.parametrize(
    ("act", "status"),
    [("segfault", "crashed"), ("raise", "error"), ("hang", "timeout"), ("os._exit(0)", "crashed")],
)
def test_a_death_is_blamed_on_the_read_out_that_ran(make_rows, act, status):
    def rows_of(act):
        specs = [f"{MODEL}:{readout}" for readout in ("first", "second", "third")]
        specs.append(f"{MODEL}+{FAULTY}")
        detectors = [entrant(spec, spec, scoring=act) for spec in specs]
        return make_rows(*detectors, seeds=2, seconds=LIMIT if act == "hang" else 60)

    rows, undisturbed = rows_of(act), {r.wanted.spec: r for r in rows_of("nothing")}
    assert len(rows) == 8
    for row in rows:
        bad = row.wanted.spec.endswith(":second")
        assert row.status == (status if bad else "ok")
        if not bad and row.wanted.seed == 1:
            np.testing.assert_array_equal(row.scores, undisturbed[row.wanted.spec].scores)
    assert make_rows.left_behind() == set()


@pytest.mark.fault(
    area=DETECTORS,
    kind="segfault in a head",
    how="`fit` of a head on the codes of a model",
    promise="the rows of that head alone fail",
)
def test_a_death_is_blamed_on_the_head_that_ran(make_rows):
    bad = entrant("bad head", f"{MODEL}+{FAULTY}", head={"fitting": "segfault"})
    other = entrant("good head", f"{MODEL}+{FAULTY}", head={})
    rows = make_rows(bad, other, entrant("model", MODEL))
    assert {row.wanted.label: row.status for row in rows} == {
        "bad head": "crashed",
        "good head": "ok",
        "model": "ok",
    }


@pytest.mark.fault(
    area=DETECTORS,
    kind="samples overwritten",
    how="`fit` and `score` write into their samples",
    promise="training samples are its own, test samples read-only",
)
def test_overwritten_training_samples_are_the_detectors_own(make_rows, good):
    spec = "tests/helpers/faulty.py:Mutating"
    rows = make_rows(entrant("bad", spec), entrant("good"), seeds=2)
    for row in rows:
        np.testing.assert_array_equal(row.scores, good[row.wanted.seed])
    (row,) = make_rows(entrant("bad", spec, test_too=True))
    assert (row.status, row.reason[:10]) == ("error", "ValueError")
    assert "read-only" in row.reason


@pytest.mark.fault(
    area=DETECTORS,
    kind="SIGKILL of the fork server",
    how="the server gets SIGKILL while a job is prepared",
    promise="all rows come, equal to the bit",
)
def test_the_end_of_the_server_is_nobodys_fault(make_rows, good, monkeypatch):
    """The fork server is killed while a detector runs; the rows come all the same."""
    import os
    import signal

    from bench.run import converse

    server = make_rows.server
    killed = []
    prepare = converse.prepared

    def kill_and_prepare(*args):
        if not killed:
            os.kill(server, signal.SIGKILL)
            killed.append(server)
        return prepare(*args)

    monkeypatch.setattr(converse, "prepared", kill_and_prepare)
    rows = make_rows(entrant("good"), seeds=3)
    assert killed
    check_neighbour(rows, good)
    assert len(rows) == 3
    make_rows.server = None


def test_files_in_flight_are_gone_when_a_job_is(make_rows):
    make_rows(entrant("bad", fitting="segfault"), entrant("good"), seeds=2)
    assert {path.suffix for path in make_rows.tmp.iterdir()} <= {".log"}  # of the server
