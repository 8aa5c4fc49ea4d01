"""Features of pretrained networks are kept for other rows, which changes no score and no cost."""

import importlib.util
import os
import shutil
from statistics import median

import pytest
from numpy.testing import assert_array_equal

from detectors.networks.backbones import LITE0_PACKAGE

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(LITE0_PACKAGE) is None, reason="the weights of lite0 are not installed"
)
EACH = ("dfm", "backbone:lite0+knn")
TIMES = ("fit_seconds", "score_us")  # of CPU, which other work changes least


@pytest.fixture(scope="module")
def maker(make_rows, tmp_path_factory):
    """A maker of rows with a fork server, hence a cache, of its own."""
    own = type(make_rows)(tmp_path_factory.mktemp("kept"))
    yield own
    own.servers.close()


@pytest.fixture
def folder(maker):
    """Where children keep features; empty."""
    features = maker.cache / "fathom" / "features"
    shutil.rmtree(features, ignore_errors=True)
    features.parent.mkdir(parents=True, exist_ok=True)
    return features


@pytest.fixture
def rows_of(maker):
    """A function that makes the rows of detectors, two seeds of each."""

    def make(*detectors):
        rows = maker(
            *detectors, dataset="textures/stripes", protocol="official", scaler="none", seeds=2
        )
        assert {row.status for row in rows} == {"ok"}
        assert [row.details["warnings"] for row in rows] == [[]] * len(rows)
        return rows

    return make


def assert_same_scores(rows, others):
    for row, other in zip(rows, others, strict=True):
        assert row.wanted == other.wanted
        assert_array_equal(row.scores, other.scores)


@pytest.mark.fault(
    area="data",
    kind="the cache of features cannot be written",
    how="a file in its place",
    promise="features are computed for each row, without a message",
)
def test_what_ran_before_changes_neither_scores_nor_costs(folder, rows_of):
    rows_of("dfm")  # imports, which the first child alone pays for
    shutil.rmtree(folder)
    folder.touch()
    apart = rows_of(*EACH)
    folder.unlink()
    keeping = rows_of(*EACH)
    files = sorted(folder.iterdir())
    reading = rows_of(*EACH)
    assert sorted(folder.iterdir()) == files
    assert len(files) == 170
    for rows in (keeping, reading):
        assert_same_scores(rows, apart)
        pairs = [(row.costs, other.costs) for row, other in zip(rows, apart, strict=True)]
        for name in TIMES:
            assert median(ours[name] / theirs[name] for ours, theirs in pairs) == pytest.approx(
                1, abs=0.4
            )
        for ours, theirs in pairs:
            assert ours["peak_mib"] == pytest.approx(theirs["peak_mib"], abs=20)


@pytest.mark.fault(
    area="data",
    kind="kept features are truncated, or a bit of them is another",
    how="spoiling all files of the cache",
    promise="they are computed again, without a message, and scores are right",
)
def test_features_that_are_broken_are_computed_again(folder, rows_of):
    rows = rows_of("dfm")
    files = sorted(folder.iterdir())
    whole = {path: path.read_bytes() for path in files}
    for i, path in enumerate(files):
        if i % 2:
            os.truncate(path, len(whole[path]) // 2)
        else:
            path.write_bytes(
                whole[path][:-100] + bytes([whole[path][-100] ^ 1]) + whole[path][-99:]
            )
    assert_same_scores(rows_of("dfm"), rows)
    assert {path: len(path.read_bytes()) for path in folder.iterdir()} == {
        path: len(content) for path, content in whole.items()
    }
