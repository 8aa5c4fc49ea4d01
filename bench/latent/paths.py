"""Ways between two samples, and arithmetic of codes, as the samples they decode to.

The geodesic is that of Fisher and Rao between the posteriors, along which the spread changes too:
Costa, Santos and Strapasson, Discrete Applied Mathematics 2015, doi:10.1016/j.dam.2014.10.004.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.training.latent import Decoded, Posteriors

Floats = NDArray[np.float64]

STEPS = 8


def ends(codes: Floats) -> tuple[int, int]:
    """Return the samples at the 5 and 95 % quantile of the first component of codes (n, k)."""
    centred = codes - codes.mean(axis=0)
    along = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    order = np.argsort(along, kind="stable")
    last = len(order) - 1
    return int(order[round(0.05 * last)]), int(order[round(0.95 * last)])


def interpolations(space: Decoded, x: Floats, noise: Floats) -> dict[str, Floats]:
    """Return the ways (STEPS, *shape) between two samples (2, *shape), by what is interpolated.

    Args:
        space: the latent space.
        x: the samples.
        noise: (1, k), that of the draws from the posteriors on the geodesic.
    """
    t = np.linspace(0, 1, STEPS)
    found = {"between samples: input": (mixed := _line(x.astype(np.float64), t))}
    found["between samples: input, reconstructed"] = space.decode(
        space.codes(mixed.astype(x.dtype))
    )
    if space.last_layer is not None:
        found["between samples: hidden layer"] = space.decode(
            space.codes_of_hidden(_line(space.hidden(x), t))
        )
    found["between samples: codes"] = space.decode(_line(space.codes(x), t))
    if isinstance(space, Posteriors) and space.has_moments:
        mean, scale = space.between(x, t)
        found["Fisher-Rao geodesic: decoded means"] = space.decode(mean)
        found["Fisher-Rao geodesic: decoded draws"] = space.decode(mean + scale * noise)
    return found


def arithmetic(space: Decoded, x: Floats, normal: Floats, odd: Floats) -> dict[str, Floats]:
    """Return what a normal sample and an anomaly (2, *shape) become by the way between the classes.

    The way is from the mean code of normal samples to that of anomalies: it is added to the code of
    the normal sample, and subtracted from that of the anomaly.
    """
    way = odd.mean(axis=0) - normal.mean(axis=0)
    t = np.linspace(0, 1, STEPS)[:, None]
    start, end = space.codes(x)
    return {
        "arithmetic: normal + t (anomalies - normals)": space.decode(start + t * way),
        "arithmetic: anomaly - t (anomalies - normals)": space.decode(end - t * way),
    }


def _line(ends: Floats, t: Floats) -> Floats:
    """Return (T, ...) the points between two (2, ...)."""
    share = t.reshape(-1, *[1] * (ends.ndim - 1))
    points: Floats = (1 - share) * ends[0] + share * ends[1]
    return points
