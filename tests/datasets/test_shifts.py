"""Shifts of normal images: what they do to pixels, and what rows a shifted data set has."""

import numpy as np
import pytest

from datasets import find, load
from datasets.shifts import DEFECTIVE, GROUPS, HELD, PLAIN, SEVERITIES, SHIFTS, TRAIN, shifted

IMAGE = np.random.default_rng(0).integers(60, 180, (3, 40, 30)).astype(np.uint8)


def test_brightness_adds_grey_levels_and_stays_in_a_byte():
    assert (shifted(IMAGE, "brightness", 2) == IMAGE + 16).all()
    assert shifted(np.full((1, 8, 8), 250, np.uint8), "brightness", 3).max() == 255


def test_translation_moves_down_and_to_the_right_and_repeats_the_edge():
    moved = shifted(IMAGE, "translation", 3)
    assert (moved[:, 3:, 3:] == IMAGE[:, :-3, :-3]).all()
    assert (moved[:, 0, 3:] == IMAGE[:, 0, :-3]).all()


@pytest.mark.parametrize("kind", SHIFTS)
def test_a_shift_is_stronger_with_severity_and_the_same_each_time(kind):
    image = np.add.outer(np.arange(128), np.arange(128) // 2)[None].astype(np.uint8)
    image[:, 50:70, 50:70] = 255
    made = [shifted(image, kind, severity) for severity in SEVERITIES]
    assert (made[1] == shifted(image, kind, 2)).all()
    distances = [float(np.abs(each.astype(float) - image).mean()) for each in made]
    assert 0 < distances[0] < distances[1] < distances[2]


def test_noise_differs_between_images():
    first, second = (shifted(image, "noise", 3).astype(int) - image for image in (IMAGE, IMAGE + 1))
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.1


def test_a_shifted_data_set_holds_out_training_images_and_only_defects_are_anomalous():
    plain, data = load("textures/weave"), load("textures-shift/weave")
    groups = {name: np.flatnonzero(data.bags == i) for i, name in enumerate(GROUPS)}
    assert (data.split.train == groups[TRAIN]).all()
    assert len(groups[HELD]) == 33
    assert set(groups[HELD]) <= set(data.split.test)
    train = np.concatenate([data.x[groups[TRAIN]], data.x[groups[HELD]]])
    assert {row.tobytes() for row in train} == {row.tobytes() for row in plain.x[plain.split.train]}
    assert (np.flatnonzero(data.y) == groups[DEFECTIVE]).all()
    for kind in SHIFTS:
        expected = [shifted(image, kind, 2) for image in data.x[groups[PLAIN]]]
        assert (data.x[groups[f"{kind} 2"]] == expected).all()


def test_a_shifted_category_is_of_the_family_of_the_plain_one():
    assert find("mvtec-shift/bottle").family == find("mvtec/bottle").family
    assert find("mvtec-shift/bottle?size=64").options == {"size": 64, "grey": False}
