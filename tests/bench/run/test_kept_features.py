"""Features of pretrained networks are kept for other rows, which changes no score and no cost."""

import importlib.util
import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from bench.store.store import Store
from detectors.networks.backbones import LITE0_PACKAGE
from tests.helpers.command import fresh

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(LITE0_PACKAGE) is None, reason="the weights of lite0 are not installed"
)
EACH = ("padim", "dfm", "backbone:lite0+knn")


def rows_of(results, cache, *detectors):
    """Return the rows of detectors, two seeds of each, with their scores as bytes."""
    ran = fresh(
        "run", "--detectors", ",".join(detectors), "--datasets", "textures/stripes", "--protocol",
        "official", "--scaler", "none", "--seeds", 2, "--jobs", 1, "--results", results,
        XDG_CACHE_HOME=str(cache),
    )  # fmt: skip
    assert (ran.returncode, "warning" in ran.stderr) == (0, False), ran.stderr
    with closing(Store(results, read_only=True)) as store:
        rows = store.frame()
        scores = [store.scores(key)[1].tobytes() for key in rows["key"]]
    return rows.assign(scores=scores).set_index(["spec", "seed"]).sort_index()


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """The rows of all detectors without a cache: a file is in its place."""
    folder = tmp_path_factory.mktemp("apart")
    (folder / "cache").touch()
    return rows_of(folder / "results", folder / "cache", *EACH)


@pytest.fixture(scope="module")
def cache(apart, tmp_path_factory):
    """A cache with the features of all images, and the rows of who kept them."""
    folder = tmp_path_factory.mktemp("kept")
    return folder / "cache", rows_of(folder / "results", folder / "cache", *EACH)


def files_of(cache):
    return sorted((cache / "fathom" / "features").iterdir())


@pytest.mark.fault(
    area="data",
    kind="the cache of features cannot be written",
    how="a file in its place",
    promise="features are computed for each row, without a message",
)
def test_what_ran_before_changes_neither_scores_nor_costs(apart, cache, tmp_path):
    folder, keeping = cache
    images = files_of(folder)
    reading = rows_of(tmp_path, folder, *EACH)
    assert len(images) == 170
    assert files_of(folder) == images
    for rows in (keeping, reading):
        assert rows["scores"].equals(apart["scores"])
        for cost in ("fit_seconds", "score_us"):
            assert (rows[cost] / apart[cost]).median() == pytest.approx(1, abs=0.4)


@pytest.mark.fault(
    area="data",
    kind="kept features are truncated, or a bit of them is another",
    how="spoiling all files of the cache",
    promise="they are computed again, without a message, and scores are right",
)
def test_features_that_are_broken_are_computed_again(apart, cache, tmp_path):
    folder = Path(shutil.copytree(cache[0], tmp_path / "cache"))
    files = files_of(folder)
    size = files[0].stat().st_size
    for path in files[::2]:
        os.truncate(path, size // 2)
    for path in files[1::2]:
        content = bytearray(path.read_bytes())
        content[-100] ^= 1
        path.write_bytes(content)
    rows = rows_of(tmp_path, folder, "dfm")
    assert rows["scores"].equals(apart.loc[rows.index]["scores"])
    assert {path.stat().st_size for path in files} == {size}
