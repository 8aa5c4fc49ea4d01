"""Time series: ECG5000 from either form of its files, and any UCR set by path."""

import gzip
import shutil

import numpy as np
import pytest

from datasets import WrongData, data_folder, load, present
from datasets.families import ucr

TRAIN = "1,0.5,1.5,2.5\n2,3.5,4.5,5.5\n1,0.25,1.25,2.25\n"
TEST = "1  6.0e+00  7.0e+00  8.0e+00\n 3  9.0e+00  1.0e+01  1.1e+01\n"


@pytest.fixture
def pair(tmp_path):
    paths = [tmp_path / "Toy_TRAIN.tsv", tmp_path / "Toy_TEST.tsv"]
    paths[0].write_text(TRAIN.replace(",", "\t"))
    paths[1].write_text(TEST)
    return paths


def test_a_pair_of_files_has_the_official_split_with_normals_to_train(pair):
    data = load(f"ucr:{pair[0]}?normal=1")

    assert data.x.dtype == np.float32
    assert data.x.tolist()[1] == [3.5, 4.5, 5.5]
    assert data.y.tolist() == [0, 1, 0, 0, 1]
    assert data.split.train.tolist() == [0, 2]
    assert data.split.test.tolist() == [3, 4]


def test_a_single_file_has_no_split(tmp_path):
    (tmp_path / "a b.csv").write_text(TRAIN)
    data = load(f"ucr:{tmp_path}/a b.csv?normal=2")

    assert data.split is None
    assert data.y.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "?normal=7",
            r"no series has the class '7'; name the normal one, such as \?normal=1; fo",
        ),
        ("", r"no series has the class '0'; name the normal one, .* found: 1, 2, 3"),
        ("?normal=beat", "no series has the class 'beat'"),
    ],
)
def test_a_class_that_is_not_there_is_answered_with_those_that_are(pair, name, sentence):
    with pytest.raises(WrongData, match=sentence):
        load(f"ucr:{pair[0]}{name}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"1,2\n1,2,3\n", "is not a table of numbers with a line for each series"),
        (b"1,2\n1,two\n", "is not a table of numbers with a line for each series: .*two"),
        (b"1\n2\n", "has 1 column; give the class and the values"),
        ("1,2\n1,ä\n".encode(), "is not a table of numbers"),
        (gzip.compress(b"1,2\n2,3\n", mtime=0)[:-4], "is not a table of numbers"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(tmp_path, text, sentence):
    (tmp_path / "a.txt").write_bytes(text)

    with pytest.raises(WrongData, match=rf"a\.txt {sentence}"):
        ucr.read(tmp_path / "a.txt")


def test_files_of_two_lengths_are_refused(pair):
    pair[1].write_text("1 2 3\n2 3 4\n")

    with pytest.raises(WrongData, match="the two files have 4 and 3 columns; give a pair"):
        load(f"ucr:{pair[0]}?normal=1")


def test_ecg5000_is_the_same_from_its_text_files_and_from_arrays(tmp_path):
    if not present("ecg5000"):
        pytest.skip("ecg5000/ is not in the data folder")
    arrays = load("ecg5000")
    folder = tmp_path / "ecg5000"
    folder.mkdir()
    shutil.copy(data_folder() / "ecg5000" / "ECG5000_TRAIN.txt.gz", folder)
    rows = np.column_stack([arrays.y[500:] + 1, arrays.x[500:].astype(np.float64)])
    np.savetxt(folder / "ECG5000_TEST.txt", rows, fmt="  %.7e")
    texts = load("ecg5000", tmp_path)

    np.testing.assert_array_equal(texts.x, arrays.x)
    np.testing.assert_array_equal(texts.y, arrays.y)
    assert len(texts.split.train) == len(arrays.split.train) == 292
    assert texts.card.sha256 != arrays.card.sha256


def test_ecg5000_without_its_test_part_is_refused(tmp_path):
    (tmp_path / "ecg5000").mkdir()
    (tmp_path / "ecg5000" / "ECG5000_TRAIN.txt").write_text(TRAIN)

    with pytest.raises(WrongData, match=r"has no ECG5000_TRAIN\.txt or no ECG5000_TEST\.txt; run"):
        load("ecg5000", tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "1,2,3\n2,1\n1,2,3,4\n",
            r"2 lines have another number of values than the first, 3, such as 2 in line 2",
        ),
        ("1,2,3\n2,,4\n", r"1 value is no number, such as '' at place 2 of line 2"),
        ("1,2,3\n2,x,\n", r"1 line has another .* in line 2; 1 value is no number, such as 'x'"),
        ("1\t2\t3\n2\t?\t4\n\n", r"1 value is no number, such as '\?' at place 2 of line 2"),
        ("1\t0,5\t2\n2\t1,5\t3\n", r"2 lines have commas and blanks between .*, such as line 1"),
        ("1,2,3\n2,1e39,4\n", r"1 value is beyond the range of float32, such as 1e39 in line 2"),
        ("1,2,3\nnan,3,4\n", r"1 value is no number, such as 'nan' at place 1 of line 2"),
        ("\ufeff1,2,3\n2,3,4\n", r"begins with a byte order mark; save it as UTF-8 without one"),
        ("1;2;3\n2;3;4\n", r"2 values are no numbers, such as '1;2;3' at place 1 of line 1"),
    ],
)
@pytest.mark.fault(
    area="data",
    kind="series with gaps",
    how="lines of other lengths, empty, absurd and no values and words in a file of series",
    promise="the file is refused with line and place; no value is shifted",
)
def test_a_series_of_ones_own_with_a_gap_is_refused_and_not_shifted(tmp_path, text, sentence):
    (tmp_path / "a.csv").write_text(text)

    with pytest.raises(WrongData, match=sentence):
        load(f"ucr:{tmp_path}/a.csv?normal=1")


def test_a_series_may_have_missing_values_and_separators_at_the_end(tmp_path):
    (tmp_path / "a.csv").write_text("1, 2, NaN,\n2, 3, 4,\n")

    assert np.isnan(load(f"ucr:{tmp_path}/a.csv?normal=1").x).sum() == 1
