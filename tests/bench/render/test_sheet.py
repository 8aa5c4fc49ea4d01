"""Sheets of samples: which are chosen, and what is drawn of them."""

import io

import numpy as np
import pytest
from matplotlib.text import Text
from numpy.testing import assert_allclose
from PIL import Image
from rich.console import Console

import datasets
from bench.cli.common.sheets import of_images
from bench.metrics import pixels
from bench.plan import suite as suites
from bench.plan.planning import wanted_rows
from bench.protocols.scalers import scale
from bench.render import html
from bench.render import sheet as sheets
from bench.run.again.shown import sheet
from datasets.families.images import textures
from detectors import make

SAME = """
from detectors import Detector


class Same(Detector):
    takes_images = True

    def _fit(self, x):
        pass

    def _score(self, x, readout):
        return x.sum(axis=(1, 2, 3))

    def reconstruct(self, x):
        return x
"""
QUIET = Console(file=io.StringIO())


def of(detector, dataset, **counts):
    """Return the sheet of a detector on a data set."""
    entry = datasets.find(dataset)
    chosen = suites.build({
        "name": "show", "title": "show", "detectors": [detector], "datasets": [dataset],
        "protocol": "official" if entry.has_official_split else "one-class",
        "scaler": "global-minmax" if entry.kind == "image" else "standard", "seeds": [0],
        "pixels": True,
    })  # fmt: skip
    counts = {"best": 2, "worst": 2, "errors": 1, **counts}
    return sheet(wanted_rows(chosen)[0], None, console=QUIET, **counts)


def test_the_best_and_the_worst_anomalies_and_the_worst_normal_samples_are_chosen(tmp_path):
    textures.write("grain", tmp_path / "grain")
    found = of("pca", f"folder:{tmp_path / 'grain'}?size=16&grey=yes")
    best, worst, errors = found.groups.values()
    places = [sample.place for sample in (*best, *reversed(worst))]
    assert places == sorted(places)
    assert best[0].score >= best[1].score > worst[1].score >= worst[0].score
    assert "good/" in errors[0].name
    assert errors[0].mask is None
    assert best[0].map.shape == best[0].x.shape[1:] == (16, 16)
    assert best[0].mask.shape == (32, 32)  # as it was drawn
    assert all(sample.mask.any() for sample in (*best, *worst))


def test_a_reconstruction_is_shown_in_the_units_of_the_image(tmp_path):
    (tmp_path / "same.py").write_text(SAME)
    (sample, *_), *_ = of(f"{tmp_path / 'same.py'}:Same", "textures/weave").groups.values()
    assert_allclose(sample.restored, sample.x, atol=0.01)


@pytest.mark.parametrize(("detector", "dataset"), [("knn", "textures/grain"), ("pca", "wine")])
def test_a_sheet_is_a_picture_and_a_page_with_names_and_scores(detector, dataset):
    found = of(detector, dataset)
    picture = sheets.png(lambda: sheets.draw(found))
    assert picture == sheets.png(lambda: sheets.draw(found))
    assert min(Image.open(io.BytesIO(picture)).size) > 300
    page = html.write(sheets.page(found), picture)
    for group in found.groups.values():
        for sample in group:
            assert sample.name in page
            assert f"{sample.score:.6g}" in page


def test_all_maps_of_a_sheet_have_one_colour_scale():
    figure = sheets.draw(of("pca", "textures/grain"))
    images = [image for axes in figure.findobj(type(figure.axes[0])) for image in axes.get_images()]
    scales = {image.get_clim() for image in images if image.cmap.name == sheets.COLOURS}
    assert len(scales) == 1


def test_curves_have_the_areas_that_a_board_has():
    found = of("pca", "textures/stripes", best=1, worst=0, errors=0)
    data = datasets.load("textures/stripes")
    train, test = scale("global-minmax", data.x[data.split.train], data.x[data.split.test])
    maps = make("pca").fit(train).localize(test)
    expected = pixels.compute(data.masks[data.split.test], maps)
    of_pixels, of_regions = found.curves[1:]
    assert np.trapezoid(of_pixels.heights, of_pixels.rates) == pytest.approx(
        expected["pixel_auroc"], abs=1e-6
    )
    assert of_regions.title == f"regions, AUPRO {expected['aupro']:.3f}"
    drawn = [text.get_text() for text in sheets.draw(found).findobj(Text)]
    assert all(curve.title in drawn for curve in found.curves)
    assert not of("knn", "textures/stripes", best=1, worst=0, errors=0).curves


def test_a_detector_without_maps_is_shown_by_what_its_score_loses_without_a_feature():
    found = of("knn", "wine", best=1, worst=0, errors=0)
    ((sample,),) = found.groups.values()
    assert sample.map.shape == (13,)
    assert 0 < sample.map.max() <= sample.score
    assert "fall of the score with the training median" in found.caption


def test_sheets_of_a_suite_are_those_of_image_data_and_what_cannot_be_fitted_is_said(
    tmp_path, capsys
):
    (tmp_path / "mine.py").write_text(
        SAME.replace("        pass", '        raise ValueError("no")')
    )
    suite = suites.build({
        "name": "some", "title": "some", "detectors": ["pca", f"{tmp_path / 'mine.py'}:Same"],
        "datasets": ["wine", "textures/grain"], "seeds": [3, 5],
    })  # fmt: skip
    found = of_images(wanted_rows(suite), None)
    (((label, caption, picture),),) = found.values()
    assert [*found] == ["textures/grain"]
    assert label == "pca"
    assert "seed 3" in caption
    assert min(Image.open(io.BytesIO(picture)).size) > 300
    assert ":Same on textures/grain: no\n" in capsys.readouterr().out


def test_show_writes_a_sheet_and_refuses_in_one_sentence(bench, tmp_path):
    ran = bench("show", "textures/stripes", "pca", "--worst", "0", "--output", tmp_path)
    assert ran.wait() == 0, ran.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        "textures-stripes-pca.png",
        "textures-stripes-pca.html",
    }
    none = bench("show", "wine", "knn", "--best", "0", "--worst", "0", "--errors", "0")
    assert none.wait() == 2
    assert "nothing to draw; give --best" in none.stderr


@pytest.mark.fault(
    area="detectors and their processes",
    kind="a file of weights that does not exist",
    how="`bench show` is given it with --weights",
    promise="status 2 and one sentence",
)
def test_show_says_in_one_sentence_that_weights_are_missing(bench):
    ran = bench("show", "textures/grain", "padim", "--weights", "nowhere.pth")
    assert (ran.wait(), ran.stderr) == (2, "bench: there is no file of weights nowhere.pth\n")
