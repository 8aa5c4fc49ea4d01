"""The colours of the types of detectors, as readers with colour blindness see them.

G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A physiologically-based model for simulation of
color vision deficiency", 2009, doi:10.1109/TVCG.2009.113: the matrices for the strongest form.
"""

from itertools import combinations

import numpy as np
import pytest

from bench.boards.words import TYPES
from bench.render import palette

VISIONS = {
    "full": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # of linear sRGB
PAPERS = {"LIGHT": "#ffffff", "DARK": "#14171a"}


def linear(colour: str):
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIELAB of linear sRGB; a distance of 2.3 is just noticeable."""
    x = XYZ @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", PAPERS)
def test_types_are_distinguished_by_every_reader(theme, vision):
    seen = [
        lab(np.array(VISIONS[vision]) @ linear(colour))
        for colour in getattr(palette, theme).values()
    ]
    assert len(seen) == len(TYPES)
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 15


@pytest.mark.parametrize("theme", PAPERS)
def test_marks_stand_out_from_the_paper(theme):
    paper = XYZ[1] @ linear(PAPERS[theme])
    for colour in getattr(palette, theme).values():
        dark, light = sorted([paper, XYZ[1] @ linear(colour)])
        assert (light + 0.05) / (dark + 0.05) >= 3  # WCAG 2.1, for graphics
