"""A sheet of samples as one picture: input, reconstruction, map and score of each, and curves.

All maps of a sheet have one colour scale. matplotlib is imported when a sheet is drawn.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.render.figures import SETTINGS, TEXT
from bench.render.figures import plain as without_frame
from bench.render.lines import COLORS
from bench.render.table import Column, Page, Table, plain
from bench.run.again.shown import Curve, Sample, Sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 1.15  # inches of an image
WIDE = 2.3  # inches of the bars of a vector
CURVES = 1.9  # inches of the height of curves
LEAST = 4  # samples in a row that are as wide as the curves
N_POINTS = 400  # drawn of a curve
N_FEATURES = 6  # of a vector that are drawn
SIGNS = 15  # of a caption in an inch
N_SIGNS = 22  # of a name in the width of an image
COLOURS, CONTOUR = "YlOrRd", "#0080ff"
CLIP = 0.999  # quantile of the maps at which the colours end: single pixels would darken the rest
DPI = 110


def png(draw: Callable[[], Figure]) -> bytes:
    """Return a figure that is drawn as a PNG file; equal figures give equal files."""
    import matplotlib

    with matplotlib.rc_context(SETTINGS):
        drawn, file = draw(), io.BytesIO()
        drawn.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


def page(sheet: Sheet) -> Page:
    """Return the page that goes with the picture of a sheet: a table for each group."""
    head = Table("", text=(sheet.caption,))
    columns = (Column("sample", "text"), Column("score"), Column("place"))
    groups = (
        plain(name, columns, [(s.name, f"{s.score:.6g}", s.place) for s in group])
        for name, group in sheet.groups.items()
    )
    return Page(sheet.title, (head, *groups))


def draw(sheet: Sheet) -> Figure:
    """Return the figure: a band for each group, and a column for each sample."""
    from matplotlib.figure import Figure

    groups = [*sheet.groups.values()]
    samples = [sample for group in groups for sample in group]
    of_images = samples[0].x.ndim == 3
    kinds = ["input"]
    if of_images:
        kinds += ["restored"] * any(sample.restored is not None for sample in samples)
        kinds += ["map"] * any(sample.map is not None for sample in samples)
    width = SIDE if of_images else WIDE
    n = max(LEAST * bool(sheet.curves), *map(len, groups))
    heights = [len(kinds) * SIDE + 0.62] * len(groups) + [CURVES] * bool(sheet.curves)
    breadth = max(n, 2) * width * 1.08 + 1.1
    figure = Figure(figsize=(breadth, sum(heights) + 0.5), layout="constrained")
    figure.suptitle(f"{sheet.title}\n", fontsize=TEXT + 2)
    figure.supxlabel(textwrap.fill(sheet.caption, int(SIGNS * breadth)), fontsize=TEXT - 1)
    has_scale = "map" in kinds
    parts = figure.subfigures(
        1, 1 + has_scale, squeeze=False, width_ratios=[n, 0.45][: 1 + has_scale]
    )
    bands = parts[0, 0].subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    low, high = _scale(samples)
    shown = None
    for band, (name, group) in zip(bands, sheet.groups.items(), strict=False):
        band.suptitle(name, fontsize=TEXT, fontweight="bold")
        grid = band.subplots(len(kinds), n, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for column, sample in enumerate(group):
            head = f"{_shortened(sample.name)}\n{sample.score:.3g} (no. {sample.place})"
            grid[0, column].set_title(head, fontsize=TEXT - 2)
            if not of_images:
                _bars(grid[0, column], sample)
                continue
            for axes, kind in zip(grid[:, column], kinds, strict=True):
                shown = _image(axes, sample, kind, (low, high)) or shown
    if sheet.curves:
        for axes, curve in zip(bands[-1].subplots(1, len(sheet.curves)), sheet.curves, strict=True):
            _curve(axes, curve)
    if shown is not None:
        bar = figure.colorbar(shown, cax=parts[0, 1].add_axes((0.1, 0.25, 0.14, 0.5)))
        bar.ax.tick_params(labelsize=TEXT - 2)
        bar.ax.set_title("map", fontsize=TEXT - 1)
    return figure


def _curve(axes: Axes, curve: Curve) -> None:
    """Draw a curve up to its limit, with chance dashed."""
    steps = np.hypot(np.diff(curve.rates), np.diff(curve.heights))
    along = np.concatenate([[0.0], np.cumsum(steps)])
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], N_POINTS)))
    axes.plot((0, curve.limit), (0, curve.limit), color="0.6", linewidth=0.8, linestyle="--")
    axes.plot(curve.rates[kept], curve.heights[kept], color=COLORS[0], linewidth=1.2)
    axes.set_xlim(0, curve.limit)
    axes.set_ylim(0, 1.02)
    axes.set_box_aspect(1)
    axes.set_title(curve.title, fontsize=TEXT - 1)
    axes.set_xlabel("false-positive rate", fontsize=TEXT - 2)
    axes.set_ylabel(curve.height, fontsize=TEXT - 2)
    axes.tick_params(labelsize=TEXT - 2)
    without_frame(axes)


def _scale(samples: list[Sample]) -> tuple[float, float]:
    maps = [sample.map.ravel() for sample in samples if sample.map is not None]
    if not maps:
        return 0, 1
    values = np.concatenate(maps)
    return float(values.min()), float(np.quantile(values, CLIP))


def _image(axes: Axes, sample: Sample, kind: str, scale: tuple[float, float]) -> Any:
    """Draw an input, a reconstruction or a map over its image; return what has a colour scale."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    place: dict[str, Any] = {"extent": (0.0, 1.0, 1.0, 0.0), "aspect": "equal"}
    source = sample.restored if kind == "restored" else sample.x
    if source is None:
        return None
    x = sample.x
    pixels = pixels_of(source, *((0, 255) if x.dtype == np.uint8 else (x.min(), x.max())))
    shown = None
    if kind == "map" and sample.map is not None:
        axes.imshow(pixels.mean(axis=2), cmap="gray", vmin=0, vmax=1, **place)
        share = np.clip((sample.map - scale[0]) / max(scale[1] - scale[0], 1e-300), 0, 1)
        axes.imshow(
            sample.map, COLOURS, alpha=np.sqrt(share), vmin=scale[0], vmax=scale[1], **place
        )
        shown = ScalarMappable(Normalize(*scale), COLOURS)
    else:
        axes.imshow(pixels, **place)
    if sample.mask is not None and sample.mask.any() and kind != "restored":
        rows, columns = ((np.arange(side) + 0.5) / side for side in sample.mask.shape)
        axes.contour(columns, rows, sample.mask, [0.5], colors=CONTOUR, linewidths=0.7)
    return shown


def pixels_of(image: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Return (h, w, 3) colours in [0, 1] of an image (c, h, w) with values from low to high."""
    scaled = np.clip((image.astype(np.float64) - low) / max(high - low, 1e-12), 0, 1)
    return np.moveaxis(np.broadcast_to(scaled, (3, *scaled.shape[1:])), 0, -1)


def _bars(axes: Axes, sample: Sample) -> None:
    """Draw the features of a vector that are most anomalous, with their values."""
    if sample.map is None:
        return
    largest = np.argsort(-sample.map, kind="stable")[:N_FEATURES][::-1]
    axes.set_axis_on()
    axes.barh(range(len(largest)), sample.map[largest], color=COLORS[0])
    axes.set_yticks(
        range(len(largest)),
        [f"feature {i} = {sample.x[i]:.3g}" for i in largest],
        fontsize=TEXT - 2,
    )
    axes.tick_params(axis="x", labelsize=TEXT - 2)
    without_frame(axes)


def _shortened(name: str) -> str:
    return name if len(name) <= N_SIGNS else f"…{name[1 - N_SIGNS :]}"
