"""One table in every format: the same data set, or the same sentence."""

import re
import shlex

import numpy as np
import pandas as pd
import pytest

from datasets import WrongData, load
from tests.helpers.files.tables import FORMATS, write_frame

N = 12
NUMBERS = [round(1.5 * (k * 5 % N) ** 2 - 7, 3) for k in range(N)]
WHOLE = [(3 * k) % 5 for k in range(N)]
OTHERS = [0.1 * (k % 5) - 3 for k in range(N)]
LABELS = [int(k % 4 == 3) for k in range(N)]
DATES = [f"2024-0{1 + k % 3}-1{k % 9}" for k in range(N)]
NAN = np.nan


def but(values, **cells):
    """Return values with others at some places: but(NUMBERS, at_3="unknown")."""
    changed = list(values)
    for place, value in cells.items():
        changed[int(place.removeprefix("at_"))] = value
    return changed


def table(first, labels=LABELS, second=OTHERS):
    """Return a frame whose columns are called as those of arrays are."""
    return pd.DataFrame({"0": first, "1": second, "y": labels})


def outcome(frame, folder, ending, settings):
    """Return what is read of a frame in a format: x and y, with the texts of codes; or why not."""
    path = write_frame(frame, folder / f"a.{ending}")
    try:
        data = load(f"file:{path}?label=y{settings}")
    except WrongData as error:
        return str(error).replace(str(path), "PATH")
    codes = data.codes.texts if data.codes else {}
    return np.nan_to_num(data.x, nan=-12345.5).tolist(), data.y.tolist(), codes


def numbers(first, labels=LABELS, second=OTHERS):
    x = np.column_stack([np.array(first, float), np.array(second, float)])
    return np.nan_to_num(x, nan=-12345.5).tolist(), list(labels), {}


TEXT = "column '0' has 12 cells of text, such as 'n' in row 1; .*categorical=0'$"
READ = {
    "numbers": (table(NUMBERS), "", numbers(NUMBERS)),
    "whole numbers": (table(WHOLE), "", numbers(WHOLE)),
    "numbers as text": (table(list(map(str, NUMBERS))), "", numbers(NUMBERS)),
    "numbers with blanks around": (table([f"\u00a0{v} " for v in NUMBERS]), "", numbers(NUMBERS)),
    "numbers with a plus": (table([f"+{abs(v)}" for v in NUMBERS]), "", numbers(np.abs(NUMBERS))),
    "truth values": (table([k % 3 == 0 for k in range(N)]), "", numbers([1, 0, 0] * 4)),
    "truth values beside 1 and 0": (
        table(["true", "1", "FALSE", "0"] * 3),
        "",
        numbers([1, 1, 0, 0] * 3),
    ),
    "texts that are missing, with several blanks": (
        table(but(map(str, NUMBERS), at_2="not  known", at_5="true")),
        "&na=not known,True&missing=keep",
        numbers(but(NUMBERS, at_2=NAN, at_5=NAN)),
    ),
    "truth values in capitals": (table(["TRUE", "FALSE"] * 6), "", numbers([1, 0] * 6)),
    "a sentinel of missing values": (
        table(but(NUMBERS, at_2=-999, at_5=-999)),
        "&na=-999&missing=keep",
        numbers(but(NUMBERS, at_2=NAN, at_5=NAN)),
    ),
    "a text for missing values": (
        table(but(map(str, NUMBERS), at_2="unknown")),
        "&na=unknown&missing=keep",
        numbers(but(NUMBERS, at_2=NAN)),
    ),
    "missing numbers": (
        table(but(NUMBERS, at_0=NAN)),
        "&missing=keep",
        numbers(but(NUMBERS, at_0=NAN)),
    ),
    "usual texts for missing values": (
        table(but(map(str, NUMBERS), at_0="NA", at_1="null", at_2="")),
        "&missing=keep",
        numbers(but(NUMBERS, at_0=NAN, at_1=NAN, at_2=NAN)),
    ),
    "rows with missing values left out": (
        table(but(NUMBERS, at_0=NAN)),
        "&missing=drop-rows",
        numbers(NUMBERS[1:], LABELS[1:], OTHERS[1:]),
    ),
    "labels with blanks": (
        table(NUMBERS, ["bad" if v else "ok" + " " * (k % 2) for k, v in enumerate(LABELS)]),
        "&normal=ok",
        numbers(NUMBERS),
    ),
    "labels as in another case": (
        table(NUMBERS, ["Ok" if v == 0 else "bad" for v in LABELS]),
        "&normal=OK",
        numbers(NUMBERS),
    ),
    "labels that look missing": (
        table(NUMBERS, ["None" if v == 0 else "Blaster" for v in LABELS]),
        "&normal=None",
        numbers(NUMBERS),
    ),
    "labels as truth values": (table(NUMBERS, [v == 1 for v in LABELS]), "", numbers(NUMBERS)),
    "labels as floats": (table(NUMBERS, list(map(float, LABELS))), "", numbers(NUMBERS)),
    "one normal label of three": (
        table(NUMBERS, but(LABELS, at_3=7)),
        "&normal=0",
        numbers(NUMBERS),
    ),
    "a column of text": (
        table(["n", "s", "w"] * 4),
        "&categorical=0",
        ((*numbers([0, 1, 2] * 4)[:2], {0: ("n", "s", "w")})),
    ),
    "all columns of text": (
        table(["s", "n", "w"] * 4),
        "&categorical=ordinal",
        ((*numbers([1, 0, 2] * 4)[:2], {0: ("n", "s", "w")})),
    ),
    "numbers that are declared categories": (
        table([10, 9, 8] * 4),
        "&categorical=0",
        ((*numbers([0, 2, 1] * 4)[:2], {0: ("10", "8", "9")})),
    ),
    "a column left out": (
        table(NUMBERS),
        "&drop=0",
        ([[v] for v in OTHERS], LABELS, {}),
    ),
    "decimal commas": (
        table([str(v).replace(".", ",") for v in NUMBERS], second=WHOLE),
        "&decimal=comma",
        numbers(NUMBERS, second=WHOLE),
    ),
    "separated thousands": (
        table([f"{1000 * v:,}" for v in NUMBERS]),
        "&decimal=point",
        numbers([float(f"{1000 * v}") for v in NUMBERS]),
    ),
}
REFUSED = {
    "text": (table(["n", "s", "w"] * 4), "", TEXT),
    "an odd cell": (
        table(but(map(str, NUMBERS), at_3="unknown")),
        "",
        "column '0' has 1 cell that is not a number, such as 'unknown' in row 4 .*&na=unknown&m",
    ),
    "an odd cell where text is encoded": (
        table(but(map(str, NUMBERS), at_3="unknown")),
        "&categorical=one-hot",
        "column '0' has 1 cell that is not a number, such as 'unknown' in row 4 .*&na=unknown&c",
    ),
    "a total below the rows": (
        table(but(map(str, NUMBERS), at_11="Total")),
        "",
        "such as 'Total' in row 12 .*: remove that row, the last, if it is a total; correct",
    ),
    "odd cells among few different numbers": (
        table(but(map(str, [0, 1, 2] * 4), at_2="?", at_3="tbd", at_7="soon", at_8="-")),
        "&categorical=one-hot",
        "column '0' has 4 cells that are not numbers",
    ),
    "decimal commas where text is encoded": (
        table([str(v).replace(".", ",") for v in NUMBERS], second=WHOLE),
        "&categorical=one-hot",
        "column '0' has 12 numbers with separators or units, such as '-7,0' .*&decimal=comma'$",
    ),
    "separated thousands where text is encoded": (
        table([f"{1 + 5 * k % N},130" for k in range(N)]),
        "&categorical=one-hot",
        "column '0' has 12 numbers with separators or units, such as '1,130' .*&decimal=point'$",
    ),
    "underscores": (
        table(["1_000"] * N),
        "&categorical=one-hot",
        "column '0' has 12 numbers with separators or units, such as '1_000' .*&drop=0&categ",
    ),
    "currencies where text is encoded": (
        table([f"{v:.2f} EUR" for v in NUMBERS]),
        "&categorical=one-hot",
        "column '0' has 12 numbers with separators or units, such as '-7.00 EUR' .*&drop=0&categ",
    ),
    "units where text is encoded": (
        table([f"{v} kg" for v in WHOLE[:11]] + ["unknown"]),
        "&categorical=one-hot",
        "column '0' has 11 numbers .* in row 1 .categorical=0 if they are categories.; .* 1 cell",
    ),
    "large whole numbers": (
        table([str(2**70 + 1 + k) for k in range(N)]),
        "&categorical=one-hot",
        r"column '0' has 12 numbers that float64 cannot hold, such as '11805\d+5' in row 1; ",
    ),
    "numbers beyond the range of float64": (
        table(but(map(str, NUMBERS), at_3="1e400")),
        "",
        "column '0' has 1 number that float64 cannot hold, such as '1e400' in row 4; ",
    ),
    "truth values among other numbers": (
        table(but(map(str, WHOLE), at_3="true")),
        "",
        "column '0' has 1 cell that is not a number, such as 'true' in row 4 .*&na=True&missing",
    ),
    "dates": (table(DATES), "", "has 12 dates, such as '2024-01-10' in row 1; .*&dates=calendar'$"),
    "dates where text is encoded": (
        table(DATES),
        "&categorical=one-hot",
        "has 12 dates, such as '2024-01-10' in row 1; .*&dates=calendar'$",
    ),
    "dates with an odd cell and an empty one": (
        table(but(DATES, at_0="", at_4="soon")),
        "&categorical=one-hot",
        "has 10 dates, .* in row 2; .*1 cell that is not a date in ISO form, such as 'soon' in row",
    ),
    "dates of the United States": (
        table([f"1/{1 + k}/24" for k in range(N)]),
        "&dates=calendar",
        "has 12 dates in no ISO form, such as '1/1/24' in row 1 .write it as 2024-01-31 .*drop=0",
    ),
    "dates and seconds as numbers": (
        table([20240101101500 + k for k in range(N)]),
        "",
        "column '0' has 12 dates, such as '2\\.?0240101",
    ),
    "dates as numbers": (
        table([20240101 + k for k in range(N)]),
        "",
        "column '0' has 12 dates, such as '20240101",
    ),
    "missing numbers": (
        table(but(NUMBERS, at_7=NAN)),
        "",
        "column '0' has 1 missing value, .*row 8; .*&missing=keep' .and run with --scaler median",
    ),
    "all at once": (
        table(but(map(str, NUMBERS), at_3="unknown"), ["a", "b", "b"] * 4, but(OTHERS, at_2=NAN)),
        "",
        "labels are b, a; name the normal.*'0' has 1 cell that.*'1' has 1 missing value.*: bench",
    ),
    "labels that differ in case": (
        table(NUMBERS, ["ok", "Ok", "bad"] * 4),
        "&normal=ok",
        "labels Ok, ok differ in case alone; .*&normal=Ok&normal=ok'$",
    ),
    "labels that look missing": (
        table(NUMBERS, ["ok", "ok", "NA"] * 4),
        "&normal=ok",
        "the label column 'y' has 4 empty cells, the first in row 3; correct the file",
    ),
    "labels of one kind": (
        table(NUMBERS, [0] * N),
        "",
        "all 12 rows are normal, with the labels 0; ",
    ),
    "attacks that are more frequent than normal rows": (
        table(NUMBERS, ["smurf.", "smurf.", "normal."] * 4),
        "",
        "labels are smurf., normal.; name the normal ones .*&normal=normal.'$",
    ),
    "a normal label that is misspelt": (
        table(NUMBERS, ["smurf.", "smurf.", "normal."] * 4),
        "&normal=normal",
        "no row has the label normal; found: smurf., normal.; .*&normal=normal.'$",
    ),
    "a column of numbers as the label": (
        table(NUMBERS * 3, [k + 0.5 for k in range(3 * N)], OTHERS * 3),
        "",
        "name the normal ones .*, or another label column than 'y' .--label., which has so many; ",
    ),
    "a column without a value": (
        table([NAN] * N),
        "&missing=keep",
        "column '0' has no value; .*&drop=0&missing=keep'",
    ),
    "a normal label that is not there": (
        table(NUMBERS, ["ok", "ok", "bad"] * 4),
        "&normal=good",
        "no row has the label good; found: ok, bad; .*&normal=ok'$",
    ),
    "a column that is not there": (
        table(NUMBERS),
        "&drop=z",
        "there is no column 'z'; found: 0, 1, y; to read it: bench data card 'file:.*.label=y'$",
    ),
    "a misspelt encoding": (
        table(["n", "s", "w"] * 4),
        "&categorical=onehot",
        "PATH: categorical: there is no column 'onehot'; the nearest: one-hot; to read it: bench",
    ),
}


def formats_of(frame):
    """Return the formats that can hold a table: MATLAB's matrices have no text."""
    has_text = frame.iloc[:, :-1].to_numpy().dtype == object
    return [ending for ending in FORMATS if ending != "mat" or not has_text]


@pytest.mark.parametrize("trait", READ)
def test_a_table_with_a_trait_is_the_same_data_set_in_every_format(tmp_path, trait):
    frame, settings, meant = READ[trait]
    for ending in formats_of(frame):
        assert outcome(frame, tmp_path, ending, settings) == meant, ending


@pytest.mark.parametrize("trait", REFUSED)
def test_a_table_with_a_trait_is_refused_with_the_same_sentence_in_every_format(tmp_path, trait):
    frame, settings, sentence = REFUSED[trait]
    told = {ending: outcome(frame, tmp_path, ending, settings) for ending in formats_of(frame)}
    told = {ending: _without_spelling(text) for ending, text in told.items()}

    assert re.search(sentence, told["csv"]), told["csv"]
    assert set(told.values()) == {told["csv"]}, told


def _without_spelling(text):
    """Return a sentence without how a format writes a missing cell or a number."""
    return text.replace("such as 'nan' in", "the first in").replace(".0' in row", "' in row")


@pytest.mark.parametrize(
    "trait", [trait for trait in REFUSED if "correct" not in REFUSED[trait][2]]
)
def test_the_command_in_a_refusal_reads_the_table(tmp_path, trait):
    frame, settings, _ = REFUSED[trait]
    path = write_frame(frame, tmp_path / "my, täble.csv")
    quoted = str(path).replace(",", "%2C")
    with pytest.raises(WrongData) as told:
        load(f"file:{quoted}?label=y{settings}")
    command = str(told.value).partition(": bench ")[2].partition(" (and run")[0]
    if not command:
        assert trait == "labels of one kind" or "look missing" in trait
        return

    assert len(load(shlex.split(command)[2]).x) == len(frame)
