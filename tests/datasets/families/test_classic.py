"""Classic tables and NAB, from small files in their official formats."""

import gzip
import json
from datetime import datetime, timedelta

import numpy as np
import pytest

from datasets import WrongData, find
from datasets.families import classic, nab
from tests.helpers.cards import open_card

KDD = "0,tcp,{service},SF,181,5450," + ",".join(["0.00"] * 35) + ",{label}\n"


def kdd_lines(labels, ending=""):
    services = ("http", "smtp", "http", "ftp")
    pairs = zip(services, labels, strict=False)
    return "".join(KDD.format(service=s, label=y + ending) for s, y in pairs)


def test_attacks_of_kdd_are_anomalous_unless_they_are_asked_to_be_normal(tmp_path):
    path = tmp_path / "kddcup.data_10_percent.gz"
    path.write_bytes(gzip.compress(kdd_lines(["normal.", "smurf.", "normal."]).encode()))
    data = classic.kddcup99(open_card("kddcup99"), [path], attacks_normal=False)

    assert data.x.shape == (3, 41)
    assert data.y.tolist() == [0, 1, 0]
    assert data.codes.texts[2] == ("http", "smtp")
    assert data.x[:, 4:6].tolist() == [[181, 5450]] * 3
    flipped = classic.kddcup99(open_card("kddcup99"), [path], attacks_normal=True)
    assert flipped.y.tolist() == [1, 0, 1]
    assert find("kddcup99?attacks_normal=yes").options == {"attacks_normal": True}


def test_nsl_kdd_trains_on_normals_of_its_training_part(tmp_path):
    paths = [tmp_path / "KDDTrain+.txt", tmp_path / "KDDTest+.txt"]
    paths[0].write_text(kdd_lines(["normal", "neptune", "normal", "normal"], ",20"))
    paths[1].write_text(kdd_lines(["mscan", "normal"], ",11"))
    data = classic.nsl_kdd(open_card("nsl-kdd"), paths)

    assert data.x.shape == (6, 41)
    assert data.split.train.tolist() == [0, 2, 3]
    assert data.split.test.tolist() == [4, 5]

    paths[1].write_text(kdd_lines(["mscan", "normal"]))
    with pytest.raises(WrongData, match=r"KDDTest\+\.txt has 42 columns, expected 43; fetch it"):
        classic.nsl_kdd(open_card("nsl-kdd"), paths)


def test_covertype_keeps_types_2_and_4(tmp_path):
    table = np.zeros((5, 55), int)
    table[:, 0], table[:, -1] = [10, 20, 30, 40, 50], [1, 2, 4, 2, 7]
    path = tmp_path / "covtype.data.gz"
    path.write_bytes(gzip.compress("\n".join(",".join(map(str, row)) for row in table).encode()))
    data = classic.covertype(open_card("covertype"), [path])

    assert data.x[:, 0].tolist() == [20, 30, 40]
    assert data.y.tolist() == [0, 1, 0]

    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(WrongData, match=r"covtype\.data\.gz is not a complete csv file"):
        classic.covertype(open_card("covertype"), [path])


def test_rare_classes_of_arrhythmia_are_anomalous_and_missing_values_stay_missing(tmp_path):
    row = ["1"] * 10 + ["?"] + ["2"] * 268
    (tmp_path / "a").write_text("".join(",".join([*row, k]) + "\n" for k in ("1", "10", "8", "16")))
    data = classic.arrhythmia(open_card("arrhythmia"), [tmp_path / "a"])

    assert data.x.shape == (4, 279)
    assert np.isnan(data.x[:, 10]).all()
    assert data.y.tolist() == [0, 0, 1, 0]


def test_payments_have_no_time(tmp_path):
    names = ["Time", *(f"V{k}" for k in range(1, 29)), "Amount", "Class"]
    lines = [",".join(f'"{name}"' for name in names)]
    lines += [",".join([str(k)] * 30 + [f'"{label}"']) for k, label in enumerate("0100")]
    path = tmp_path / "creditcard.csv"
    path.write_text("\n".join(lines))
    data = classic.creditcard(open_card("creditcard"), [path])

    assert data.x.shape == (4, 29)
    assert data.y.tolist() == [0, 1, 0, 0]

    path.write_text("a,b\n1,2\n")
    with pytest.raises(WrongData, match=r"creditcard\.csv has no columns Time and Class"):
        classic.creditcard(open_card("creditcard"), [path])


@pytest.fixture
def series(tmp_path):
    """Return a series of 100 values, five minutes apart, and its labels."""
    start = datetime(2014, 2, 14, 14, 30)
    times = [start + timedelta(minutes=5 * k) for k in range(100)]
    lines = [f"{time},{value}.5" for value, time in enumerate(times)]
    paths = [tmp_path / "nyc_taxi.csv", tmp_path / "combined_windows.json"]
    paths[0].write_text("\n".join(["timestamp,value", *lines]) + "\n")
    window = [f"{times[k]}.000000" for k in (38, 41)]
    paths[1].write_text(json.dumps({"realKnownCause/nyc_taxi.csv": [window], "other": []}))
    return paths


def test_windows_of_nab_do_not_overlap_and_are_anomalous_where_they_touch_a_label(series):
    data = nab.windows(open_card("nab/nyc_taxi"), series, "realKnownCause/nyc_taxi.csv", 20)

    assert data.x.shape == (5, 20)
    assert data.x.ravel().tolist() == [k + 0.5 for k in range(100)]
    assert data.y.tolist() == [0, 1, 1, 0, 0]
    assert nab.windows(
        open_card("nab/nyc_taxi"), series, "realKnownCause/nyc_taxi.csv", 30
    ).x.shape == (3, 30)


def test_a_series_that_is_not_right_is_refused(series):
    about = open_card("nab/nyc_taxi")
    with pytest.raises(WrongData, match="has 100 values, which is less than two windows of 64"):
        nab.windows(about, series, "realKnownCause/nyc_taxi.csv", 64)
    with pytest.raises(WrongData, match=r"combined_windows\.json has no windows for realTweets"):
        nab.windows(about, series, "realTweets/a.csv", 20)
    series[0].write_text("time,value\n1,2\n")
    with pytest.raises(WrongData, match=r"nyc_taxi\.csv is not a csv of timestamp and value"):
        nab.windows(about, series, "realKnownCause/nyc_taxi.csv", 20)
