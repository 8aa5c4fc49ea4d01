"""The latent space of a model as one picture: charts, planes of codes, and decoded samples.

matplotlib is imported when it is drawn.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.latent.holes import N_DRAWS
from bench.latent.study import Plane, Study
from bench.render.figures import TEXT, label_logarithms
from bench.render.sheet import SIGNS, pixels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH = 8.6  # inches
CHART, STRIP = 2.3, 0.62  # inches of height
IMAGE = 0.5  # inches of the side of an image
COLUMNS = 2  # of strips
NORMAL, ODD, OTHER = "#0072b2", "#d55e00", "#4d4d4d"
COLOURS = "RdBu_r"  # of vectors, whose middle is 0


def draw(study: Study) -> Figure:
    """Return the figure: charts, planes, and a strip for each way through the latent space."""
    from matplotlib.figure import Figure

    charts = _charts(study)
    strips = dict(study.paths)
    if study.prior:
        strips |= {
            "prior: decoded draws": study.prior.samples,
            f"prior: the deepest holes ({study.prior.n_holes} of {N_DRAWS} draws are in holes)": (
                study.prior.holes
            ),
        }
    of_images = any(each.ndim == 4 for each in strips.values())
    strip = (IMAGE if of_images else STRIP) + 0.25
    rows = -(-len(strips) // COLUMNS)
    heights = [CHART, CHART, *[strip * rows] * bool(strips)]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.8), layout="constrained")
    figure.suptitle(f"{study.title}\n", fontsize=TEXT + 2)
    figure.supxlabel(textwrap.fill(study.caption, int(SIGNS * WIDTH)), fontsize=TEXT - 1)
    bands = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, chart in zip(
        bands[0].subplots(1, len(charts), squeeze=False)[0], charts, strict=True
    ):
        chart(axes)
    planes = bands[1].subplots(1, len(study.planes), squeeze=False)[0]
    for axes, (name, plane) in zip(planes, study.planes.items(), strict=True):
        _plane(axes, name, plane, study.y)
    if strips:
        _strips(bands[2], strips, study.limits)
    return figure


def _charts(study: Study) -> list[Callable[[Axes], None]]:
    """Return what draws each chart that the study has numbers for."""
    charts: list[Callable[[Axes], None]] = [lambda axes: _spectra(axes, study)]
    if (units := study.units) is not None:

        def of_units(axes: Axes) -> None:
            places = np.arange(1, len(units.kl) + 1)
            axes.bar(places, units.kl, color=NORMAL)
            _whole(axes.xaxis)
            _named(axes, "KL by unit", f"unit ({units.n_active} active)", "nats")

        charts.append(of_units)
    if study.active:

        def of_sizes(axes: Axes) -> None:
            sizes = list(study.active)
            axes.plot(sizes, sizes, color=OTHER, linestyle=":", label="all")
            axes.plot(sizes, list(study.active.values()), "o-", color=NORMAL, label="active")
            axes.legend(fontsize=TEXT - 1, frameon=False)
            _whole(axes.xaxis, axes.yaxis)
            _named(axes, "Active units", "latent size", "units")

        charts.append(of_sizes)
    return charts


def _spectra(axes: Axes, study: Study) -> None:
    spectra = {name: np.maximum(of, 1e-6) for name, of in study.spectra.items()}
    for (name, variances), marker in zip(spectra.items(), "o^", strict=False):
        places = np.arange(1, len(variances) + 1)
        axes.plot(places, variances, f"{marker}-", markersize=3, label=name)
    if study.prior:
        axes.axhline(1, color=OTHER, linewidth=0.7, linestyle=":")
    axes.set_yscale("log")
    label_logarithms(axes.yaxis, np.concatenate([*spectra.values()]))
    _whole(axes.xaxis)
    if len(study.spectra) > 1:
        axes.legend(fontsize=TEXT - 1, frameon=False)
    _named(axes, "Spectrum of codes", "principal component", "variance")


def _plane(axes: Axes, name: str, plane: Plane, y: NDArray[np.int8]) -> None:
    for label, colour, marker, kind in ((0, NORMAL, "o", "normal"), (1, ODD, "x", "anomaly")):
        x = plane.points[y == label]
        axes.scatter(x[:, 0], x[:, 1], 9, color=colour, marker=marker, linewidths=0.8, label=kind)
    axes.legend(fontsize=TEXT - 1, frameon=False)
    title = f"Codes of {name}: {100 * plane.share:.0f} % of the variance"
    _named(axes, title, "first component", "second component")


def _strips(
    band: Figure, strips: Mapping[str, NDArray[np.float64]], limits: tuple[float, float]
) -> None:
    """Draw each way as a row of images, or of vectors as lines of colours, one below the other."""
    grid = band.subplots(-(-len(strips) // COLUMNS), COLUMNS, squeeze=False).ravel()
    for axes in grid[len(strips) :]:
        axes.set_axis_off()
    for axes, (name, samples) in zip(grid, strips.items(), strict=False):
        axes.set_title(name, fontsize=TEXT - 1, loc="left")
        if samples.ndim == 4:
            axes.set_axis_off()
            axes.imshow(_side_by_side([pixels_of(x, *limits) for x in samples]))
            continue
        shown = axes.imshow(samples, COLOURS, vmin=limits[0], vmax=limits[1], aspect="auto")
        axes.set_yticks([])
        axes.tick_params(axis="x", labelsize=TEXT - 2, labelbottom=axes in grid[-COLUMNS:])
        _whole(axes.xaxis)
    if samples.ndim == 2:
        bar = band.colorbar(shown, ax=list(grid), fraction=0.02)
        bar.set_label("value of a feature, scaled", fontsize=TEXT - 1)
        bar.ax.tick_params(labelsize=TEXT - 2)


def _side_by_side(images: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return images (h, w, 3) as one, with a white gap of at least a pixel between them."""
    height, width, _ = images[0].shape
    gap = np.ones((height, -(-width // 12), 3))
    return np.concatenate([part for image in images for part in (image, gap)][:-1], axis=1)


def _whole(*axes: Axis) -> None:
    """Let ticks be whole numbers."""
    from matplotlib.ticker import MaxNLocator

    for axis in axes:
        axis.set_major_locator(MaxNLocator("auto", integer=True))


def _named(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=TEXT)
    axes.set_xlabel(x, fontsize=TEXT - 1)
    axes.set_ylabel(y, fontsize=TEXT - 1)
    axes.tick_params(labelsize=TEXT - 2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
