"""The record refuses what does not fit together, and what its card does not pin."""

import hashlib
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, floating_dtypes, integer_dtypes

from datasets import Card, DataSet, OfficialSplit, content_sha256

CARD = Card(
    name="toy",
    kind="tabular",
    family="toy",
    source="written here",
    licence="MIT",
    citation="none",
    sha256="0" * 64,
    n=6,
    shape=(2,),
    n_anomalies=2,
    duplicates=0,
    synthetic=True,
)
X = np.arange(12.0).reshape(6, 2)
Y = np.array([0, 0, 1, 0, 1, 0])
IMAGES = np.zeros((6, 4, 5, 3), dtype=np.uint8)
MASKS = np.zeros((6, 4, 5), dtype=bool)
MASKS[2, 1, 1] = True


def record(x=X, y=Y, split=None, masks=None, bags=None, **card):
    """Return a record with a card made for its content, changed by `card`."""
    made = {
        "n": len(x),
        "shape": x.shape[1:],
        "n_anomalies": int(np.sum(y)),
        "has_official_split": split is not None,
        "sha256": content_sha256(x, y, split, masks, bags),
    }
    return DataSet(replace(CARD, **{**made, **card}), x, y, split, masks, bags)


def refused(text, **fields):
    """Expect that a record of these fields is refused in these words."""
    content = {"x": X, "y": Y, **fields}
    with pytest.raises(ValueError, match=text):
        DataSet(CARD, **content)


def test_a_record_keeps_its_content_and_lets_nobody_write_to_it():
    x, y = X.copy(), Y.copy()
    bags = np.array([0, 0, 1, 1, 2, 2])
    data = record(IMAGES, y, OfficialSplit([0, 1], [2, 3, 4]), MASKS, bags)

    assert data.y.dtype == np.int8
    assert data.split.test.tolist() == [2, 3, 4]
    assert data.masks.sum() == 1
    for array in (data.x, data.y, data.masks, data.bags, data.split.train, data.split.test):
        assert not array.flags.writeable
    with pytest.raises(FrozenInstanceError):
        data.y = y
    assert x.flags.writeable
    assert y.flags.writeable


def test_the_callers_arrays_stay_writeable():
    x = X.copy()
    record(x)

    x[0, 0] = 5


def test_a_memory_mapped_array_is_not_copied(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")

    assert np.shares_memory(record(mapped).x, mapped)


def test_missing_values_are_allowed():
    x = X.copy()
    x[3, 1] = np.nan

    assert np.isnan(record(x).x).sum() == 1


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "uint8", "int64"])
def test_every_plain_number_is_allowed(dtype):
    assert record(X.astype(dtype)).x.dtype == dtype


@pytest.mark.parametrize("dtype", ["str", "complex128", "object", "bool", "datetime64[s]"])
def test_anything_but_plain_numbers_is_refused(dtype):
    refused(r"toy: x is .*; give integers or floats", x=X.astype(int).astype(dtype))


def test_a_vector_for_x_is_refused():
    refused(r"toy: x has shape \(6,\); give \(n, \*shape of a sample\)", x=X[:, 0])


@pytest.mark.parametrize("y", [Y[:5], Y[:, None]])
def test_labels_of_another_length_are_refused(y):
    refused(r"toy: y has shape .*; x has 6 rows, so give \(6,\)", y=y)


@pytest.mark.parametrize(
    "y", [2 * Y, -Y, Y + 0.5, np.where(Y, np.nan, 0), np.array(["0", "1"] * 3)]
)
def test_labels_other_than_0_and_1_are_refused(y):
    refused("toy: y has labels other than 0 and 1; give 1 for an anomaly", y=y)


@pytest.mark.parametrize(("y", "n_anomalies"), [(0 * Y, 0), (0 * Y + 1, 6)])
def test_labels_of_one_class_are_refused(y, n_anomalies):
    refused(f"toy: y has {n_anomalies} anomalies among 6 rows; give at least one of each", y=y)


@pytest.mark.parametrize("y", [Y, Y.astype(bool)])
def test_a_split_at_a_row_trains_on_the_normals_before_it(y):
    split = OfficialSplit.at(3, y)

    assert (split.train.tolist(), split.test.tolist()) == ([0, 1], [3, 4, 5])


def test_a_split_beyond_the_last_row_is_refused():
    split = OfficialSplit([0, 1], [2, 6])

    refused("toy: the official split has row 6; rows are 0 to 5", split=split)


@pytest.mark.parametrize(
    ("train", "test", "text"),
    [
        ([0, 1], [1, 2], "official split: row 1 is listed 2 times; list each row once"),
        ([0, 0, 0], [2], "official split: row 0 is listed 3 times"),
        ([0], [-1], "official split: test has the row number -1; count from 0"),
        ([], [1], r"official split: train is float64 of shape \(0,\); give a non-empty vector"),
        ([0], [[1]], r"official split: test is int64 of shape \(1, 1\)"),
        ([0.0], [1], "official split: train is float64"),
        ([True, False], [1], "official split: train is bool"),
    ],
)
def test_a_split_that_is_none_is_refused(train, test, text):
    with pytest.raises(ValueError, match=text):
        OfficialSplit(train, test)


@given(st.lists(st.integers(-1, 9)), st.lists(st.integers(-1, 9)))
def test_a_split_is_accepted_exactly_if_it_is_one(train, test):
    rows = [*train, *test]
    if train and test and min(rows) >= 0 and len(set(rows)) == len(rows):
        assert OfficialSplit(train, test).train.tolist() == train
    else:
        with pytest.raises(ValueError, match="official split: "):
            OfficialSplit(train, test)


@pytest.mark.parametrize("x", [IMAGES, IMAGES[..., 0], IMAGES.transpose(0, 3, 1, 2)])
def test_masks_have_the_sides_of_the_images_wherever_the_channels_are(x):
    assert record(x, masks=MASKS).masks.shape == (6, 4, 5)


@pytest.mark.parametrize(
    ("masks", "text"),
    [
        (MASKS[:5], r"masks have shape \(5, 4, 5\); x has \(6, 4, 5, 3\)"),
        (MASKS[:, :3], r"masks have shape \(6, 3, 5\); .* give \(n, height, width\)"),
        (MASKS[..., None], r"masks have shape \(6, 4, 5, 1\)"),
        (MASKS * np.uint8(255), "masks have values other than 0 and 1"),
        (MASKS * 1.0, "masks have values other than 0 and 1"),
        (MASKS[::-1], "a normal image has anomalous pixels; give it a mask of zeros or label 1"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, text):
    refused(f"toy: {text}", x=IMAGES, masks=masks)


def test_masks_of_vectors_are_refused():
    refused(r"toy: masks have shape \(6, 2\); x has \(6, 2\)", masks=0 * X.astype(int))


@pytest.mark.parametrize("bags", [np.arange(5), np.arange(6.0), np.arange(6)[:, None]])
def test_bags_that_are_not_one_integer_a_row_are_refused(bags):
    refused(r"toy: bags are .*; give \(6,\) integers", bags=bags)


@pytest.mark.parametrize(
    ("card", "text"),
    [
        ({"n": 7}, "toy: n is 6, the card has 7; correct the data or the card"),
        ({"shape": (3,)}, r"toy: shape is \(2,\), the card has \(3,\)"),
        ({"n_anomalies": 3}, "toy: n_anomalies is 2, the card has 3"),
        ({"has_official_split": True}, "toy: has_official_split is False, the card has True"),
        ({"sha256": "f" * 64}, "toy: content has sha256 [0-9a-f]{64}, expected f{64}; restore"),
    ],
)
def test_content_that_the_card_does_not_describe_is_refused(card, text):
    with pytest.raises(ValueError, match=text):
        record(**card)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"sha256": "abc"}, "toy: sha256 is 'abc'; give 64 lower-case hex digits"),
        ({"shape": ()}, r"toy: the shape of a sample is \(\); give positive sides"),
        ({"shape": (3, 0)}, r"toy: the shape of a sample is \(3, 0\)"),
        ({"n_anomalies": 0}, "toy: 0 anomalies among 6 samples; give at least one of each class"),
        ({"n_anomalies": 6}, "toy: 6 anomalies among 6 samples"),
        ({"duplicates": 6}, "toy: 6 duplicates among 6 samples; give 0 to n-1"),
        ({"max_test_anomaly_rate": 1.0}, r"toy: max_test_anomaly_rate is 1.0; give a share within"),
    ],
)
def test_a_card_that_no_data_set_can_have_is_refused(change, text):
    with pytest.raises(ValueError, match=text):
        replace(CARD, **change)


def test_a_card_counts_values_and_anomalies():
    about = replace(CARD, n=200, shape=(3, 4, 5), n_anomalies=50)

    assert about.d == 60
    assert about.anomaly_rate == 0.25


NUMBERS = arrays(
    st.one_of(floating_dtypes(), integer_dtypes()), array_shapes(min_dims=2, max_dims=4)
)


@given(NUMBERS)
def test_the_content_hash_knows_neither_byte_order_nor_memory_layout(x):
    y = np.arange(len(x)) % 2
    expected = content_sha256(x, y)

    assert content_sha256(np.asfortranarray(x), y) == expected
    assert content_sha256(x.astype(x.dtype.newbyteorder(">")), y.astype(bool)) == expected


@given(NUMBERS, st.data())
def test_the_content_hash_changes_with_any_value(x, data):
    y = np.zeros(len(x), dtype=np.int8)
    at = tuple(data.draw(st.integers(0, side - 1)) for side in x.shape)
    changed = x.copy()
    changed[at] = 1 if x[at] == 0 else 0

    assert content_sha256(changed, y) != content_sha256(x, y)


def test_the_content_hash_reads_large_arrays_to_their_end():
    x = np.zeros((5, 1 << 20))  # 40 MiB, read in pieces of 16
    y = np.zeros(5, dtype=np.int8)
    expected = hashlib.sha256(
        b"x <f8 (5, 1048576)\n" + x.tobytes() + b"y |i1 (5,)\n" + y.tobytes()
    ).hexdigest()

    assert content_sha256(x, y) == expected
    x[-1, -1] = 1
    assert content_sha256(x, y) != expected


def test_the_content_hash_covers_every_part():
    split = OfficialSplit([0], [1])
    bags = np.arange(6)
    hashes = {
        content_sha256(X, Y),
        content_sha256(X, 1 - Y),
        content_sha256(X.reshape(6, 1, 2), Y),
        content_sha256(X.astype(np.float32), Y),
        content_sha256(X, Y, split),
        content_sha256(X, Y, OfficialSplit([0], [2])),
        content_sha256(X, Y, OfficialSplit([2], [1])),
        content_sha256(X, Y, masks=MASKS),
        content_sha256(X, Y, masks=~MASKS),
        content_sha256(X, Y, bags=bags),
        content_sha256(X, Y, bags=bags[::-1]),
    }

    assert len(hashes) == 11
