"""`bench latent`: the model of a row is fitted in this process, and its latent space is studied.

The fit has no labels. They only mark samples of the planes, choose the samples of the arithmetic
and measure the separability.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

import datasets
from bench.latent.holes import Prior, prior
from bench.latent.paths import arithmetic, ends, interpolations
from bench.latent.separability import Separability, separability
from bench.latent.spectrum import plane, spectrum
from bench.latent.units import Units, units
from bench.metrics.scored import HELD
from bench.run.again.debug import fitted, one_thread
from bench.run.again.unscaled import way_back
from bench.run.prepare import Unit, prepare
from bench.store.records import Wanted
from datasets import DataSet
from detectors.factory import load_class
from detectors.registry import TABLE, find
from detectors.spec import Spec, parse
from detectors.training.latent import Decoded, LatentSpace, Posteriors, latent_space

Floats = NDArray[np.float64]

N_DRAWS = 20  # from each posterior, for the spectrum of samples


@dataclass(frozen=True)
class Plane:
    """Codes in the plane of their first two principal components.

    Attributes:
        points: (m, 2) of the test samples.
        share: of the variance of the training codes in this plane.
    """

    points: Floats
    share: float


@dataclass(frozen=True)
class Study:
    """What is found in the latent space of a model.

    Attributes:
        title: model and data set.
        caption: protocol, scaler, seed, and numbers of samples and units.
        y: (m,) labels of the test samples.
        spectra: variances (k,) of principal components of training codes, by what is encoded.
        units: of a posterior, None without one.
        active: number of active units by latent size; empty where it was not asked for.
        separable: by what is separated.
        planes: by model.
        paths: samples (t, *shape) by what they show; images (c, h, w) in the units of the data set,
            vectors as they are scaled.
        prior: None without a prior and a decoder.
        limits: the range of the values of training samples that a picture shows.
    """

    title: str
    caption: str
    y: NDArray[np.int8]
    spectra: Mapping[str, Floats]
    units: Units | None
    active: Mapping[int, int]
    separable: Mapping[str, Separability]
    planes: Mapping[str, Plane]
    paths: Mapping[str, Floats]
    prior: Prior | None
    limits: tuple[float, float]


def study(wanted: Wanted, data: Path | None, sizes: Sequence[int], console: Console) -> Study:
    """Return what is in the latent space of a row's model.

    Args:
        wanted: the row.
        data: the data folder.
        sizes: latent sizes at which the model is fitted again, to count its active units.
        console: where the fits are reported.

    Raises:
        FileNotFoundError: the data set's files are missing.
        ValueError: the model has no codes, or the protocol or scaler cannot use the data set.
    """
    spec = parse(wanted.spec)
    _check(spec)
    loaded = datasets.load(wanted.dataset, data)
    unit = prepare(loaded, [wanted])
    shown = _shown(loaded, wanted, unit)
    truth = unit.truth[unit.split.order]
    x, x_test, y = unit.x_train, unit.x_test[truth != HELD], truth[truth != HELD]
    with one_thread():
        space = _space(spec, unit, console)
        other = "vae" if spec.base == "ae" else "ae"
        size = {"latent_dim": space.codes(x[:1]).shape[1]}
        spaces = {
            spec.model: space,
            other: _space(parse(other), _with(unit, size), console),
        }
        active = {}
        if isinstance(space, Posteriors) and space.has_moments:
            for k in sizes:
                again = _space(spec, _with(unit, {**wanted.settings, "latent_dim": k}), console)
                if found := _units(again, x):
                    active[k] = found.n_active
        paths, drawn = {}, None
        if isinstance(space, Decoded):
            paths = _paths(space, x, x_test, y)
            drawn = prior(space, x, shown) if space.has_prior else None
        return Study(
            f"Latent space of {spec.model} on {wanted.dataset}",
            f"{wanted.protocol}, {wanted.scaler}, seed {wanted.seed}; {len(x)} training samples, "
            f"{len(y)} test samples, codes of {size['latent_dim']} units{_settings(wanted)}",
            y,
            _spectra(space, x),
            _units(space, x),
            active,
            _separable(space, x_test, y, wanted.seed),
            {
                name: Plane(*plane(each.codes(x), each.codes(x_test)))
                for name, each in spaces.items()
            },
            {name: shown(path) for name, path in paths.items()},
            drawn,
            _limits(shown(x)),
        )


def _check(spec: Spec) -> None:
    if spec.head:
        msg = f"{spec}: a head has no latent space; give its model, {spec.model}"
        raise ValueError(msg)
    if not spec.entry.encodes:
        able = ", ".join(name for name in TABLE if find(name).encodes)
        msg = f"{spec.base} has no latent space; models that have: {able}"
        raise ValueError(msg)


def _shown(data: DataSet, wanted: Wanted, unit: Unit) -> Callable[[Floats], Floats]:
    """Return what brings scaled samples into the form in which they are drawn."""
    sides = data.card.sides
    if unit.x_train.ndim == 2 and sides is None:
        return np.asarray
    back = way_back(data, wanted, unit) or np.asarray
    shape = unit.x_train.shape[1:] if sides is None else (1, *sides)
    return lambda x: back(x).reshape(-1, *shape)


def _limits(x: Floats) -> tuple[float, float]:
    """Return the range of images, and of vectors that of all but the most distant values."""
    if x.ndim > 2:
        return float(x.min()), float(x.max())
    most = float(np.quantile(abs(x), 0.98))
    return -most, most


def _settings(wanted: Wanted) -> str:
    return "".join(f", {name} = {value}" for name, value in wanted.settings.items())


def _with(unit: Unit, settings: Mapping[str, Any]) -> Unit:
    """Return the samples of a model for one with other settings."""
    return replace(unit, wanted=(replace(unit.wanted[0], settings=settings),))


def _space(spec: Spec, unit: Unit, console: Console) -> LatentSpace:
    load_class(spec.entry.target)
    return latent_space(fitted(spec, unit, console)[0])


def _spectra(space: LatentSpace, x: Floats) -> dict[str, Floats]:
    codes = space.codes(x)
    if not isinstance(space, Posteriors):
        return {"codes": spectrum(codes)}
    noise = space.model.stream("draws of the spectrum").standard_normal((N_DRAWS, *codes.shape))
    draws = np.concatenate([space.draws(x, each) for each in noise])
    return {"means": spectrum(codes), "samples": spectrum(draws)}


def _units(space: LatentSpace, x: Floats) -> Units | None:
    if not isinstance(space, Posteriors) or not space.has_moments:
        return None
    return units(space.kl_by_unit(x), space.codes(x))


def _separable(
    space: LatentSpace, x: Floats, y: NDArray[np.int8], seed: int
) -> dict[str, Separability]:
    codes = {"codes": space.codes(x)}
    if isinstance(space, Posteriors) and space.has_moments:
        mean, log_variance = space.moments(x)
        codes = {"mu": mean, "mu and log sigma": np.hstack([mean, 0.5 * log_variance])}
    found = {name: separability(each, y, seed) for name, each in codes.items()}
    return {name: each for name, each in found.items() if each}


def _paths(space: Decoded, x: Floats, x_test: Floats, y: NDArray[np.int8]) -> dict[str, Floats]:
    """Return ways between two training samples, and from the typical sample of each class."""
    codes = space.codes(x_test)
    noise = space.model.stream("draws of the geodesic").standard_normal((1, codes.shape[1]))
    normal, odd = codes[y == 0], codes[y == 1]
    typical = [
        x_test[y == label][((each - each.mean(axis=0)) ** 2).sum(axis=1).argmin()]
        for label, each in enumerate((normal, odd))
    ]
    return {
        **interpolations(space, x[list(ends(space.codes(x)))], noise),
        **arithmetic(space, np.stack(typical), normal, odd),
    }
