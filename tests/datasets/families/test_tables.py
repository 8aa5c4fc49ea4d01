"""The user's own tables: right results, or sentences that say which setting to give."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

import datasets
from datasets import WrongData, load
from tests.helpers.files.tables import FRAME, SETTINGS, write


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "feather"])
def test_a_table_is_read_alike_from_every_format(tmp_path, ending):
    path = write(tmp_path, f"täble of mine.{ending}")
    data = load(f"file:{path}?{SETTINGS}&drop=job")

    assert data.x.tolist() == [[30, 1.5], [41, 2.5], [52, 3.5], [63, 4.5]]
    assert data.y.tolist() == [0, 0, 1, 0]
    assert (data.card.n, data.card.d, data.card.n_anomalies) == (4, 2, 1)


def test_npz_and_mat_hold_x_and_y(tmp_path):
    x, y = FRAME[["age", "income"]].to_numpy(), np.array([3, 3, 5, 3])
    np.savez(tmp_path / "a.npz", X=x, y=y)
    savemat(tmp_path / "a.mat", {"X": x, "y": y})

    for ending in ("npz", "mat"):
        data = load(f"file:{tmp_path}/a.{ending}?normal=3")
        np.testing.assert_array_equal(data.x, x)
        assert data.y.tolist() == [0, 0, 1, 0]


def test_columns_of_arrays_are_called_by_their_place_and_the_label_y(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.arange(9).reshape(3, 3), y=np.array([0, 0, 1]))
    name = f"file:{tmp_path}/a.npz"

    assert load(f"{name}?label=y&drop=1&na=3&missing=keep").x[[0, 2]].tolist() == [[0, 2], [6, 8]]
    assert load(f"{name}?categorical=0").codes.texts == {0: ("0", "3", "6")}
    with pytest.raises(WrongData, match=r"there is no column 'a'; found: 0, 1, 2, y"):
        load(f"{name}?drop=a")


def test_missing_values_of_arrays_follow_the_declared_rule_too(tmp_path):
    x = np.array([[1.0, 2], [np.nan, 3], [4, 5], [6, 7]])
    np.savez(tmp_path / "a.npz", X=x, y=np.array([0, 0, 1, 0]))
    name = f"file:{tmp_path}/a.npz"

    with pytest.raises(WrongData, match=r"'0' has 1 missing value, .* row 2; .*missing=keep"):
        load(name)
    assert np.isnan(load(f"{name}?missing=keep").x[1, 0])
    assert load(f"{name}?missing=drop-rows").x.tolist() == [[1, 2], [4, 5], [6, 7]]
    assert load(f"{name}?missing=drop-rows").y.tolist() == [0, 1, 0]


def test_text_is_kept_as_codes_and_encoded_by_the_rows_that_train(tmp_path):
    name = f"file:{write(tmp_path)}?{SETTINGS}&categorical="
    data = load(name + "one-hot")
    assert data.codes.texts == {2: ("cook", "nurse", "smith")}

    train, test = data.codes.encode(data.x[:2], data.x[2:])
    assert train.tolist() == [[30, 1.5, 0, 1], [41, 2.5, 1, 0]]
    assert test.tolist() == [[52, 3.5, 0, 1], [63, 4.5, 0, 0]]

    data = load(name + "ordinal")
    train, test = data.codes.encode(data.x[:2], data.x[2:])
    assert train[:, 2].tolist() == [1, 0]
    assert test[:, 2].tolist() == [1, -1]


def test_a_missing_text_is_no_text(tmp_path):
    path = write(tmp_path, job=["nurse", None, "cook", "nurse"])
    data = load(f"file:{path}?{SETTINGS}&categorical=one-hot&missing=keep")

    train, _ = data.codes.encode(data.x, data.x)
    assert train[:, 2:].tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]


def test_the_declared_rule_decides_on_missing_values(tmp_path):
    path = write(tmp_path, income=[1.5, None, 3.5, 4.5])
    name = f"file:{path}?{SETTINGS}&drop=job"

    with pytest.raises(WrongData, match=r"column 'income' has 1 missing value, .*missing=keep"):
        load(name)
    assert np.isnan(load(f"{name}&missing=keep").x[1, 1])
    dropped = load(f"{name}&missing=drop-rows")
    assert dropped.x[:, 0].tolist() == [30, 52, 63]
    assert dropped.y.tolist() == [0, 1, 0]


def test_markers_of_missing_values_can_be_declared(tmp_path):
    path = write(tmp_path, income=["1.5", "?", "3.5", "4.5"])
    name = f"file:{path}?{SETTINGS}&drop=job"

    with pytest.raises(
        WrongData, match=r"column 'income' has 1 cell that is not .* such as '\?' .*na=%3F"
    ):
        load(name)
    assert np.isnan(load(f"{name}&na=%3F&missing=keep").x[1, 1])


@pytest.mark.parametrize(
    ("changes", "settings", "sentence"),
    [
        ({}, "", "name the label column .*; found: id, age, income, job, class"),
        ({}, "label=klass", "there is no column 'klass'; found: id, age"),
        ({}, "label=class&drop=ID", "drop: there is no column 'ID'; the nearest: id"),
        (
            {},
            "label=class&drop=id",
            "'job' has 4 cells of text, .*'nurse'.*&categorical=job",
        ),
        ({}, SETTINGS + "&drop=job&normal=good", "no row has the label good; found: ok, fraud"),
        ({}, "label=class&drop=id,job&normal=good", "no row has the label good; found: o"),
        (
            {},
            "label=class&drop=id&drop=job",
            "labels are ok, fraud; name the normal ones .--normal, .*&normal=ok&",
        ),
        ({"class": ["ok", None, "x", "ok"]}, SETTINGS + "&drop=job", "column 'class' has 1 empty"),
        ({"class": "ok"}, SETTINGS + "&drop=job", "all 4 rows are normal, with the labels ok; gi"),
        (
            {"job": ["2024-01-01", "2024-02-01", "2024-03-01", "2024-03-09"]},
            SETTINGS,
            "column 'job' has 4 dates, such as '2024-01-01' in row 1; .*&dates=calendar",
        ),
        (
            {"job": pd.to_datetime(["2024-01-01"] * 4)},
            SETTINGS + "&categorical=one-hot",
            "column 'job' has 4 dates, such as '2024-01-01",
        ),
        ({}, "label=class&drop=id&drop=job&drop=age&drop=income", "no column is left besides the"),
    ],
)
def test_what_cannot_be_read_so_is_answered_with_the_setting_to_give(
    tmp_path, changes, settings, sentence
):
    name = f"file:{write(tmp_path, **changes)}?{settings}"
    with pytest.raises(ValueError, match=sentence):
        load(name)


@pytest.mark.parametrize(
    "text", ["1/31/24", "31-01-24", "3 Jan 2024", "3. January 2024", "03-JAN-24", "Jan 3, 2024"]
)
def test_dates_are_distinguished_from_categories_however_they_are_written(tmp_path, text):
    path = write(tmp_path, job=[text] * 4)

    with pytest.raises(WrongData, match="'job' has 4 dates in no ISO form, such as"):
        load(f"file:{path}?{SETTINGS}&categorical=one-hot")


@pytest.mark.parametrize("text", ["10.10.10.1", "1.2.10", "marble 3", "3-4-500", "deck 12, 2024"])
def test_texts_that_resemble_dates_are_categories(tmp_path, text):
    path = write(tmp_path, job=[text] * 4)

    assert load(f"file:{path}?{SETTINGS}&categorical=one-hot").codes.texts == {2: (text,)}


def test_a_column_without_a_name_is_refused_since_it_mostly_counts_the_rows(tmp_path):
    FRAME.to_csv(tmp_path / "a.csv")

    with pytest.raises(
        WrongData, match=r"column 1 has no name, .*; to read it: .*&drop=Unnamed%3A%200'"
    ):
        load(f"file:{tmp_path}/a.csv?{SETTINGS}&drop=job")
    assert load(f"file:{tmp_path}/a.csv?{SETTINGS}&drop=job&drop=Unnamed: 0").x.shape == (4, 2)


def test_decimal_commas_are_distinguished_from_categories(tmp_path):
    (tmp_path / "a.csv").write_text("size;class\n1,5;0\n2,5;1\n3,5;0\n")

    with pytest.raises(
        WrongData, match=r"column 'size' has 3 numbers with separators .*'1,5'.*decimal=comma"
    ):
        load(f"file:{tmp_path}/a.csv?label=class")


def test_three_labels_with_one_normal_are_fine(tmp_path):
    path = write(tmp_path, **{"class": ["ok", "theft", "fraud", "ok"]})

    assert load(f"file:{path}?{SETTINGS}&drop=job").y.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    "labels", [[0, 0, 1, 0], [0.0, 0.0, 1.0, 0.0], [False, False, True, False]]
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_labels_0_and_1_need_no_setting(tmp_path, labels, ending):
    path = write(tmp_path, f"a.{ending}", **{"class": labels})

    assert load(f"file:{path}?label=class&drop=id&drop=job").y.tolist() == [0, 0, 1, 0]


def test_names_in_unicode_are_read_with_a_byte_order_mark_or_without(tmp_path):
    for k, encoding in enumerate(("utf-8", "utf-8-sig")):
        path = tmp_path / f"{k}.csv"
        path.write_text("größe,class\n1,ähnlich\n2,neu\n3,ähnlich\n", encoding=encoding)
        data = load(f"file:{path}?label=class&normal=ähnlich")

        assert data.y.tolist() == [0, 1, 0]
        with pytest.raises(WrongData, match="no column is left"):
            load(f"file:{path}?label=class&normal=ähnlich&drop=größe")


def test_a_file_without_names_of_columns_counts_them(tmp_path):
    (tmp_path / "a.csv").write_text("1.5;2;0\n3.5;4;1\n5.5;6;0\n")
    data = load(f"file:{tmp_path}/a.csv?label=2")

    assert data.x.tolist() == [[1.5, 2], [3.5, 4], [5.5, 6]]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "is empty; replace it with the right one"),
        ("a.csv", b"x,class\n", "has no rows; give a line for each sample"),
        (
            "a.csv",
            b"x,class\n1,0\n2,1,9\n3,1\n",
            "1 row has more or fewer cells .* 3 in row 2",
        ),
        (
            "a.csv",
            b"x,class\n1,0,5\n2,1,9\n",
            "2 rows have more or fewer cells than the 2 columns, such as 3 in row 1",
        ),
        (
            "a.csv",
            b"x,class\n1,0\n\xff\xfe,1\n",
            r"is not encoded in UTF-8 \(byte 0xff .*; save it as UTF-8",
        ),
        ("a.csv", b"<!DOCTYPE html><html>", "is a web page, not data"),
        ("a.parquet", b"PAR1 and then nothing", "is not a complete parquet file"),
        ("a.feather", b"no feather", "is not a complete feather file"),
        ("a.npz", b"no npz", "is not an npz file of plain arrays"),
        ("a.mat", b"no mat file, but long enough to have a header" * 9, "is not a complete MATLAB"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(WrongData, match=sentence):
        load(f"file:{tmp_path}/{name}?label=class")


def test_a_table_read_in_pieces_is_the_same(tmp_path, monkeypatch):
    path = write(tmp_path)
    whole = load(f"file:{path}?{SETTINGS}&categorical=ordinal")
    monkeypatch.setattr("datasets.formats.source.BLOCK_BYTES", 40)
    pieces = load(f"file:{path}?{SETTINGS}&categorical=ordinal")

    np.testing.assert_array_equal(whole.x, pieces.x)
    np.testing.assert_array_equal(whole.y, pieces.y)
    assert whole.codes == pieces.codes


def test_text_that_comes_late_in_a_column_of_numbers_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.formats.source.BLOCK_BYTES", 40)
    path = write(tmp_path, age=["30", "41", "52", "old"])

    with pytest.raises(
        WrongData, match="column 'age' has 1 cell that is not a number, such as 'old' in row 4"
    ):
        load(f"file:{path}?{SETTINGS}&drop=job&categorical=one-hot")


LOAD_AND_SPLIT = """
import sys, time
import numpy as np
import datasets
from bench.protocols import named

start = time.process_time()
data = datasets.load(sys.argv[1])
split = named.split("one-class", data, 0)
train, test = data.x[split.train], data.x[split.test[split.order]]
seconds = time.process_time() - start
peak = int(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]) / 2**20
print(data.x.shape, len(train) + len(test), f"{seconds:.2f} s, {peak:.2f} GiB")
assert seconds < 2
assert peak < 1
"""


def run(code, *arguments):
    """Run code in a fresh interpreter; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=Path(datasets.__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


NEEDS_PROC = pytest.mark.skipif(sys.platform != "linux", reason="reads its peak from /proc")


@NEEDS_PROC
def test_a_set_of_the_largest_size_of_adbench_is_loaded_and_split_in_2_s_and_1_gib(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(619_326, 10)).round(2), rng.random(619_326) < 0.06
    np.savez(tmp_path / "a.npz", X=x, y=y)

    assert "(619326, 10) 619326 " in run(LOAD_AND_SPLIT, f"file:{tmp_path}/a.npz")


LOAD_WITHIN_4_GIB = """
import sys
import datasets
data = datasets.load(sys.argv[1])
peak = int(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]) / 2**20
print(data.x.shape, int(data.y.sum()), f"{peak:.2f} GiB")
assert peak < 4
"""


@NEEDS_PROC
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_csv_of_2_gb_is_read_within_4_gib(tmp_path):
    rows = np.random.default_rng(0).normal(size=(1000, 20))
    lines = "".join(",".join(f"{v:.12f}" for v in row) + ",0\n" for row in rows).encode()
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.write(",".join([*(f"c{j}" for j in range(20)), "label"]).encode() + b"\n")
        while file.tell() < 2_000_000_000:
            file.write(lines)
        file.write(lines[: lines.index(b"\n")][:-1] + b"1\n")
    printed = run(LOAD_WITHIN_4_GIB, f"file:{path}?label=label")
    path.unlink()

    assert ", 20) 1 " in printed


def grouped(tmp_path, change=None, query="?group=patient&label=sick"):
    """Return the set of a table of six groups of three rows, after a change to it."""
    frame = pd.DataFrame({
        "age": np.arange(18.0)[::-1] % 7, "dose": np.arange(18.0) % 5,
        "patient": np.tile(["p a", "b", "c", "d", "e", "f"], 3),
        "sick": np.tile([0, 0, 1, 0, 0, 1], 3),
    })  # fmt: skip
    if change:
        change(frame)
    frame.to_csv(tmp_path / "t.csv", index=False)
    return load(f"groups:{tmp_path}/t.csv{query}")


def test_the_group_column_of_a_table_is_no_feature_and_says_which_rows_belong_together(tmp_path):
    data = grouped(tmp_path)

    assert data.x.shape == (18, 2)
    assert data.bags.tolist() == [0, 1, 2, 3, 4, 5] * 3
    assert dict(data.card.columns)["group"] == "patient"
    assert data.card.sha256 != load(f"file:{tmp_path}/t.csv?label=sick&drop=patient").card.sha256


def test_rows_left_out_for_missing_values_are_left_out_of_their_groups(tmp_path):
    data = grouped(
        tmp_path,
        lambda frame: frame.__setitem__("age", frame["age"].mask(frame.index == 1)),
        "?group=patient&label=sick&missing=drop-rows&normal=0",
    )

    assert data.bags.tolist() == [0, 2, 3, 4, 5, *range(6), *range(6)]


def set_cell(row, column, value):
    def change(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[row, column] = value

    return change


def fault_of_groups(kind, how):
    return pytest.mark.fault(
        area="data", kind=kind, how=how, promise="one sentence that says which group or column"
    )


@pytest.mark.parametrize(
    ("change", "query", "why"),
    [
        pytest.param(
            set_cell(0, "sick", 1),
            "?group=patient&label=sick",
            "t.csv: group 'p a' has 2 normal and 1 anomalous rows; a group has one label$",
            marks=fault_of_groups("a group with both labels", "one label of a table changed"),
        ),
        pytest.param(
            set_cell(0, "patient", "alone"),
            "?group=patient&label=sick",
            "t.csv: group 'alone' has one row; a group needs at least two$",
            marks=fault_of_groups("a group of one row", "one group of a table renamed"),
        ),
        pytest.param(
            None,
            "?group=patent&label=sick",
            r"there is no column 'patent' besides the label; the nearest: patient; to read it: "
            r"bench data card 'groups:\S*t.csv\?label=sick&group=patient'$",
            marks=fault_of_groups("an unknown group column", "misspelt in the name"),
        ),
        pytest.param(
            None,
            "?group=sick&label=sick",
            "there is no column 'sick' besides the label; found: age, dose, patient",
            marks=fault_of_groups("the label as group column", "named so"),
        ),
        pytest.param(
            set_cell(3, "patient", None),
            "?group=patient&label=sick",
            "column 'patient' has 1 empty cell, the first in row 4: each row needs its group; "
            "correct the file$",
            marks=fault_of_groups("a row without a group", "an empty cell"),
        ),
        pytest.param(
            None,
            "?label=sick",
            r"name the column that says which group a row is of \(\?group=COLUMN\)$",
            marks=fault_of_groups("no group column", "left out of the name"),
        ),
    ],
)
def test_a_table_of_bad_groups_is_refused_with_one_sentence(tmp_path, change, query, why):
    with pytest.raises((WrongData, ValueError), match=why):
        grouped(tmp_path, change, query)
