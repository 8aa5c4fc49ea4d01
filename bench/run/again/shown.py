"""What `bench show` draws: samples of a test set with their scores and maps.

The detector is fitted in this process, without labels; these only choose the samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import datasets
from bench.metrics import pixels
from bench.metrics.curves import roc
from bench.metrics.pixel_areas import LIMITS, values_of
from bench.metrics.scored import HELD, auroc
from bench.protocols.named import find
from bench.run import scoring
from bench.run.again.debug import fitted, one_thread
from bench.run.again.unscaled import way_back
from bench.run.prepare import prepare
from bench.store.records import Wanted
from datasets import DataSet
from datasets.formats.images import Picture, own_mask
from datasets.pictures import pictures
from detectors.factory import load_class
from detectors.localisation import Localizer, falls
from detectors.spec import parse


@dataclass(frozen=True)
class Sample:
    """A test sample.

    Attributes:
        name: its file, or its row in the data set.
        place: its place by score among the test samples, the most anomalous first, from 1.
        score: its anomaly score.
        x: as in the data set; as it was scored, where columns of texts were encoded.
        map: (h, w) of an image, (d,) of a vector; None without one.
        restored: its reconstruction, in the units of x; None without one.
        mask: (height, width), 1 where it is anomalous; None without one.
    """

    name: str
    place: int
    score: float
    x: NDArray[Any]
    map: NDArray[np.float64] | None
    restored: NDArray[np.float64] | None
    mask: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Curve:
    """A curve over the false-positive rate, of every threshold.

    Attributes:
        title: of what it is, with its area up to `limit`.
        height: what its heights are.
        rates: (m,) from 0 to 1.
        heights: (m,) from 0 to 1.
        limit: the largest rate that counts.
    """

    title: str
    height: str
    rates: NDArray[np.float64]
    heights: NDArray[np.float64]
    limit: float = 1.0


@dataclass(frozen=True)
class Sheet:
    """Samples of a test set in groups, by what they show.

    Attributes:
        title: data set and detector.
        caption: protocol, scaler, seed and what is reached.
        groups: samples by what they have in common.
        curves: of the whole test set, where maps are judged by masks.
    """

    title: str
    caption: str
    groups: dict[str, list[Sample]]
    curves: tuple[Curve, ...] = ()


def sheet(
    wanted: Wanted, data: Path | None, best: int, worst: int, errors: int, console: Console
) -> Sheet:
    """Return the sheet of a row: anomalies that score highest and lowest, and the normal samples
    that score highest.

    Raises:
        FileNotFoundError: the data set's files are missing.
        ValueError: the protocol or the scaler cannot use the data set.
    """
    if find(wanted.protocol).scores_groups:
        msg = f"a sheet shows rows, and the protocol {wanted.protocol} scores groups; give another"
        raise ValueError(msg)
    loaded = datasets.load(wanted.dataset, data)
    unit = prepare(loaded, [wanted])
    spec = parse(wanted.spec)
    load_class(spec.entry.target)
    rows = unit.split.scored[unit.split.order]
    with one_thread():
        model, detector = fitted(spec, unit, console)
        scores = scoring.score(detector, spec.readout, unit.x_test)
        truth = unit.truth[unit.split.order]
        falling = np.argsort(-scores, kind="stable")
        odd, normal = falling[truth[falling] == 1], falling[truth[falling] == 0]
        chosen = {
            "anomalies that score highest": odd[:best],
            "anomalies that score lowest": odd[::-1][:worst],
            "normal samples that score highest": normal[:errors],
        }
        picked = np.concatenate([*chosen.values()])
        x = unit.x_test[picked]
        files = pictures(wanted.dataset, data)
        maps: NDArray[np.float64] | None = None
        curves: tuple[Curve, ...] = ()
        of_test = truth != HELD
        if spec.pooling is not None and unit.masks is not None:
            all_maps = pixels.scores_of(cast("Localizer", detector), spec.readout, unit.x_test)
            maps = all_maps[picked].astype(np.float64)
            masks = [_mask(loaded, files, row) for row in rows[of_test]]
            curves = _curves(truth[of_test], scores[of_test], masks, all_maps[of_test])
        elif spec.pooling is not None and len(x):
            maps = cast("Localizer", detector).localize(x, spec.readout)
        elif x.ndim == 2 and len(x):
            medians = np.median(unit.x_train, axis=0)
            maps = falls(
                lambda x: scoring.score(detector, spec.readout, x), x, medians, range(x.shape[1])
            )
        restored = None
        if (
            hasattr(model, "reconstruct")
            and x.ndim == 4
            and (back := way_back(loaded, wanted, unit))
        ):
            restored = back(model.reconstruct(x))
    source = loaded.x[rows[picked]]
    if source.shape != x.shape:  # columns of texts were encoded
        source = x
    samples = [
        Sample(
            "/".join(files[rows[at]].image.parts[-2:]) if files else f"row {rows[at]}",
            int(np.flatnonzero(falling == at)[0]) + 1,
            float(scores[at]),
            source[i],
            None if maps is None else maps[i],
            None if restored is None else restored[i],
            None if loaded.masks is None or not truth[at] else _mask(loaded, files, rows[at]),
        )
        for i, at in enumerate(picked)
    ]
    waiting = iter(samples)
    groups = {name: [next(waiting) for _ in places] for name, places in chosen.items()}
    fall = "fall of the score with the training median in place of a feature"
    pooled = {
        None: "no maps" if maps is None else f"bars: {fall}",
        "": "gradient or error maps, not pooled",
    }
    reached = f"AUROC {auroc(truth[of_test], scores[of_test]):.3f} on {of_test.sum()} test samples"
    caption = (
        f"{wanted.protocol}, {wanted.scaler}, seed {wanted.seed}; {reached}; "
        f"{pooled.get(spec.pooling, f'the {spec.pooling} of a map orders samples as the score')}"
    )
    return Sheet(
        f"{wanted.label} on {wanted.dataset}",
        caption,
        {name: group for name, group in groups.items() if group},
        curves,
    )


def _mask(data: DataSet, files: Sequence[Picture] | None, row: int) -> NDArray[np.uint8]:
    """Return the mask of a row, at its own resolution where it is a file."""
    assert data.masks is not None
    mask: NDArray[np.uint8] = own_mask(files[row]) if files else data.masks[row]
    return mask


def _curves(
    truth: NDArray[np.int8],
    scores: NDArray[np.float64],
    masks: Sequence[NDArray[np.uint8]],
    maps: NDArray[np.float32],
) -> tuple[Curve, ...]:
    """Return the curves of images and of pixels; none where no pixel is marked."""
    if not any(mask.any() for mask in masks):
        return ()
    rate, found, overlap, odds = pixels.points(masks, maps)
    areas = values_of(rate, found, overlap, odds)
    return (
        Curve(f"images, AUROC {auroc(truth, scores):.3f}", "recall", *roc(truth, scores)),
        Curve(f"pixels, AUROC {areas['pixel_auroc']:.3f}", "recall", rate, found),
        Curve(f"regions, AUPRO {areas['aupro']:.3f}", "overlap", rate, overlap, LIMITS["aupro"]),
    )
