"""Files of claims: what they say, and what is asked back in one sentence."""

import hashlib
import math

import pytest

from bench.claims.claim import names, read
from bench.claims.resolution import resolution
from bench.plan.suite import Member, SuiteError

CLAIM = {
    "sentence": '"A beats B."',
    "source": '"mine"',
    "detectors": '["knn", "lof"]',
    "against": '"pca"',
    "datasets": '["wine", "breast-cancer", "digits/*"]',
}


def file_of(folder, above="", **parts):
    lines = [f"{key} = {value}" for key, value in (CLAIM | parts).items() if value is not None]
    path = folder / "mine.toml"
    path.write_text("\n".join([above, "[[claims]]", *lines, ""]))
    return str(path)


def test_a_file_is_known_by_its_digest_and_shares_what_stands_above_its_claims(tmp_path):
    path = file_of(tmp_path, "margin = 0.03\nseeds = 2\ndatasets = ['wine']", datasets=None)
    found = read(path)
    (claim,) = found.claims
    assert found.digest == hashlib.sha256((tmp_path / "mine.toml").read_bytes()).hexdigest()
    assert (claim.margin, claim.datasets, found.name) == (0.03, ("wine",), "mine")
    assert [entrant.name for entrant in found.suites[0].detectors] == ["knn", "lof", "pca"]
    assert found.n_rows == 3 * 2
    assert read(file_of(tmp_path, "margin = 0.03", margin=0.05)).claims[0].margin == 0.05


@pytest.mark.parametrize(
    ("analysis", "region"),
    [
        ("superiority", (0.02, math.inf)),
        ("non-inferiority", (-0.02, math.inf)),
        ("equivalence", (-0.02, 0.02)),
    ],
)
def test_an_analysis_says_where_the_difference_is_claimed_to_be(tmp_path, analysis, region):
    found = read(file_of(tmp_path, analysis=f'"{analysis}"', margin=0.02))
    assert found.claims[0].region == pytest.approx(region)


HALF = '{ name = "one-class", contamination = 0.5 }'
WRONG = {
    "detector": ({"detectors": '"knnn"'}, "claims.0.detectors.0.spec: unknown .*knnn"),
    "data set": ({"datasets": '["wines"]'}, "claim 1: datasets: .*wines"),
    "metric": ({"metric": '"aurc"'}, "claims.0.metric: unknown metric 'aurc'; .*auroc"),
    "cost": ({"metric": '"fit_seconds"'}, "does not measure quality"),
    "pixels": ({"metric": '"aupro"'}, "is a metric of pixels"),
    "protocol": ({"protocol": '"one-clas"'}, "claim 1: protocol: .*one-clas"),
    "readout": ({"detectors": '"knn:elbo"'}, "claims.0.detectors.0.spec: "),
    "key of a claim": ({"margn": "0.1"}, "unknown key 'claims.0.margn'; .*margin"),
    "key of a detector": (
        {"detectors": '{ spec = "knn", setings = {} }'},
        "unknown key 'claims.0.detectors.0.setings'; .*settings",
    ),
    "empty sentence": ({"sentence": '""'}, "claims.0.sentence is empty; give a text"),
    "no source": ({"source": None}, "claims.0.source is missing"),
    "analysis": ({"analysis": '"better"'}, "claims.0.analysis should be .*superiority"),
    "itself": ({"detectors": '"pca"'}, "claims.0: detectors and against are the same"),
    "nothing": ({"against": None}, "nothing to compare with; give against, against_protocol"),
    "same protocol": ({"against_protocol": '"one-class"'}, "protocol and against_protocol are"),
    "no margin": ({"analysis": '"equivalence"', "margin": 0}, "with a margin of 0; give a larger"),
    "small margin": (
        {"margin": 0.001},
        "claim 1: the margin 0.001 is below 0.0059, what one anomaly of each test set is worth",
    ),
    "label": (
        {"against": '{ spec = "lof", label = "knn" }'},
        "two detectors are called 'knn'",
    ),
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            marks=pytest.mark.fault(
                area="commands and output",
                kind=f"a claim with a wrong {case}" if " " not in case else f"a claim: {case}",
                how="the value in a file of claims",
                promise="one sentence that says what is accepted",
            ),
        )
        for case in WRONG
    ],
)
def test_a_claim_that_cannot_be_tested_is_refused_in_one_sentence(tmp_path, case):
    parts, message = WRONG[case]
    with pytest.raises(SuiteError, match=message) as caught:
        read(file_of(tmp_path, **parts))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("above", "message"),
    [
        ("eror = 0.1", "unknown key 'eror'; .*error"),
        ("error = 0.5", "error should be less than or equal to 0.2"),
        ("seeds = 0", "0 seeds are not possible"),
        ("scaler = 'standrd'", "standrd"),
        ("title = 3", "title should be a text"),
        ("title = ", "is not valid TOML"),
    ],
)
def test_a_file_that_says_what_no_file_says_is_refused(tmp_path, above, message):
    with pytest.raises(SuiteError, match=message):
        read(file_of(tmp_path, above))
    with pytest.raises(SuiteError, match="cannot read the claims"):
        read(str(tmp_path / "absent.toml"))
    with pytest.raises(SuiteError, match=r"unknown claims 'lecture', and not .*lectures"):
        read("lecture")


def test_what_comes_with_the_project_can_be_tested():
    assert names() == ("lectures", "lectures-adbench")
    found, on_adbench = map(read, names())
    assert len({one.sentence for one in found.claims}) == len(found.claims)
    for one, other in zip(found.claims, on_adbench.claims, strict=True):
        given = {"datasets", "protocol"}  # what differs between the files
        assert one.model_dump(exclude=given) == other.model_dump(exclude=given)


def test_one_anomaly_of_each_test_set_is_worth_its_share_of_the_mean():
    digits = (1 / 1614 + 1 / 1619) / 2
    members = [Member(name=name) for name in ("wine", "digits/0", "digits/3")]
    assert resolution(members) == pytest.approx(math.hypot(1 / 59, digits) / 2)
