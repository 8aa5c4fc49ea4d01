"""The curves of a row's scores enclose the areas that its metrics report."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from bench.metrics import curves, scored

RNG = np.random.default_rng(0)
TRUTH = (RNG.random(500) < 0.1).astype(np.int8)
CASES = {
    "apart": TRUTH.astype(float),
    "reversed": -TRUTH.astype(float),
    "tied": np.round(RNG.normal(size=500) + TRUTH, 1),
    "distinct": RNG.normal(size=500) + TRUTH,
    "constant": np.zeros(500),
}


@pytest.mark.parametrize("case", CASES)
def test_the_areas_are_auroc_and_average_precision(case):
    told = scored.compute(TRUTH, CASES[case])
    alarms, recalls = curves.roc(TRUTH, CASES[case])
    assert np.trapezoid(recalls, alarms) == pytest.approx(told["auroc"])
    assert (alarms[0], recalls[0], alarms[-1], recalls[-1]) == (0, 0, 1, 1)
    recalls, precisions = curves.precision_recall(TRUTH, CASES[case])
    steps = np.diff(recalls, prepend=0)
    assert np.sum(steps * precisions) == pytest.approx(told["average_precision"])


@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_small_and_stays_inside_its_frames(case):
    text = curves.picture(TRUTH, CASES[case])
    assert len(text) < 8192
    for line in ET.fromstring(text).iter("{http://www.w3.org/2000/svg}polyline"):
        points = np.array([point.split(",") for point in line.attrib["points"].split()], float)
        assert len(points) <= curves.MOST_POINTS
        assert 0 <= points.min() <= points.max() <= curves.SIDE
