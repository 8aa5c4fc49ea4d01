"""Scalers: what training rows say is done to both parts, and test rows say nothing."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.protocols import scalers
from bench.protocols.scalers import IMPUTE, SCALERS, check_scaler, scale

ALL = [*SCALERS, *(IMPUTE + name for name in SCALERS)]
values = st.floats(-1e6, 1e6, width=32)
matrices = arrays(np.float64, st.tuples(st.integers(2, 12), st.just(3)), elements=values)


@given(st.sampled_from(ALL), matrices, matrices, matrices)
def test_test_rows_change_neither_training_rows_nor_each_other(name, x_train, x_test, others):
    train, test = scale(name, x_train, x_test)
    train_again, both = scale(name, x_train, np.concatenate([others, x_test]))
    np.testing.assert_array_equal(train, train_again)
    np.testing.assert_array_equal(both[len(others) :], test)


@given(st.sampled_from(ALL), matrices)
def test_a_row_is_scaled_alike_in_training_and_in_test(name, x):
    train, test = scale(name, x, x)
    np.testing.assert_array_equal(train, test)


def test_each_scaler_does_what_it_says():
    x = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    z = np.array([[8.0]])
    expected = {"none": 8, "standard": 6 / np.sqrt(2), "minmax": 2, "robust": 3}
    for name, value in expected.items():
        assert scale(name, x, z)[1].item() == pytest.approx(value)


def test_global_minmax_keeps_the_contrasts_between_pixels():
    x = np.array([[[[0.0, 10.0], [10.0, 200.0]]], [[[0.0, 10.0], [10.0, 100.0]]]])
    train, test = scale("global-minmax", x, 2 * x)
    np.testing.assert_allclose(train, x / 200, rtol=1e-6)
    np.testing.assert_allclose(test, x / 100, rtol=1e-6)


def test_gcn_l1_forgets_brightness_and_contrast_of_each_sample():
    x = np.array([[0.0, 1.0, 5.0], [3.0, 9.0, 0.0]])
    train, test = scale("gcn-l1", x, 7 * x + 3)
    np.testing.assert_allclose(train, test)
    assert (train.min(), train.max()) == (0, 1)


def test_gcn_l1_makes_no_contrast_of_a_flat_samples_rounding():
    x = np.random.default_rng(0).random((9, 30))
    flat = scale("gcn-l1", x, np.full((1, 30), 0.1))[1]
    assert np.ptp(flat) < 1e-9


@pytest.mark.parametrize("name", ["standard", "minmax", "robust"])
def test_a_column_constant_in_training_is_centred_and_not_stretched(name):
    x = np.column_stack([np.full(5, 0.1), np.arange(5.0)])
    train, test = scale(name, x, np.array([[0.1, 0], [7.1, 0]]))
    np.testing.assert_allclose(train[:, 0], 0, atol=1e-12)
    np.testing.assert_allclose(test[:, 0], [0, 7], atol=1e-12)


def test_what_is_not_finite_becomes_the_training_median():
    x_train = np.array([[1.0, np.nan], [np.inf, 5.0], [3.0, 7.0], [8.0, -np.inf]])
    x_test = np.array([[np.nan, np.inf], [100.0, 200.0]])
    train, test = scale("median+none", x_train, x_test)
    np.testing.assert_array_equal(train, [[1, 6], [3, 5], [3, 7], [8, 6]])
    np.testing.assert_array_equal(test, [[3, 6], [100, 200]])


@pytest.mark.parametrize("name", sorted(set(SCALERS) - {"gcn-l1"}))  # which scales each row
def test_a_column_without_a_finite_training_value_is_kept_and_constant(name):
    x_train = np.column_stack([np.full(4, np.nan), np.arange(4.0)])
    train, test = scale(IMPUTE + name, x_train, np.array([[np.nan, 1.0], [2.0, 1.0]]))
    assert train.shape == (4, 2)
    assert (train[:, 0] == 0).all()
    assert np.isfinite(test).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("name", ["standard", "none"])
def test_vectors_come_as_float64_and_images_as_float32_in_c_order(name, dtype):
    x = np.asfortranarray(np.arange(24).reshape(4, 6), dtype=dtype)
    for part in scale(name, x, x[:2]):
        assert part.dtype == np.float64
        assert part.flags.c_contiguous
    images = x.reshape(4, 1, 2, 3)
    train, test = scale(name, images, images[:2])
    assert (train.dtype, test.dtype) == (np.float32, np.float32)
    assert (train.shape, test.shape) == ((4, 1, 2, 3), (2, 1, 2, 3))
    flat, _ = scale(name, x, x[:2])
    np.testing.assert_allclose(train.reshape(4, 6), flat, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_images_scaled_in_blocks_of_pixels_are_the_same_to_the_last_bit(name, monkeypatch):
    rng = np.random.default_rng(0)
    x_train, x_test = (rng.integers(0, 256, (n, 3, 9, 11), np.uint8) for n in (40, 15))
    whole = scale(name, x_train, x_test)
    monkeypatch.setattr(scalers, "BLOCK_VALUES", 100)

    for blocks, one in zip(scale(name, x_train, x_test), whole, strict=True):
        np.testing.assert_array_equal(blocks, one)


@pytest.mark.parametrize("name", ["standard", "global-minmax", "gcn-l1", "median+gcn-l1"])
def test_scaling_photographs_takes_little_more_memory_than_the_result(name, monkeypatch):
    x = np.random.default_rng(0).integers(0, 256, (40, 3, 64, 64), np.uint8)
    scale(name, x[:, :, :4], x[:, :, :4])  # imports are none of its memory
    monkeypatch.setattr(scalers, "BLOCK_VALUES", 1 << 15)
    tracemalloc.start()
    results = scale(name, x, x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1.5 * sum(part.nbytes for part in results)


def test_small_integers_do_not_overflow():
    x = np.array([[250], [254]], dtype=np.uint8)
    np.testing.assert_array_equal(scale("standard", x, x)[0], [[-1], [1]])


def test_the_data_are_not_changed():
    x, z = np.array([[1.0, np.nan], [2.0, 3.0]]), np.array([[np.inf, 1.0]])
    before = x.copy(), z.copy()
    for name in ALL:
        if name.startswith(IMPUTE):
            scale(name, x, z)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(z, before[1])


def test_unknown_scalers_are_answered_with_the_nearest():
    for name in ALL:
        assert check_scaler(name) == name
    with pytest.raises(ValueError, match=r"unknown scaler 'minmx'; did you mean minmax"):
        check_scaler("minmx")
    with pytest.raises(ValueError, match="unknown scaler 'median'"):
        check_scaler("median")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape", [(40, 6), (30, 1, 4, 4)])
def test_a_fitted_scaler_gives_what_scaling_both_parts_gives(name, shape):
    x = np.random.default_rng(0).normal(3, 2, (2, *shape))
    x[:, :, 0] = x[0, 0, 0]
    if name.startswith(IMPUTE):
        x[:, ::7] = np.nan
    fitted = scalers.Fitted.on(name, x[0])
    for part, expected in zip(x, scale(name, *x), strict=True):
        found = fitted.apply(part)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
        assert found.flags.c_contiguous
