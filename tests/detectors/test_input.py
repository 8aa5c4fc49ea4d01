"""Input as people have it is taken for what it is, or refused in one sentence."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
import torch

from detectors import Unsupported, make

X = np.random.default_rng(0).normal(size=(40, 3)) * [1, 10, 100]
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
IMAGES = X.reshape(10, 1, 3, 4)


def _read_only(x):
    x = x.copy()
    x.setflags(write=False)
    return x


def _mapped(x, path):
    np.save(path, x)
    return np.load(path, mmap_mode="r")


SAME = {
    "lists": X.tolist(),
    "Fortran order": np.asfortranarray(X),
    "read-only": _read_only(X),
    "a reversed view": X[::-1].copy()[::-1],
    "big-endian": X.astype(">f8"),
    "long double": X.astype(np.longdouble),
    "no value masked": np.ma.masked_array(X, mask=False),
    "a tensor": torch.tensor(X),
    "a frame": FRAME,
    "a frame of Float64": FRAME.convert_dtypes(),
    "a frame of Arrow": FRAME.astype("float64[pyarrow]"),
    "a frame of sparse columns": FRAME.astype(pd.SparseDtype("float64")),
    "a table of pyarrow": pa.Table.from_pandas(FRAME),
    "a frame with columns of two levels": FRAME.set_axis(
        pd.MultiIndex.from_tuples([("x", "a"), ("x", "b"), ("y", "c")]), axis=1
    ),
}


@pytest.mark.parametrize("kind", SAME)
@pytest.mark.parametrize("spec", ["knn", "pca"])
def test_the_same_numbers_in_another_form_give_the_same_scores(spec, kind):
    expected = make(spec).fit(X).score(X[:9])
    assert np.array_equal(make(spec).fit(SAME[kind]).score(SAME[kind])[:9], expected)


def test_a_memory_map_gives_the_same_scores(tmp_path):
    mapped = _mapped(X, tmp_path / "x.npy")
    assert np.array_equal(make("knn").fit(mapped).score(mapped), make("knn").fit(X).score(X))


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint64", "bool"])
def test_other_real_numbers_count_as_their_float64(dtype):
    x = np.abs(X).astype(dtype)
    same = x.astype(np.float64)
    assert np.array_equal(make("knn").fit(x).score(x), make("knn").fit(same).score(same))


def test_columns_of_several_numeric_types_count_as_float64():
    frame = FRAME.assign(n=pd.array(range(40), dtype="Int64"), flag=FRAME.a > 0)
    x = np.column_stack([X, np.arange(40), X[:, 0] > 0])
    assert np.array_equal(make("knn").fit(frame).score(frame), make("knn").fit(x).score(x))


REFUSED = {
    "a vector": (np.zeros(4), r"x has shape \(4,\); expected \(n, d\)"),
    "no rows": (np.zeros((0, 4)), r"x has shape \(0, 4\)"),
    "texts": ([["1", "2"]], "x has dtype <U1; expected real numbers"),
    "complex": (X + 1j, "x has dtype complex128; expected real numbers"),
    "decimals": ([[Decimal(1)]], "x has dtype object; expected real numbers"),
    "times": (X.astype("m8[s]"), r"x has dtype timedelta64\[s\]; expected real numbers"),
    "records": (FRAME.to_records(), "x has dtype .*record.*; expected real numbers"),
    "ragged lists": ([[1, 2], [3]], "x, a list, cannot be read as an array: .*inhomogeneous"),
    "a generator": ((row for row in X), "x is a generator; expected an array or a table"),
    "nothing": (None, "x is a NoneType; expected an array or a table of numbers"),
    "a sparse matrix": (
        scipy.sparse.csr_matrix(X),
        r"x is a sparse csr_matrix; give x.toarray\(\)",
    ),
    "a sparse tensor": (torch.tensor(X).to_sparse(), r"x, a Tensor, .*Use Tensor.to_dense\(\)"),
    "a tensor with gradients": (
        torch.tensor(X, requires_grad=True),
        r"x, a Tensor, cannot be read as an array: .*detach\(\)",
    ),
    "a tensor of bfloat16": (torch.tensor(X).bfloat16(), r"BFloat16; give x\.detach\(\)\..*double"),
    "NaN": ([[1.0, np.nan]], "x has 1 values that are missing or infinite; impute or drop them"),
    "masked values": (
        np.ma.masked_greater(X, 99),
        r"x has \d+ values that are missing or infinite",
    ),
    "masked integers": (np.ma.masked_equal(X.astype(int), 0), r"x has \d+ values that are missing"),
    "NA of pandas": (FRAME.convert_dtypes().mask(FRAME > 99), r"x has \d+ values that are missing"),
    "a column of texts": (FRAME.assign(t="5"), "column 't' of x has dtype str; expected real"),
    "a column of dates": (FRAME.assign(t=pd.Timestamp(0)), "column 't' of x has dtype datetime64"),
    "a column of objects": (FRAME.astype({"b": object}), "column 'b' of x has dtype object"),
    "a complex column": (FRAME.assign(b=1j), "column 'b' of x has dtype complex128"),
    "dates of pyarrow": (
        pa.table({"a": [1.0], "t": [pd.Timestamp(0)]}),
        "column 't' of x has dtype datetime64",
    ),
    "large long doubles": (
        X.astype(np.longdouble) * np.longdouble("1e4000"),
        "x has 120 values beyond the range of float64; rescale them first",
    ),
    "large pixels": (IMAGES * 1e300, "x has 120 values beyond the range of float32; rescale"),
}


@pytest.mark.fault(
    area="data",
    kind="input of another type",
    how="samples are complex, sparse, masked, missing, ragged, texts, dates or too large",
    promise="fit and score refuse them in one sentence, which names the type and the column",
)
@pytest.mark.parametrize("kind", REFUSED)
def test_input_that_is_no_table_of_real_numbers_is_unsupported(kind):
    x, message = REFUSED[kind]
    for use in (make("knn").fit, make("knn").fit(X).score):
        with pytest.raises(Unsupported, match=message):
            use(x)


@pytest.mark.fault(
    area="data",
    kind="columns in another order",
    how="a fitted detector is given a frame with its columns permuted, renamed or replaced",
    promise="it refuses them in one sentence; an array still goes by position",
)
@pytest.mark.parametrize("spec", ["knn", "pyod:HBOS", "ae", "ae:largest-error", "ae+knn"])
def test_a_table_is_scored_with_the_columns_it_was_fitted_with(spec):
    detector = make(spec, **{"epochs": 1} if "ae" in spec else {}).fit(FRAME)
    expected = detector.score(FRAME)
    assert np.array_equal(detector.score(X), expected)
    assert np.array_equal(detector.score(pa.Table.from_pandas(FRAME)), expected)
    for columns, other in [("cba", "c"), ("zbc", "z"), ("abz", "z")]:
        frame = FRAME.set_axis(list(columns), axis=1)
        with pytest.raises(
            Unsupported, match=f"column . of x is '{other}', in training it was '.'"
        ):
            detector.score(frame)
    with pytest.raises(Unsupported, match=r"samples have shape \(4,\), training samples had"):
        detector.score(FRAME.assign(d=1))


def test_seeds_that_train_together_expect_the_columns_too():
    seeds = [make("ae", epochs=1, seed=seed) for seed in (0, 1)]
    assert type(seeds[0].model).fit_together([each.model for each in seeds], [FRAME, FRAME])
    with pytest.raises(Unsupported, match="column 0 of x is 'c', in training it was 'a'"):
        seeds[1].model.score(FRAME[["c", "b", "a"]])


def test_columns_of_two_levels_are_named_where_they_differ():
    frame = FRAME.set_axis(pd.MultiIndex.from_product([["x"], ["a", "b", "c"]]), axis=1)
    with pytest.raises(
        Unsupported, match=r"column 0 of x is \('x', 'c'\), in training it was \('x"
    ):
        make("knn").fit(frame).score(frame.iloc[:, ::-1])


def test_a_second_fit_forgets_the_columns_of_the_first():
    detector = make("knn").fit(FRAME).fit(X)
    assert len(detector.score(FRAME[["c", "b", "a"]])) == 40
