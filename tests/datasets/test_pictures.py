"""The files of image data sets, and masks at their own resolution."""

import numpy as np
from numpy.testing import assert_array_equal

import datasets
from datasets.families.images import textures
from datasets.formats.images import own_mask
from datasets.pictures import pictures


def test_the_files_of_a_folder_are_those_of_its_rows_with_masks_in_their_own_size(tmp_path):
    textures.write("grain", tmp_path / "grain")
    name = f"folder:{tmp_path / 'grain'}?size=16"
    small, whole = datasets.load(name), datasets.load("textures/grain")
    found = pictures(name)
    assert len(found) == len(small.x) == len(whole.x)
    assert [picture.image.parent.name != "good" for picture in found] == small.y.tolist()
    masks = np.stack([own_mask(picture) for picture in found])
    assert masks.shape == whole.masks.shape
    assert small.masks.shape[1:] == (16, 16)
    assert_array_equal(masks.sum(axis=(1, 2))[130:], whole.masks.sum(axis=(1, 2))[130:])


def test_rows_that_are_no_image_files_with_masks_have_no_files():
    assert pictures("textures/grain") is None
    assert pictures("wine") is None
