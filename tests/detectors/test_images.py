"""Images reach detectors of vectors flattened, and every score requires the shape of training."""

import numpy as np
import pytest

from detectors import Unsupported, make
from detectors.deep.autoencoders.autoencoder import Autoencoder

IMAGES = np.random.default_rng(0).normal(size=(60, 1, 4, 3)).astype(np.float32)
SETTINGS = {"ae": {"epochs": 2}, "ae+knn": {"epochs": 2}, "vae:elbo": {"epochs": 2}}


@pytest.mark.parametrize("spec", ["knn", "max-abs-z", "ae", "vae:elbo", "ae+knn"])
def test_images_score_as_their_flattened_pixels(spec):
    flat = IMAGES.reshape(60, -1)
    deep = {"flatten": True} if spec in SETTINGS else {}
    ours = make(spec, **SETTINGS.get(spec, {}), **deep).fit(IMAGES[:40]).score(IMAGES[40:])
    theirs = make(spec, **SETTINGS.get(spec, {})).fit(flat[:40]).score(flat[40:])
    assert np.allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("spec", ["knn", "ae"])
def test_images_of_another_shape_are_refused_also_where_the_pixels_are_as_many(spec):
    fitted = make(spec, **SETTINGS.get(spec, {})).fit(IMAGES[:40])
    with pytest.raises(Unsupported, match=r"shape \(1, 3, 4\), training samples had \(1, 4, 3\)"):
        fitted.score(IMAGES[40:].transpose(0, 1, 3, 2))


def test_seeds_that_train_together_keep_the_shape_of_their_images():
    detectors = [Autoencoder(seed=seed, epochs=2) for seed in (0, 1)]
    assert type(detectors[0]).fit_together(detectors, [IMAGES[:40]] * 2) == [None, None]
    alone = make("ae", seed=1, epochs=2).fit(IMAGES[:40])
    assert np.array_equal(alone.score(IMAGES), detectors[1].score(IMAGES))
