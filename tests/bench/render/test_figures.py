"""Figures of a board: what they show, to whom, and in which files."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from PIL import Image

from bench.boards.against import against
from bench.boards.board import build
from bench.boards.words import TYPES
from bench.render import figures, palette
from tests.helpers.boards_made_up import DETECTORS, failed, rows_of


@pytest.fixture(scope="module")
def made():
    rows = rows_of(DETECTORS | {"knn": "shallow", "pca": "shallow"})
    return build(
        failed(rows, (rows["label"] == "pca") & (rows["dataset"] == "wine"), "timeout"), title="t"
    )


def texts(drawing):
    return [text.get_text() for axes in drawing.axes for text in axes.texts]


def test_there_is_a_figure_of_each_kind(made):
    drawn = figures.draw(made, against(made))
    assert set(drawn) == {
        "ranks", "critical-differences", "quality-fit-seconds", "quality-score-us"
    }  # fmt: skip
    assert all(figure.caption.endswith(".") for figure in drawn.values())
    assert "critical-differences" not in figures.draw(made)


def test_a_figure_is_written_as_pdf_svg_and_png_the_same_each_time(made, tmp_path):
    files = []
    for name in ("one", "two"):
        figure = figures.quality_and_cost(made, "fit_seconds").drawing
        written = figures.save(figure, tmp_path / name)
        assert [path.name for path in written] == [f"{name}.{form}" for form in figures.DATES]
        files.append([path.read_bytes() for path in written])
    assert [content[:5] for content in files[0]] == [b"%PDF-", b"<?xml", b"\x89PNG\r"]
    assert files[0] == files[1]


@pytest.mark.parametrize("unit", ["family", "dataset"])
def test_the_diagram_lists_detectors_by_rank_and_joins_ties(made, unit):
    compared = against(made, unit=unit)
    axes = figures.critical_differences(made, compared).drawing.axes[0]
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    ranks = dict(zip(compared.blocks.detectors, compared.mean_ranks, strict=True))
    assert labels == sorted(labels, key=ranks.__getitem__)
    assert "pca" not in labels  # incomplete
    assert f"critical difference {compared.critical_difference:.2f}" in texts(axes.figure)
    assert axes.get_xlim()[1] > 1 + compared.critical_difference  # its bar is there to its end
    bars = [line.get_ydata() for line in axes.lines if line.get_linewidth() == 2]
    for low, high in bars:
        best, worst = labels[round(low + 0.25)], labels[round(high - 0.25)]
        assert ranks[worst] - ranks[best] < compared.critical_difference


def test_the_heat_map_shows_ranks_and_hatches_missing_rows(made):
    axes = figures.ranks(made).drawing.axes[0]
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    shown = np.array(axes.images[0].get_array().filled(np.nan))
    wine = list(made.datasets["dataset"]).index("wine")
    assert np.isnan(shown[labels.index("pca"), wine])
    assert np.isfinite(shown).sum() == shown.size - 1
    for column in shown.T:
        assert np.nanmin(column) == 1
    hatched = [p for p in axes.patches if isinstance(p, Rectangle) and p.get_hatch()]
    assert [(p.get_x(), p.get_y()) for p in hatched] == [(wine - 0.5, labels.index("pca") - 0.5)]
    assert "1" in texts(axes.figure)


def test_data_of_ones_own_leave_the_heat_map_its_room():
    own = "file:/home/mine/claims-of-the-whole-year.csv?label=fraud&normal=no&drop=claim_id"
    for names in ((own, "wine"), (own, f"{own}&missing=drop-rows")):
        drawn = figures.ranks(build(rows_of(datasets=dict.fromkeys(names, "mine")), title="t"))
        drawn.drawing.savefig(io.BytesIO())
        axes = drawn.drawing.axes[0]
        ticks = [tick.get_text() for tick in axes.get_xticklabels()]
        assert ticks == (
            ["claims-of-the-whole-year.csv?…", "wine"] if "wine" in names else [*names]
        )
        assert axes.get_window_extent().height > 0.1 * drawn.drawing.bbox.height


def test_on_grey_paper_a_better_rank_is_lighter(made):
    image = figures.ranks(made).drawing.axes[0].images[0]
    colours = image.cmap(np.linspace(0, 1, 20))[:, :3]
    lightness = colours @ [0.299, 0.587, 0.114]
    assert (np.diff(lightness) < 0).all()


def test_families_differ_by_marker_and_in_grey(made):
    assert set(figures.MARKERS) == set(palette.LIGHT) == set(TYPES)
    assert len(set(figures.MARKERS.values())) == 4
    axes = figures.quality_and_cost(made, "fit_seconds").drawing.axes[0]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == list(TYPES.values())
    drawn = {to_rgb(points.get_facecolor()[0][:3]) for points in axes.collections}
    assert drawn == {to_rgb(colour) for colour in palette.LIGHT.values()}


def test_nothing_cheaper_is_as_good_as_what_is_on_the_front():
    price = np.array([1.0, 2.0, 2.0, 3.0, 4.0, 5.0])
    value = np.array([0.5, 0.7, 0.8, 0.8, 0.6, 0.9])
    assert figures.pareto(price, value).tolist() == [0, 2, 5]


def test_the_front_and_the_first_of_each_family_are_named(made):
    drawing = figures.quality_and_cost(made, "score_us").drawing
    key = next(text for text in texts(drawing) if "\n" in text or "  " in text)
    ranked = made.detectors[made.detectors["rank"].notna()]
    for family in TYPES:
        assert ranked.loc[ranked["type"] == family, "label"].iloc[0] in key
    front = figures.front(made, "score_us")
    assert front
    assert all(label in key for label in front)


def test_all_of_a_few_detectors_are_named():
    labels = [f"detector-{i}" for i in range(figures.FEW)]
    made = build(rows_of(dict.fromkeys(labels, "shallow")), title="t")
    drawing = figures.quality_and_cost(made, "fit_seconds").drawing
    assert sorted(re.findall(r"detector-\d+", "\n".join(texts(drawing)))) == sorted(labels)


def test_the_front_is_not_led_by_what_is_cheap_and_worthless():
    detectors = {"random": "control", "knn": "shallow", "lof": "shallow", "ae": "deep"}
    rows = rows_of(detectors, auroc={"random": 0.5, "knn": 0.8, "lof": 0.7, "ae": 0.9})
    rows["fit_seconds"] = rows["label"].map({"random": 0.001, "knn": 0.1, "lof": 0.2, "ae": 9.0})
    assert figures.front(build(rows, title="t"), "fit_seconds") == ["knn", "ae"]


@pytest.mark.parametrize("n", [2, 70])
def test_names_neither_overlap_nor_leave_the_page(n):
    detectors = {f"detector-{i}[n_neighbors={i}]": [*TYPES][i % 4] for i in range(n)}
    made = build(rows_of(detectors, seeds=[0]), title="t")
    for figure in figures.draw(made, against(made)).values():
        drawing = figure.drawing
        drawing.draw_without_rendering()
        page = drawing.bbox
        axes = drawing.axes[0]
        low, high = sorted(axes.get_ylim())
        boxes = [
            tick.label1.get_window_extent()
            for tick in axes.yaxis.get_major_ticks()
            if low <= tick.get_loc() <= high
        ]
        assert boxes
        assert all(page.x0 <= b.x0 and b.y0 >= page.y0 and b.y1 <= page.y1 for b in boxes)
        ordered = sorted(boxes, key=lambda box: box.y0)
        assert all(a.y1 <= b.y0 + 1 for a, b in pairwise(ordered))


def test_figures_of_a_cost_have_no_front_and_no_test():
    made = build(rows_of(), metric="fit_seconds", title="t")
    assert set(figures.draw(made)) == {"ranks"}


def test_a_figure_is_not_blank(made, tmp_path):
    (_, _, path) = figures.save(figures.ranks(made).drawing, tmp_path / "ranks")
    pixels = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("L"))
    assert pixels.std() > 20


def test_ticks_of_shares_have_the_digits_that_tell_them_apart():
    _, axes = figures.canvas(4, 3)
    axes.plot([0, 1], [0.948, 0.962])
    figures.label_shares(axes.yaxis)
    axes.figure.draw_without_rendering()
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert len(set(labels)) == len(labels) > 2
    axes.set_ylim(0, 1)
    axes.figure.draw_without_rendering()
    assert axes.get_yticklabels()[1].get_text() == ".20"


@pytest.mark.parametrize("values", [[1.2, 6.0], [0.001, 1000.0]])
def test_labels_of_a_logarithmic_axis_are_plain_numbers(values):
    figure, axes = figures.canvas(4, 3)
    axes.plot([0, 1], values)
    axes.set_yscale("log")
    figures.label_logarithms(axes.yaxis, np.array(values))
    figure.draw_without_rendering()
    ticks = axes.get_yticklabels(which="both")
    labels = [tick.get_text() for tick in ticks if tick.get_text()]
    assert 2 <= len(labels) <= 12
    assert all(float(label) > 0 for label in labels)
