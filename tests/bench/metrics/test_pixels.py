"""Metrics of pixels: against slow computations, and through a run from masks to a board."""

import csv
import io
import json
import re
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label
from sklearn.metrics import average_precision_score, roc_auc_score

import datasets
from bench.boards.rows import frame_of
from bench.metrics import pixels
from bench.plan import planning
from bench.plan import suite as suites
from bench.protocols.scalers import scale
from bench.run.prepare import prepare
from bench.store.store import Store
from datasets.record import content_sha256

SUITE = """
title = "pixels"
datasets = ["textures/stripes"]
protocol = "official"
scaler = "global-minmax"
seeds = 2
pixels = true
detectors = [{}]
"""
METHOD = '''
"""Squared deviations from the mean image."""

from dataclasses import dataclass

import numpy as np

from detectors import Localizer


@dataclass(kw_only=True)
class Deviation(Localizer):
    """Mean squared deviation from the mean image."""

    localizes = {"": "mean"}

    def _fit(self, x):
        self.mean_ = x.mean(0)

    def _score(self, x, readout):
        return ((x - self.mean_) ** 2).mean(1)

    def _localize(self, x, readout):
        return (x - self.mean_) ** 2


class Fewer(Deviation):
    """The same, with maps of one image too few."""

    def _localize(self, x, readout):
        return super()._localize(x, readout)[1:]
'''


def slow_aupro(masks, scores, limit=0.3):
    """Return the area by a loop over thresholds and regions, and 200,000 places of the rate."""
    regions = []
    for image, mask in enumerate(masks):
        places, n = label(mask, np.ones((3, 3)))
        regions += [(image, places == k) for k in range(1, n + 1)]
    rates, overlaps = [0.0], [0.0]
    for threshold in np.unique(scores)[::-1]:
        rates.append((scores[masks == 0] >= threshold).mean())
        overlaps.append(np.mean([(scores[i][r] >= threshold).mean() for i, r in regions]))
    grid = np.linspace(0, limit, 200_001)
    return np.interp(grid, rates, overlaps).mean()


@pytest.fixture
def masks():
    """Return masks (6, 12, 10): none, one defect, two that touch at a corner, three apart."""
    made = np.zeros((6, 12, 10), np.uint8)
    made[1, 2:5, 3:9] = 1
    made[2, 1:3, 1:3] = made[2, 3:6, 3:5] = 1
    made[4, 0, 0] = made[4, 5:9, 5:9] = made[4, 11, :4] = 1
    return made


@pytest.mark.parametrize("levels", [4, 40, 10**6])
def test_values_are_those_of_slow_computations(masks, levels):
    scores = np.random.default_rng(levels).integers(levels, size=masks.shape) + 0.3 * levels * masks
    found = pixels.compute(masks, scores)
    scores = scores.astype(np.float32)
    assert found["aupro"] == pytest.approx(slow_aupro(masks, scores), abs=1e-4)
    assert found["aupro@fpr=0.05"] == pytest.approx(slow_aupro(masks, scores, 0.05), abs=1e-4)
    flat = masks.ravel(), scores.ravel()
    assert found["pixel_auroc"] == pytest.approx(roc_auc_score(*flat))
    assert found["pixel_average_precision"] == pytest.approx(average_precision_score(*flat))
    assert "aupimo" not in found  # 240 normal pixels have no rate of 0.00001


def test_every_defect_counts_the_same_whatever_its_size(masks):
    small = masks.copy()
    small[4, 5:9, 5:9] = 0  # the largest of five is missed
    found = pixels.compute(masks, small.astype(float))
    assert 0.8 < found["aupro"] < 0.9  # the rest of the curve is a straight line to (1, 1)


def test_perfect_scores_have_1_and_equal_ones_what_the_diagonal_has(masks):
    perfect = pixels.compute(masks, masks.astype(float))
    assert min(perfect.values()) == pytest.approx(1.0)
    level = pixels.compute(masks, np.zeros(masks.shape))
    assert level["pixel_auroc"] == 0.5
    assert level["aupro"] == pytest.approx(0.15)


def test_without_both_kinds_of_pixels_there_is_no_value(masks):
    assert pixels.compute(np.zeros_like(masks), masks.astype(float)) == {}


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((5, 12, 10)), r"6 masks and maps \(5, 12, 10\); expected one"),
        (np.full((6, 12, 10), np.nan), "720 of 720 scores of pixels are not finite"),
    ],
)
def test_scores_that_do_not_fit_are_refused(masks, scores, message):
    with pytest.raises(ValueError, match=message):
        pixels.compute(masks, scores)


def drawn():
    """Return masks and maps (16, 200, 200) of which six are anomalous."""
    generator = np.random.RandomState(0)
    masks = np.zeros((16, 200, 200), np.uint8)
    places = [
        *((10, 20, 30, 25), (90, 100, 12, 40), (70, 30, 50, 50)),
        *((5, 5, 9, 9), (120, 60, 20, 70), (40, 110, 25, 25)),
    ]
    for mask, (row, column, height, width) in zip(masks[10:], places, strict=True):
        mask[row : row + height, column : column + width] = 1
    masks[12, 130:140, 130:150] = 1
    noise = [gaussian_filter(generator.standard_normal((200, 200)), 3) for _ in masks]
    strength = np.array([0] * 10 + [0.5, 0.35, 0.3, 0.6, 0.25, 0.4])[:, None, None]
    smooth = np.stack([gaussian_filter(mask.astype(float), 3) for mask in masks])
    return masks, (noise + strength * smooth).astype(np.float32)


def test_values_are_those_of_anomalib():
    found = pixels.compute(*drawn())
    # anomalib 2.7.0: aupimo_scores with 1,000,000 thresholds, and _AUPRO
    assert found["aupimo"] == pytest.approx(0.1990319, abs=1e-5)
    assert found["aupro"] == pytest.approx(0.8986834, abs=1e-6)
    assert found["aupro@fpr=0.05"] == pytest.approx(0.7555384, abs=1e-6)


def test_aupimo_is_that_of_a_loop_over_levels_of_the_rate():
    masks, maps = drawn()
    normal = np.sort(maps[:10].ravel())[::-1]
    levels = np.geomspace(1e-5, 1e-4, 4001)
    thresholds = np.interp(levels * normal.size, np.arange(1, 101), normal[:100])
    shares = [(maps[i][masks[i] > 0][:, None] >= thresholds).mean(0) for i in range(10, 16)]
    assert pixels.compute(masks, maps)["aupimo"] == pytest.approx(np.mean(shares), abs=0.005)


def test_limits_are_those_of_images_that_are_drawn():
    masks, maps = (each[4:, ::8, ::8] for each in drawn())
    found = pixels.compute(masks, maps)
    generator, drawings = np.random.default_rng(1), []
    for _ in range(200):
        rows = np.append(generator.integers(0, 6, 6), generator.integers(6, 12, 6))
        flat = masks[rows].ravel(), maps[rows].ravel()
        drawings.append((roc_auc_score(*flat), average_precision_score(*flat)))
    for name, values in zip(
        ("pixel_auroc", "pixel_average_precision"), np.transpose(drawings), strict=True
    ):
        limits = found[f"{name}_low"], found[f"{name}_high"]
        assert limits == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.03)
        assert limits[0] < found[name] < limits[1]


def test_maps_are_resized_to_masks_of_their_own_sizes():
    map_ = np.zeros((2, 4, 4))
    map_[1, 1:3, 1:3] = 1
    masks = [np.zeros((10, 6), np.uint8), np.kron(map_[1] > 0, np.ones((5, 3))).astype(np.uint8)]
    found = pixels.compute(masks, map_)
    assert found["pixel_auroc"] > 0.99
    assert found["pixel_average_precision"] < 1  # the edges of a map are blurred


@pytest.fixture(scope="module")
def ran(bench, tmp_path_factory):
    """Return the folder of a run of a suite that judges pixels, and the suite."""
    folder = tmp_path_factory.mktemp("pixels")
    (folder / "mine.py").write_text(METHOD)
    mine = [f'{{ spec = "{folder / "mine.py"}:{name}", label = "{name}" }}'
            for name in ("Deviation", "Fewer")]  # fmt: skip
    deep = [f'{{ spec = "{spec}", settings = {{ epochs = 1 }} }}' for spec in ("ae", "ae+iforest")]
    suite = folder / "mine.toml"
    suite.write_text(SUITE.format(", ".join(['"knn"', '"mean-distance"', *mine, *deep])))
    assert bench("run", suite, "--results", folder / "results").wait() == 0
    return folder / "results", suite


def records(results):
    with closing(Store(results)) as store:
        return {(r["label"], r["seed"]): r for r in store.records()}


def test_pixels_are_judged_against_the_masks_of_their_images(ran):
    rows = records(ran[0])
    data = datasets.load("textures/stripes")
    train, test = scale("global-minmax", data.x[data.split.train], data.x[data.split.test])
    scores = ((test - train.mean(0)) ** 2)[:, 0]
    expected = pixels.compute(data.masks[data.split.test], scores)
    for seed in (0, 1):
        for name, value in expected.items():
            drawn = name.endswith(("_low", "_high"))  # by the order of the images
            found = rows["Deviation", seed][name]
            assert found == pytest.approx(value, abs=0.02 if drawn else 1e-5)
        assert rows["Deviation", seed]["provenance"]["map_pooling"] == "mean"
    assert 0 < rows["ae:reconstruction[epochs=1]", 0]["aupro"] < 1


def test_rows_without_scores_of_pixels_have_no_metric_of_pixels(ran):
    rows = records(ran[0])
    for name in ("knn", "ae+iforest[epochs=1]"):
        assert rows[name, 0]["status"] == "ok"
        assert "pixel_auroc" not in rows[name, 0]


def test_maps_of_another_shape_are_an_error_of_the_row(ran):
    row = records(ran[0])["Fewer", 0]
    assert row["status"] == "error"
    assert "Fewer returned a map of shape (69, 1024) with 0 values" in row["reason"]


def test_a_board_ranks_by_pixels_and_a_suite_without_them_wants_other_rows(bench, ran):
    results, suite = ran
    board = bench("board", suite, "--results", results, "--metric", "aupro", "--format", "csv")
    assert board.wait() == 0
    lines = {line["label"]: line for line in csv.DictReader(io.StringIO(board.stdout))}
    aupros = [records(results)["Deviation", seed]["aupro"] for seed in (0, 1)]
    assert float(lines["Deviation"]["aupro"]) == pytest.approx(np.mean(aupros), abs=1e-6)
    assert lines["Deviation"]["rank"] in ("1", "2")
    assert lines["knn"]["rank"] == ""
    plain = suite.with_name("plain.toml")
    plain.write_text(suite.read_text().replace("pixels = true", "pixels = false"))
    dry = bench("run", plain, "--results", results, "--dry-run")
    assert dry.wait() == 0
    assert "12 rows, 0 stored, 12 to run" in dry.stdout
    assert "stale" not in dry.stdout


def test_baselines_are_ranked_by_pixels_and_boards_and_the_page_show_them(bench, ran, tmp_path):
    results, suite = ran
    by_aupro = bench("board", suite, "--results", results, "--metric", "aupro", "--format", "csv")
    assert by_aupro.wait() == 0
    lines = {line["label"]: line for line in csv.DictReader(io.StringIO(by_aupro.stdout))}
    line = lines["mean-distance"]
    assert line["rank"] == lines["Deviation"]["rank"]  # whose pixels are the same
    shown = f"{float(line['aupro']):.3f}".lstrip("0")
    board = bench("board", suite, "--results", results, "--format", "md")
    assert board.wait() == 0
    assert "| AUPRO [95 %] |" in board.stdout
    assert re.search(rf"`mean-distance`.*\| (\*\*)?{shown} ", board.stdout)
    report = bench("report", suite, "--results", results, "--output", tmp_path / "page.html")
    assert report.wait() == 0, report.stderr
    page = (tmp_path / "page.html").read_text()
    assert "AUPRO 95 %" in page
    assert shown in page


def test_a_change_of_how_pixels_are_judged_makes_rows_of_pixels_stale(ran, monkeypatch):
    before = planning.wanted_rows(suites.read(str(ran[1])))
    monkeypatch.setattr(planning, "digest_of", lambda *_: "another")
    after = planning.wanted_rows(suites.read(str(ran[1])))
    assert {row.pixels_id for row in after} == {"another"}
    assert {row.key for row in before}.isdisjoint(row.key for row in after)
    frame, stale = frame_of(after, records(ran[0]).values())
    assert (frame["status"] == "missing").all()
    assert stale == len(before)


def test_metrics_of_pixels_are_compared_over_the_rows_that_have_them(bench, ran):
    results, _ = ran
    options = ("--metric", "aupro", "--results", results)
    compared = bench("compare", results, results, *options, "--format", "json")
    assert compared.wait() == 0, compared.stderr
    lines = {line["label"]: line for line in json.loads(compared.stdout)["lines"]}
    aupros = [records(results)["Deviation", seed]["aupro"] for seed in (0, 1)]
    assert lines["Deviation"]["a"] == pytest.approx(np.mean(aupros))
    assert "knn" not in lines
    history = bench("history", "Deviation", *options)
    assert history.wait() == 0, history.stderr
    assert f"{np.mean(aupros):.3f}".lstrip("0") in history.stdout
    none = bench("history", "knn", *options)
    assert none.wait() == 2
    assert "no stored row of knn has aupro" in none.stderr


def test_masks_of_samples_that_are_no_images_with_channels_first_are_not_judged():
    (wanted, *_) = planning.wanted_rows(
        suites.build({"detectors": ["knn"], "datasets": ["textures/stripes"], "seeds": [0],
                      "protocol": "official", "pixels": True, "title": "x", "name": "x"}, "x")
    )  # fmt: skip
    data = datasets.load("textures/stripes")
    assert prepare(data, [wanted]).masks.shape == (len(data.split.test), 32, 32)
    last = np.moveaxis(data.x, 1, -1)
    digest = content_sha256(last, data.y, data.split, data.masks)
    last = replace(data, x=last, card=replace(data.card, shape=last.shape[1:], sha256=digest))
    assert prepare(last, [wanted]).masks is None


def test_debug_runs_a_row_of_pixels_again(bench, ran):
    results, _ = ran
    (key,) = [r["key"] for k, r in records(results).items() if k == ("Deviation", 1)]
    debug = bench("debug", key, "--results", results)
    assert debug.wait() == 0
    assert "equal to the stored scores, bit for bit" in debug.stdout
    assert "scores of pixels (70, 32, 32)" in debug.stdout
