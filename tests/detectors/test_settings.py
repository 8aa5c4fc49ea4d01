"""Settings are checked by the annotations of a detector's fields, and refused in words."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pytest
from annotated_types import Ge, Gt, Le, Lt

from detectors import make
from detectors.factory import check
from detectors.settings import check_settings, describe, nearest


@dataclass
class Example:
    """One field of every kind."""

    count: Annotated[int, Ge(1)] = 1
    share: Annotated[float, Gt(0), Lt(1)] = 0.5
    widths: tuple[Annotated[int, Ge(1)], ...] = (64, 32)
    rule: Literal["scott", "silverman"] | Annotated[float, Gt(0)] = "scott"
    whole: bool = False
    label: str | None = None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, "it: count = 0 is not accepted: an integer >= 1"),
        ({"count": 2.0}, "it: count = 2.0 is not accepted: an integer >= 1"),
        ({"count": True}, "it: count = True is not accepted: an integer >= 1"),
        ({"count": "3"}, "it: count = '3' is not accepted: an integer >= 1"),
        ({"share": 1}, "it: share = 1 is not accepted: a number > 0 and < 1"),
        ({"share": float("nan")}, "it: share = nan is not accepted: a number > 0 and < 1"),
        (
            {"widths": [64, 0]},
            "it: widths = (64, 0) is not accepted: a list with each entry an integer >= 1",
        ),
        ({"widths": 64}, "it: widths = 64 is not accepted: a list with each entry an integer >= 1"),
        ({"rule": "scot"}, "accepted: 'scott' or 'silverman' or a number > 0"),
        ({"rule": -1}, "it: rule = -1 is not accepted"),
        ({"rule": float("inf")}, "it: rule = inf is not accepted"),
        ({"whole": 1}, "it: whole = 1 is not accepted: true or false"),
        ({"label": 3}, "it: label = 3 is not accepted: a string or none"),
        ({"cuont": 3}, "it has no setting 'cuont'; did you mean count?"),
        ({"zzz": 3}, "it has no setting 'zzz'; known: count, label, rule, share, whole, widths"),
    ],
)
def test_a_refused_setting_is_named_with_what_is_accepted(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_settings(Example, settings, "it")


def test_accepted_settings_come_back_and_lists_as_tuples():
    settings = {"count": 3, "share": 0.25, "widths": [8, 4], "rule": 2, "label": None}
    assert check_settings(Example, settings, "it") == {**settings, "widths": (8, 4)}


def test_numbers_of_numpy_are_accepted_as_those_of_python():
    settings = {"count": np.int64(3), "share": np.float32(0.25), "widths": np.array([8, 4])}
    settings |= {"whole": np.bool_(True), "label": np.str_("a"), "rule": np.array(2.0)}
    found = check_settings(Example, settings, "it")
    assert found == dict(count=3, share=0.25, widths=(8, 4), whole=True, label="a", rule=2.0)
    assert {type(value) for value in found.values()} == {int, float, tuple, bool, str}
    assert {type(width) for width in found["widths"]} == {int}
    head = make("ae+lof", hidden=[np.int8(4)], head={"n_neighbors": np.uint8(3)}).head
    assert type(head.n_neighbors) is int


def test_bounds_read_as_signs():
    assert describe(Annotated[float, Gt(0), Le(1)]) == "a number > 0 and <= 1"
    assert describe(Annotated[int, Ge(2)] | None) == "an integer >= 2 or none"


def test_the_nearest_names_come_first_and_all_if_none_is_near():
    assert nearest("n_neighbours", ["n_neighbors", "seed"]) == "did you mean n_neighbors?"
    assert nearest("xyz", ["b", "a"]) == "known: a, b"


@pytest.mark.parametrize(
    ("spec", "settings", "message"),
    [
        ("lof", {"n_neighbors": 0}, "lof: n_neighbors = 0 is not accepted: an integer >= 1"),
        ("knn", {"aggregation": "max"}, "knn: aggregation = 'max' is not accepted: 'largest' or"),
        ("ocsvm", {"nu": 1.5}, "ocsvm: nu = 1.5 is not accepted: a number > 0 and <= 1"),
        ("pca", {"n_components": 1.0}, "an integer >= 1 or a number > 0 and < 1"),
        ("kde", {"seed": -1}, "kde: seed = -1 is not accepted: an integer >= 0"),
        ("kde", {"seed": np.int64(-1)}, "kde: seed = -1 is not accepted: an integer >= 0"),
        ("kde", {"seed": np.float64(1)}, "kde: seed = 1.0 is not accepted: an integer >= 0"),
        ("knn", {"n_neighbors": np.array([5])}, "n_neighbors = (5,) is not accepted: an integer"),
        ("ae+lof", {"head": {"n_neighbors": 0}}, "lof: n_neighbors = 0 is not accepted"),
        ("ae+lof", {"head": {"neighbors": 3}}, "lof has no setting 'neighbors'"),
        ("lof", {"head": {"n_neighbors": 3}}, "lof has no setting 'head'"),
        ("untrained-ae", {"epochs": 3}, "untrained-ae takes no epochs; it is ae with none"),
        ("ae", {"epochs": -1}, "ae: epochs = -1 is not accepted: an integer >= 0"),
    ],
)
def test_make_and_check_refuse_settings_alike(spec, settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make(spec, **settings)
    with pytest.raises(ValueError, match=re.escape(message)):
        check(spec, settings)
