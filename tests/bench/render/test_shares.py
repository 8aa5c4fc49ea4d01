"""Shares in a score as images."""

import numpy as np
import PIL.Image
import pytest

from bench.render.shares import RED, write_overlays


@pytest.mark.parametrize(("side", "drawn"), [(8, 256), (100, 200), (300, 300)])
def test_a_map_is_large_enough_to_be_seen_and_red_where_the_score_is_made(tmp_path, side, drawn):
    shares = np.zeros((1, side, side))
    shares[0, 0, 0] = 1
    (path,) = write_overlays(tmp_path, ["a/b"], np.full((1, 1, side, side), 100, np.uint8), shares)
    assert path.name == "a-b-map.png"
    picture = np.asarray(PIL.Image.open(path))
    assert picture.shape == (drawn, drawn, 3)
    is_red = (picture == (0.3 * 100 + 0.7 * RED).astype(np.uint8)).all(axis=2)
    assert is_red.sum() == (drawn // side) ** 2
    assert (picture[~is_red] == 100).all()
