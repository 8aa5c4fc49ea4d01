"""Units of groups: what reaches a detector of them, and how they are scored."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from bench.audit.measure import measure
from bench.plan.planning import wanted_rows
from bench.plan.suite import build
from bench.protocols.grouped import drawn
from bench.protocols.named import NotApplicable, split
from bench.run.again.shown import sheet
from bench.run.grouped import load, prepared, save, to_fit, to_score
from datasets import Card, DataSet, content_sha256
from datasets import load as load_set
from datasets.grouping import labels_of_groups
from detectors import Groups, Pooled, make
from detectors.spec import parse

NAME = "bags/mixture"
SPY = '''
import json
from dataclasses import dataclass
import numpy as np
from detectors.grouped import GroupDetector

@dataclass(kw_only=True)
class Spy(GroupDetector):
    """The first feature of the first row of a group; it reports all that it gets."""

    file: str = ""

    def _fit(self, x):
        self._report("fit", x)

    def _score(self, x, readout):
        self._report("score", x)
        return np.array([rows[0, 0] for rows in x])

    def _report(self, what, x):
        with open(self.file, "a") as opened:
            told = {"what": what, "names": sorted(vars(x)), "sizes": x.sizes.tolist(),
                    "rows": x.rows.tolist()}
            opened.write(json.dumps(told) + chr(10))
'''


def wanted(spec="knn", dataset=NAME):
    suite = {"name": "t", "title": "t", "detectors": [spec], "datasets": [dataset]}
    return wanted_rows(build({**suite, "protocol": "groups", "seeds": 1}, "t"), "cpu")


def test_a_unit_of_groups_has_whole_groups_and_a_label_for_each():
    data = load_set(NAME)
    unit, rows = prepared(data, wanted()), split("groups", data, 0)
    sizes, (_, labels) = np.bincount(data.bags), labels_of_groups(data)

    assert sorted(unit.x_train.sizes) == sorted(sizes[unit.split.train])
    assert unit.x_test.sizes.tolist() == sizes[unit.split.test[unit.split.order]].tolist()
    assert unit.truth.tolist() == labels[unit.split.test].tolist()
    assert not labels[unit.split.train].any()
    assert len(unit.split.train) == 80
    assert set(unit.split.train) | set(unit.split.test) == set(range(200))
    mean, std = (getattr(data.x[rows.train], each)(axis=0) for each in ("mean", "std"))
    for place, number in enumerate(unit.split.test[unit.split.order]):
        expected = (data.x[data.bags == number] - mean) / std
        found = list(unit.x_test)[place]
        np.testing.assert_allclose(np.sort(found, axis=0), np.sort(expected, axis=0), atol=1e-9)
    again, every = drawn("groups", data, 0)
    assert again.test.tolist() == unit.split.test.tolist()
    assert again.truth(every).tolist() == unit.truth.tolist()


def test_neither_the_order_of_groups_nor_that_of_rows_in_them_follows_the_data_set():
    data = load_set(NAME)
    unit = prepared(data, wanted())
    told = np.cumsum(np.ones(len(data.x)))[:, None].repeat(4, axis=1)  # a row says its place
    ordered = prepared(SimpleNamespace(**{**vars(data), "x": told}), wanted())
    rising = np.concatenate([np.diff(rows[:, 0]) > 0 for rows in ordered.x_test])

    assert abs(np.corrcoef(unit.split.order, np.arange(120))[0, 1]) < 0.3
    assert 0.45 < rising.mean() < 0.55


def test_a_detector_of_groups_gets_rows_and_sizes_and_nothing_else(make_rows, tmp_path):
    file, told = tmp_path / "spy.py", tmp_path / "told"
    file.write_text(SPY)
    (row,) = make_rows(
        {"spec": f"{file}:Spy", "settings": {"file": str(told)}}, dataset=NAME, protocol="groups"
    )
    fit, score, *_ = [json.loads(line) for line in told.read_text().splitlines()]
    unit = prepared(load_set(NAME), wanted())

    assert (fit["names"], score["names"]) == (["rows", "sizes"], ["rows", "sizes"])
    np.testing.assert_array_equal(fit["rows"], unit.x_train.rows)
    np.testing.assert_array_equal(score["rows"], unit.x_test.rows)
    assert score["sizes"] == unit.x_test.sizes.tolist()
    assert row.status == "ok"
    assert row.sizes == {"n_train": 80, "n_test": 120, "n_anomalies": 40}
    first = np.array([rows[0, 0] for rows in unit.x_test])
    np.testing.assert_array_equal(row.scores[unit.split.order], first)


def test_every_kind_of_detector_scores_groups_and_order_tells_nothing(make_rows):
    specs = ("knn", "mean-embedding+knn", "mmd", "ocsmm", "pyod:HBOS", "row-index")
    rows = {
        row.wanted.spec: row for row in make_rows(*specs, dataset=NAME, protocol="groups", seeds=2)
    }
    unit = prepared(load_set(NAME), wanted())

    assert {row.status for row in rows.values()} == {"ok"}
    assert abs(rows["row-index"].metrics["auroc"] - 0.5) < 0.15
    again = make_rows("knn", "mmd", dataset=NAME, protocol="groups")
    for row, detector in zip(again, (Pooled(model=make("knn")), make("mmd")), strict=True):
        expected = unit.split.put_back(detector.fit(unit.x_train).score(unit.x_test))
        np.testing.assert_allclose(row.scores, expected, rtol=1e-9)


@pytest.mark.fault(
    area="data",
    kind="rows that are in no groups",
    how="a data set of rows under the protocol groups, a detector of groups under one of rows",
    promise="`unsupported`, with the protocol that fits",
)
def test_groups_and_rows_are_not_taken_for_each_other(make_rows):
    (of_rows,) = make_rows("mmd", dataset="wine")
    (of_groups,) = make_rows("knn", dataset="wine", protocol="groups")

    assert of_rows.status == of_groups.status == "unsupported"
    assert "not groups of rows; use the protocol groups" in of_rows.reason
    assert of_groups.reason == "the rows of wine are not in groups; use the protocol one-class"


@pytest.mark.fault(
    area="data",
    kind="groups that cannot be scored",
    how="a group with both labels, one of one row, one normal group",
    promise="refused with one sentence",
)
@pytest.mark.parametrize(
    ("y", "bags", "why"),
    [
        ([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2], "group 1 has 1 normal and 1 anomalous rows; a gr"),
        ([0, 0, 0, 0, 0, 1], [0, 0, 1, 1, 1, 3], "group 3 has one row; a group needs at least two"),
        ([0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 2, 2], "has 1 normal groups; groups needs at least two"),
    ],
)
def test_bad_groups_are_not_applicable(y, bags, why):
    x, y, bags = np.arange(6.0)[:, None], np.array(y), np.array(bags)
    pinned = Card(
        name="made", kind="tabular", family="made", source="", licence="", citation="",
        sha256=content_sha256(x, y, bags=bags),
    )  # fmt: skip
    with pytest.raises(NotApplicable, match=why):
        split("groups", DataSet(pinned, x, y, bags=bags), 0)


def test_parameters_that_count_rows_are_refused():
    with pytest.raises(ValueError, match="the protocol groups splits whole groups and takes no"):
        split("groups(max_train=10)", load_set(NAME), 0)


def test_what_shows_rows_refuses_groups():
    why = "an audit measures rows, and the protocol groups scores"
    with pytest.raises(NotApplicable, match=why):
        measure(load_set(NAME), "groups", "standard")
    with pytest.raises(ValueError, match="a sheet shows rows, and the protocol groups scores"):
        sheet(wanted()[0], None, 1, 1, 1, Console())


def test_groups_are_handed_over_as_they_are(tmp_path):
    groups = Groups.of([np.eye(2), np.ones((3, 2))])
    again = load(save(tmp_path / "train-0", groups), writable=False)
    array = load(save(tmp_path / "test-0", np.eye(3)))

    np.testing.assert_array_equal(again.rows, groups.rows)
    assert again.sizes.tolist() == [2, 3]
    assert not again.rows.flags.writeable
    np.testing.assert_array_equal(array, np.eye(3))
    assert array.flags.writeable


def test_samples_that_are_rows_are_handed_over_as_they_are():
    rows, model = np.ones((4, 2)), make("knn")
    assert to_fit(parse("knn"), rows) is rows
    assert to_score(model, rows) is model
