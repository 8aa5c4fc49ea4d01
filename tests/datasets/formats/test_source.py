"""Files as they are laid out: heads, widths, quotes, encodings, and what is inside of them."""

import bz2
import gzip
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from datasets import WrongData, load
from datasets.formats.arff import read_head

AREA = "data"
HEAD = "a,b,label\n"
ROWS = "".join(f"{k},{k / 2},{int(k > 3)}\n" for k in range(6))


def read(folder, content, settings="?label=label", name="a.csv"):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return load(f"file:{folder}/{name}{settings}")


def layout(kind, content, sentence, name="a.csv"):
    """Return a case of a file whose layout is at fault."""
    mark = pytest.mark.fault(
        area=AREA,
        kind="layout of a table",
        how=kind,
        promise="the file is refused with all that is wrong; no column is shifted or dropped",
    )
    return pytest.param(content, sentence, name, id=kind, marks=mark)


@pytest.mark.parametrize(
    ("content", "sentence", "name"),
    [
        layout(
            "rows that are too long and too short",
            HEAD + "1,2,0,9\n" + ROWS + "1,2\n",
            "2 rows have more or fewer cells than the 3 columns, such as 4 in row 1; correct",
        ),
        layout(
            "names for all columns but one, as R writes them",
            "a,label\n" + ROWS,
            "6 rows have more or fewer cells than the 2 columns, such as 3 in row 1; correct",
        ),
        layout(
            "the names again in the middle",
            HEAD + ROWS + HEAD + ROWS,
            "the names of the columns are repeated in row 7; correct the file",
        ),
        layout(
            "a second line of units, or of names",
            HEAD + "mm,kg,\n" + ROWS,
            "csv: row 1 is a second line of names or units: .*; correct the file$",
        ),
        layout(
            "a title over the names",
            "my table,,\n" + HEAD + ROWS,
            "row 1 is a second line of names or units: it has no number where others have",
        ),
        layout("a line for Excel", "sep=;\n" + HEAD + ROWS, "first line for Excel alone, sep"),
        layout("a comment", "# mine\n" + HEAD + ROWS, "'# mine'; .*if that is a .*comment, remove"),
        layout(
            "a pointer of Git LFS",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "is a pointer of Git LFS to a file, not the file .git lfs pull.; replace it",
        ),
        layout(
            "a quote that is not closed",
            HEAD + '1,2,0\n3,"4,0\n' + ROWS,
            "(has a quote that is not closed|1 row has more or fewer cells)",
        ),
        layout(
            "a last quote that is not closed",
            HEAD + ROWS + '3,4,"0\n5,6,1\n',
            "has a quote that is not closed, before '0",
        ),
        layout(
            "whole numbers as the first line",
            "0,1,2\n" + ROWS,
            "the first line, 0, 1, 2, may be the names of columns .header=yes. or a row .no.; .*",
        ),
        layout(
            "fractions in the first line",
            "0.126,-0.132,bad\n1.5,2,ok\n",
            "the first line, 0.126, -0.132, bad, has numbers: it may be a row .*&header=no",
        ),
        layout(
            "two columns with the name of the label",
            "label,b,label\n" + ROWS,
            "columns 1 and 3 are both called 'label'; .*; correct the file, then: bench",
        ),
        layout(
            "a second label that pandas renamed",
            "a,label.1,label\n" + ROWS,
            "column 'label.1' is called like the label 'label', and .* away; .*&drop=label.1'$",
        ),
        layout(
            "two columns with one name",
            "a,a ,label\n" + ROWS,
            "columns 1 and 2 are both called 'a'; .*&drop=a'$",
        ),
        layout(
            "a column called as the label but for its case",
            "Label,b,label\n" + ROWS,
            "column 'Label' is called like the label 'label', and may .*&drop=Label'$",
        ),
        layout(
            "rows of arff that are too long and too short",
            "@relation t\n@attribute a real\n@attribute label {0,1}\n@data\n1,0\n1,0,3\n2,1\n2\n",
            "2 rows have more or fewer cells than the 2 columns, such as 3 in row 2; correct",
            "a.arff",
        ),
        layout(
            "utf-16",
            (HEAD + ROWS).encode("utf-16"),
            r"is not encoded in UTF-8 .byte 0xff in line 1 cannot be decoded.",
        ),
        layout(
            "a byte of latin-1 far below",
            (HEAD + ROWS * 2000).encode() + "1,2,é\n".encode("latin-1"),
            r"is not encoded in UTF-8 .byte 0xe9 in line 12,002 cannot be decoded.",
        ),
        layout("one column", "a label\n1 0\n2 1\n", "has one column, 'a label'; give features and"),
        layout("empty lines alone", "\n\n\n", "has no column; give features and a label"),
        layout(
            "no label in any row",
            HEAD + "1,2,\n3,4,\n",
            "csv: the label column 'label' has 2 empty cells, .* row 1; correct the file$",
        ),
        layout(
            "a long cell in a column of numbers",
            HEAD + ROWS + f"{'long ' * 99},2,0\n",
            f"such as '{'long ' * 8}...' in row 7",
        ),
        layout("gzip", gzip.compress(HEAD.encode()), r"is a gzip archive, not csv; unpack it"),
        layout("bzip2", bz2.compress(HEAD.encode()), r"is a bzip2 archive, not tsv", "a.tsv"),
        layout("a workbook", b"PK\x03\x04 and so on", "is a zip archive, .* not csv; save it as"),
        layout("an npy file", b"\x93NUMPY\x01\x00 x", "is an npy file, not npz; save X", "a.npz"),
        layout("parquet", b"PAR1 and so on", "is a parquet file, not feather", "a.feather"),
    ],
)  # fmt: skip
def test_a_file_with_an_odd_layout_is_refused(tmp_path, content, sentence, name):
    with pytest.raises(WrongData, match=sentence):
        read(tmp_path, content, name=name)


def test_rows_are_counted_as_in_the_file_whatever_was_left_out(tmp_path):
    rows = "1,2,0\n1,2\n" + HEAD + "x,2,1\n1,2,0\n"
    with pytest.raises(WrongData, match=r"1 row has .* row 2; .* row 3; .* such as 'x' in row 4"):
        read(tmp_path, HEAD + rows)


def test_a_first_line_of_numbers_is_what_is_declared(tmp_path):
    content = "0,1,2\n" + ROWS

    assert read(tmp_path, content, "?label=2&header=yes").x.shape == (6, 2)
    with pytest.raises(WrongData, match=r"labels are 0, 1, 2; name the normal"):
        read(tmp_path, content, "?label=2&header=no")
    assert len(read(tmp_path, "0,1,0\n" + ROWS, "?label=2&header=no").x) == 7
    with pytest.raises(WrongData, match=r"may be the names .*label=2021&header=yes'$"):
        read(tmp_path, "2019,2020,2021\n" + ROWS, "?label=2021")
    with pytest.raises(WrongData, match=r"no column '2'; if the first line is a row, .* header=no"):
        read(tmp_path, "tcp,http,0\n" + ROWS, "?label=2")


@pytest.mark.parametrize(
    "content",
    [
        HEAD.replace(",", ", ") + ROWS.replace(",", ", "),
        HEAD + ROWS.replace("\n", "\n\n") + "  \n",
        (HEAD + ROWS).replace("\n", "\r\n"),
        (HEAD + ROWS).replace("\n", "\r"),
        "\ufeff" + HEAD + ROWS,
        "\n" + HEAD + ROWS.rstrip(),
        '"a","b\nc","label"\n' + ROWS,
        '"a", "b", "label"\n' + "".join(f'"{k}", "{k / 2}", "{int(k > 3)}"\n' for k in range(6)),
        (HEAD + ROWS).replace(",", ";"),
        (HEAD + ROWS).replace(",", "\t"),
    ],
    ids=[
        "blanks",
        "empty lines",
        "crlf",
        "cr",
        "bom",
        "no end",
        "break in a name",
        "quotes after blanks",
        "; ",
        "tab",
    ],
)
def test_a_table_is_read_alike_however_its_lines_are_written(tmp_path, content):
    data = read(tmp_path, content)

    assert data.x.tolist() == [[k, k / 2] for k in range(6)]
    assert data.y.tolist() == [0, 0, 0, 0, 1, 1]


def test_quoted_cells_may_hold_separators_quotes_and_breaks(tmp_path):
    rows = 'a,label\n"x, y",0\n"say ""hi""",1\n"two\nlines",0\n'

    codes = read(tmp_path, rows, "?label=label&categorical=a").codes
    assert codes.texts == {0: ('say "hi"', "two lines", "x, y")}


@pytest.mark.parametrize(
    ("attribute", "name"),
    [
        ("@attribute a numeric", "a"),
        ("@ATTRIBUTE\ta\tREAL", "a"),
        ("  @attribute 'a b' integer", "a b"),
        ('@attribute "a {x}" real [0, 10]', "a {x}"),
        (r"@attribute 'it\'s' numeric", "it's"),
        ("@attribute it's numeric % a comment", "it's"),
        ("@attribute a{1,2}", "a"),
        ("@attribute a { 1 , '2 3' }", "a"),
        ('@attribute a date "yyyy-MM-dd"', "a"),
        ("@attribute a,b string", "a,b"),
        ("@attribute a% numeric", "a%"),
    ],
)
def test_an_attribute_is_read_in_every_legal_spelling(tmp_path, attribute, name):
    head = f"% c\n@relation 'a b'\n{attribute}\n\n@attribute label {{0,1}}\n@DATA \n"
    (tmp_path / "a.arff").write_text(head)
    with (tmp_path / "a.arff").open() as file:
        assert [column.name for column in read_head(file, tmp_path / "a.arff")] == [name, "label"]

    data = read(tmp_path, head + "% c\n1.5, 0\n\n 2 ,1 % c, d\n", name="a.arff")
    assert data.x.tolist() == [[1.5], [2]]


@pytest.mark.parametrize(
    ("form", "cell"),
    [
        ("'dd/MM/yyyy HH:mm'", "'03/04/2001 10:15'"),
        ('"yyyyMMddHHmm"', "200104031015"),
        ("\"d. MMM yy 'um' h.mm a\"", "'3. Apr 01 um 10.15 AM'"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSZ", "2001-04-03T12:15:00.000+0200"),
        ("", "2001-04-03T10:15:00"),
        ("yyyy", "2001-04-03T10:15"),
    ],
)
def test_dates_of_arff_are_read_by_the_form_that_is_declared(tmp_path, form, cell):
    head = f"@relation t\n@attribute a date {form}\n@attribute label {{0,1}}\n@data\n"
    rows = f"{cell},0\n{cell},1\n?,0\n"
    x = read(tmp_path, head + rows, "?label=label&dates=calendar&missing=keep", "a.arff").x

    np.testing.assert_array_equal(x[:2], [[2001, 4, 1, 10, 986292900]] * 2)
    assert np.isnan(x[2]).all()


def test_a_form_of_dates_with_unknown_letters_is_refused(tmp_path):
    head = "@relation t\n@attribute a date 'QQQ yyyy'\n@attribute label {0,1}\n@data\n1,0\n"
    with pytest.raises(WrongData, match=r"line 2 declares no column of .* dates .yyyy-MM-dd. or"):
        read(tmp_path, head, name="a.arff")


def test_cells_of_arff_are_read_with_either_quote_and_percent_signs(tmp_path):
    rows = """'5 %',0\n"x, y",1\n'it\\'s',0\n%c\n'?',1\n5%,0\n"""
    head = "@relation t\n@attribute a string\n@attribute label {0,1}\n@data\n"
    codes = read(tmp_path, head + rows, "?label=label&categorical=a", "a.arff").codes

    assert codes.texts == {0: ("5 %", "5%", "?", "it's", "x, y")}


def test_an_index_that_was_saved_with_a_table_is_no_feature_unseen(tmp_path):
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5], "label": [0, 1, 0]}, index=[7, 3, 9])
    frame.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(WrongData, match=r"column 3 has no name, .*&drop=__index_level_0__'"):
        load(f"file:{tmp_path}/a.parquet?label=label")

    frame.rename_axis("id").to_parquet(tmp_path / "b.parquet")
    assert load(f"file:{tmp_path}/b.parquet?label=label").x.tolist() == [
        [1.5, 7],
        [2.5, 3],
        [3.5, 9],
    ]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1], [2], [3]]),
        pa.array([{"x": 1}] * 3),
        pa.array([b"a", b"b", b"c"]),
        pa.array([1, 2, 3], pa.duration("s")),
    ],
    ids=["lists", "structs", "bytes", "durations"],
)
def test_a_column_of_another_type_is_named_with_it(tmp_path, column):
    table = pa.table({"a": [1.0, 2, 3], "b": column, "label": [0, 1, 0]})
    pq.write_table(table, tmp_path / "a.parquet")
    kind = re.escape(str(column.type).replace("item", "element"))

    with pytest.raises(WrongData, match=rf"column 'b' holds {kind}, not numbers .*&drop=b'"):
        load(f"file:{tmp_path}/a.parquet?label=label")


def test_typed_columns_keep_their_values(tmp_path):
    from decimal import Decimal

    table = pa.table(
        {
            "decimal": [Decimal("0.10"), Decimal("1.25"), None],
            "float32": pa.array([0.1, 0.2, 0.3], pa.float32()),
            "category": pa.array(["7", "8", "7"]).dictionary_encode(),
            "uint8": pa.array([1, 2, 255], pa.uint8()),
            "label": [False, True, False],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    x = load(f"file:{tmp_path}/a.parquet?label=label&missing=keep").x

    single = np.array([0.1, 0.2, 0.3], np.float32).astype(float)
    np.testing.assert_array_equal(x.T, [[0.1, 1.25, np.nan], single, [7, 8, 7], [1, 2, 255]])


def test_only_x_and_y_of_an_npz_file_matter(tmp_path):
    x, y = np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])
    np.savez(tmp_path / "a.npz", X=x, y=y, names=np.array(["a", None], object))
    np.testing.assert_array_equal(load(f"file:{tmp_path}/a.npz").x, x)

    np.savez(tmp_path / "a.npz", X=x, y=np.array(["ok", "ok", "bad"], object))
    with pytest.raises(WrongData, match=r"has y of objects, .*y\.astype\(str\)"):
        load(f"file:{tmp_path}/a.npz?normal=ok")


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("complex", "complex128; .*numpy.hstack([X.real, X.imag])"),
        ("m8[s]", "timedelta64[s]; .*X / numpy.timedelta64(1, 's')"),
        ([("a", float), ("b", float)], "structured_to_unstructured(X)"),
        ("O", "objects, such as a cell array; .*X.astype(float) or X.astype(str)"),
    ],
)
def test_an_array_of_another_type_is_refused_with_what_makes_numbers_of_it(tmp_path, kind, advice):
    np.savez(tmp_path / "a.npz", X=np.zeros((3, 2), kind), y=[0, 0, 1])
    sentence = re.escape(advice).replace(r"\.\*", ".*")
    with pytest.raises(WrongData, match=sentence):
        load(f"file:{tmp_path}/a.npz")


@pytest.mark.parametrize("kind", [">f8", ">i4", "longdouble", "f2", "?", "<u8"])
def test_real_numbers_of_any_size_and_byte_order_are_read(tmp_path, kind):
    x = np.array([[0, 1], [1, 0], [1, 1]]).astype(kind)
    np.savez(tmp_path / "a.npz", X=np.asfortranarray(x), y=np.array([0, 0, 1]).astype(kind))
    np.testing.assert_array_equal(load(f"file:{tmp_path}/a.npz").x, x)


def test_a_sparse_matrix_is_named(tmp_path):
    savemat(tmp_path / "a.mat", {"X": csc_matrix(np.eye(3)), "y": [0, 0, 1]})

    with pytest.raises(WrongData, match=r"has X as a sparse matrix; save it in full"):
        load(f"file:{tmp_path}/a.mat")
