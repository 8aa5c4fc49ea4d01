"""What `bench show` draws: samples of a test set with their scores and maps.

The detector is fitted in this process, without labels; these only choose the samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import datasets
from bench.metrics.scored import HELD, auroc
from bench.protocols.named import find
from bench.run import scoring
from bench.run.again.debug import fitted, one_thread
from bench.run.again.unscaled import way_back
from bench.run.prepare import prepare
from bench.store.records import Wanted
from datasets.formats.images import own_mask
from datasets.pictures import pictures
from detectors.factory import load_class
from detectors.localisation import Localizer
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
class Sheet:
    """Samples of a test set in groups, by what they show.

    Attributes:
        title: data set and detector.
        caption: protocol, scaler, seed and what is reached.
        groups: samples by what they have in common.
    """

    title: str
    caption: str
    groups: dict[str, list[Sample]]


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
        maps = restored = None
        if spec.pooling is not None and len(x):
            maps = cast("Localizer", detector).localize(x, spec.readout)
        back = way_back(loaded, wanted, unit) if x.ndim == 4 else None
        if hasattr(model, "reconstruct") and len(x) and back:
            restored = back(model.reconstruct(x))
    source = loaded.x[rows[picked]]
    if source.shape != x.shape:  # columns of texts were encoded
        source = x
    files = pictures(wanted.dataset, data)
    samples = []
    for i, at in enumerate(picked):
        row = rows[at]
        mask = None
        if loaded.masks is not None and loaded.y[row]:
            mask = own_mask(files[row]) if files else loaded.masks[row]
        samples.append(
            Sample(
                "/".join(files[row].image.parts[-2:]) if files else f"row {row}",
                int(np.flatnonzero(falling == at)[0]) + 1,
                float(scores[at]),
                source[i],
                None if maps is None else maps[i],
                None if restored is None else restored[i],
                mask,
            )
        )
    waiting = iter(samples)
    groups = {name: [next(waiting) for _ in places] for name, places in chosen.items()}
    pooled = {None: "no maps", "": "gradient or error maps, not pooled"}
    of_test = truth != HELD
    reached = f"AUROC {auroc(truth[of_test], scores[of_test]):.3f} on {of_test.sum()} test samples"
    caption = (
        f"{wanted.protocol}, {wanted.scaler}, seed {wanted.seed}; {reached}; "
        f"{pooled.get(spec.pooling, f'the {spec.pooling} of a map orders samples as the score')}"
    )
    return Sheet(
        f"{wanted.label} on {wanted.dataset}",
        caption,
        {name: group for name, group in groups.items() if group},
    )
