"""`bench shifts` counts false alarms of stored rows, and says what it needs."""

import json

import pytest

from bench.render.lines import COLORS

SETS = ("--datasets", "textures-shift/weave", "--protocol", "official", "--scaler", "none")


@pytest.mark.slow
def test_false_alarms_are_counted_from_stored_rows(bench, tmp_path):
    ran = bench("run", "--detectors", "pca,mean-distance", *SETS, "--seeds", "1")
    assert ran.wait() == 0, ran.stderr
    figure = tmp_path / "shifts.svg"
    made = bench("shifts", "--format", "json", "--figure", figure)
    assert made.wait() == 0, made.stderr
    (table,) = json.loads(made.stdout)["tables"]
    assert table["columns"] == ["shift", "pca", "mean-distance"]
    rows = {row[0]: row[1] for row in table["rows"]}
    assert rows["as photographed"].startswith(".00")
    assert rows["brightness 3"].startswith("1.00")  # the residual leaves the plane of the training
    assert "brightness" in figure.read_text()
    assert COLORS[1] in figure.read_text()  # of the second detector
    few = bench("shifts", "--alarm-rate", "0.001")
    assert few.wait() == 2
    assert "needs 999 held-out normals, there are 33" in few.stderr


def test_other_data_sets_are_refused_in_one_sentence(bench, results):
    ran = bench("shifts", "--results", results)
    assert ran.wait() == 2
    assert "has no data set with shifts under the protocol official; name a suite" in ran.stderr
