"""Groups of rows, and detectors of rows that score them."""

import numpy as np
import pytest

from detectors import Groups, Pooled, Unsupported, make
from detectors.grouped import GroupHybrid

RNG = np.random.default_rng(0)
TRAIN = [RNG.normal(size=(n, 3)) for n in (4, 7, 5, 9, 6, 8)]
TEST = [RNG.normal(size=(n, 3)) for n in (3, 2, 6)]
OF_GROUPS = ("mmd", "ocsmm", "mean-embedding", "mean-embedding+knn")


def test_groups_give_each_group_its_own_rows_in_any_order():
    groups = Groups.of(TEST)

    assert groups.shape == (3, 3)
    for one, other in zip(groups[np.array([2, 0])], (TEST[2], TEST[0]), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(groups.means(groups.rows), [x.mean(axis=0) for x in TEST])


def test_a_detector_of_rows_scores_a_group_by_the_mean_of_the_scores_of_its_rows():
    rows = make("knn", n_neighbors=3).fit(np.concatenate(TRAIN))
    pooled = Pooled(model=make("knn", n_neighbors=3)).fit(TRAIN).score(TEST)

    np.testing.assert_allclose(pooled, [rows.score(x).mean() for x in TEST], rtol=1e-12)


def test_a_readout_of_a_model_is_pooled_too():
    rows = make("ae:largest-error", epochs=2).fit(np.concatenate(TRAIN))
    pooled = Pooled(model=make("ae:largest-error", epochs=2)).fit(TRAIN).score(TEST)

    np.testing.assert_allclose(pooled, [rows.score(x).mean() for x in TEST], rtol=1e-12)


def test_a_head_reads_the_codes_of_groups():
    detector = make("mean-embedding+knn", head={"n_neighbors": 1})
    codes = make("mean-embedding").fit(TRAIN).encode(TRAIN)

    assert isinstance(detector, GroupHybrid)
    assert codes.shape == (len(TRAIN), 100)
    assert detector.fit(TRAIN).score(TRAIN).max() < 1e-5


@pytest.mark.parametrize("spec", OF_GROUPS)
def test_scores_of_groups_do_not_depend_on_the_order_of_rows_or_groups(spec):
    settings = {"head": {"n_neighbors": 2}} if "+" in spec else {}
    detector = make(spec, **settings).fit(TRAIN)
    scores = detector.score(TEST)
    turned = detector.score([x[::-1] for x in TEST[::-1]])[::-1]

    np.testing.assert_allclose(turned, scores, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("spec", OF_GROUPS)
def test_rows_without_groups_are_unsupported_and_the_protocol_is_named(spec):
    with pytest.raises(Unsupported, match=r"shape \(9, 3\), not groups of rows; use the protocol"):
        make(spec).fit(np.zeros((9, 3)))


def test_bad_groups_are_unsupported_with_one_sentence():
    fitted = make("mmd").fit(TRAIN)

    with pytest.raises(Unsupported, match="group 1 has one row; a group needs at least two"):
        fitted.score([TEST[0], TEST[1][:1]])
    with pytest.raises(Unsupported, match=r"rows have shape \(2,\), rows of training had \(3,\)"):
        fitted.score([x[:, :2] for x in TEST])
    with pytest.raises(Unsupported, match="3 values that are missing or infinite"):
        fitted.score([TEST[0], np.array([[np.nan] * 3, [0.0] * 3])])
    with pytest.raises(ValueError, match="MMD is not fitted; call fit"):
        make("mmd").score(TEST)


def test_images_count_as_vectors_of_their_pixels():
    images = [x.reshape(-1, 1, 3, 1).astype(np.float32) for x in TRAIN]
    flat = [x.astype(np.float32) for x in TRAIN]

    np.testing.assert_array_equal(
        make("mmd").fit(images).score(images), make("mmd").fit(flat).score(flat)
    )
