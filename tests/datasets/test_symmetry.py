"""Symmetries of images: those on cards, and what normal images say of them."""

import numpy as np
import pytest

import datasets
from datasets.record import Card, DataSet, OfficialSplit
from datasets.symmetry import LEAST, unlike_others

RNG = np.random.default_rng(0)
STEPS = {
    "flips": ("horizontal-flip", "vertical-flip", "half turn"),
    "flips-rotations": ("horizontal-flip", "vertical-flip", "half turn", "quarter turn"),
}


def data_of(x, split=None):
    card = Card(
        name="toy", kind="image", family="toy", source="", licence="", citation="",
        sha256="0" * 64, from_files=True, has_official_split=split is not None,
    )  # fmt: skip
    return DataSet(card, x, np.arange(len(x)) >= len(x) - 5, split)


def lit(n, height=40, width=40):
    """Return round objects whose light comes from the left, and a little noise."""
    rows, columns = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    object_ = (rows**2 + columns**2 < 0.5) * (1 - 0.5 * columns)
    return object_ + 0.1 * RNG.standard_normal((n, 1, height, width))


def test_a_round_object_in_a_light_from_one_side_is_only_itself_upside_down():
    shares = unlike_others(data_of(lit(105)))
    assert shares["vertical-flip"] < 0.2
    assert shares["horizontal-flip"] == shares["half turn"] == shares["quarter turn"] == 1


@pytest.mark.parametrize("kind", ["stripes", "weave", "grain"])
def test_symmetries_on_the_cards_of_textures_hold_and_others_do_not(kind):
    data = datasets.load(f"textures/{kind}")
    declared = STEPS[data.card.symmetries]
    shares = unlike_others(data)
    assert shares.pop("no change") == pytest.approx(0.05, abs=0.03)
    for step, share in shares.items():
        assert share < 0.15 if step in declared else share > 0.3


def test_only_training_images_count_and_few_images_say_nothing():
    x = lit(100)
    split = OfficialSplit(np.arange(60), np.arange(60, 100))
    changed = x.copy()
    changed[60:] = 0
    assert unlike_others(data_of(x, split)) == unlike_others(data_of(changed, split))
    assert unlike_others(data_of(x[: LEAST + 4])) == {}
    assert "quarter turn" not in unlike_others(data_of(lit(100, 40, 33)))
    assert unlike_others(datasets.load("wine")) == {}


def test_only_images_declare_symmetries_and_no_images_of_digits_do():
    names = [name for name in datasets.names() if datasets.find(name).symmetries]
    assert {datasets.find(name).kind for name in names} == {"image"}
    assert not [name for name in names if name.startswith(("mnist", "svhn"))]
    assert datasets.find("mvtec/metal_nut").symmetries == "rotations"


@pytest.mark.skipif(
    not datasets.present("mvtec/bottle"), reason="the bottles are not in the data folder"
)
def test_photographs_of_bottles_have_none_of_them():
    data = datasets.load("mvtec/bottle?size=64")
    assert data.card.symmetries == ""
    shares = unlike_others(data)
    assert shares.pop("no change") < 0.1
    assert min(shares.values()) > 0.5
