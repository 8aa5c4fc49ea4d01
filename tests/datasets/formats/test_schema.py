"""Tables without labels, and later tables that are read like the first."""

import numpy as np
import pandas as pd
import pytest

from datasets.files import WrongData
from datasets.formats import schema, tabular
from datasets.formats.settings import Settings
from tests.helpers.files.tables import FORMATS, write_frame

N = 40
FRAME = pd.DataFrame(
    {
        "amount": np.arange(N)[::-1] % 7 + 0.5,
        "city": ["Rome", "Oslo", "Bern", "Oslo"] * (N // 4),
        "day": [f"2024-03-{1 + (7 * i) % 28:02}" for i in range(N)],
        "fraud": ["no"] * (N - 2) + ["yes"] * 2,
    }
)
SETTINGS = Settings(categorical=("city",), dates="calendar", missing="keep")
LABELLED = SETTINGS._replace(label="fraud", normal=("no",))


def like(tmp_path, frame, name="new.csv", settings=LABELLED, **more):
    """Fit on FRAME's columns, and read another frame like it."""
    _, known, _ = schema.read(write_frame(FRAME, tmp_path / "old.csv"), "file:old.csv", settings)
    return schema.read_like(write_frame(frame, tmp_path / name), known, settings, **more)


def test_with_a_label_it_is_read_as_for_a_benchmark(tmp_path):
    path = write_frame(FRAME, tmp_path / "a.csv")
    found, known, is_labelled = schema.read(path, "file:a.csv", LABELLED)
    expected = tabular.read(path, "file:a.csv", LABELLED)
    np.testing.assert_array_equal(found.x, expected.x)
    np.testing.assert_array_equal(found.y, expected.y)
    assert found.codes == expected.codes
    assert is_labelled
    assert [(each.name, each.use, each.width) for each in known] == [
        ("amount", "number", 1),
        ("city", "one-hot", 1),
        ("day", "calendar", 5),
    ]


@pytest.mark.parametrize("ending", [each for each in FORMATS if each not in ("npz", "mat")])
def test_without_a_label_every_column_is_a_feature(tmp_path, ending):
    path = write_frame(FRAME.drop(columns="fraud"), tmp_path / f"a.{ending}")
    found, known, is_labelled = schema.read(path, "file:a", SETTINGS)
    assert not is_labelled
    assert not found.y.any()
    assert found.x.shape == (N, 7)
    assert [each.name for each in known] == ["amount", "city", "day"]


def test_all_that_is_wrong_is_said_with_settings_that_read_it(tmp_path):
    frame = FRAME.assign(amount=[None, *FRAME["amount"][1:]])
    path = write_frame(frame, tmp_path / "a.csv")
    with pytest.raises(WrongData) as error:
        schema.read(path, "file:a.csv", Settings())
    for part in ("missing value", "40 cells of text", "40 dates", "categorical=city", "dates=cal"):
        assert part in str(error.value)
    assert schema.UNLABELLED not in str(error.value)


def test_columns_are_found_by_name_whatever_their_order(tmp_path):
    whole = like(tmp_path, FRAME)
    moved = like(tmp_path, FRAME[["day", "fraud", "amount", "city"]].assign(more=1))
    np.testing.assert_array_equal(moved.x, whole.x)
    assert moved.unused == ("more",)


@pytest.mark.parametrize("rows", [slice(0, 1), slice(5, 8)])
def test_a_row_is_read_alike_in_whatever_company(tmp_path, rows):
    whole = like(tmp_path, FRAME)
    np.testing.assert_array_equal(like(tmp_path, FRAME[rows]).x, whole.x[rows])


def test_a_text_that_training_did_not_have_gets_a_code_of_its_own(tmp_path):
    found = like(tmp_path, FRAME.head(3).assign(city=["Rome", "12", None]))
    np.testing.assert_array_equal(found.x[:, 1], [2, 3, np.nan])


def test_missing_cells_are_kept_as_such_in_any_column(tmp_path):
    found = like(tmp_path, FRAME.head(3).assign(amount=None, day=None))
    assert np.isnan(np.delete(found.x, 1, axis=1)).all()


def test_a_column_may_name_the_rows(tmp_path):
    found = like(tmp_path, FRAME.assign(id=range(N)), id_column="id")
    assert found.ids == list(map(str, range(N)))
    assert found.unused == ()


@pytest.mark.fault(
    area="data",
    kind="a table that is not like the one that a model was fitted on",
    how="columns are removed, renamed, doubled or hold another type; or there are no rows",
    promise="one sentence with all that is wrong; nothing is scored",
)
@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (FRAME.drop(columns="day"), "there is no column 'day'; found: amount, city, fraud"),
        (FRAME.rename(columns={"amount": "sum"}), "there is no column 'amount'"),
        (FRAME[["city"]], "there are no columns 'amount', 'day'; found: city; the model has to"),
        (FRAME.assign(amount="much"), "'amount' has 40 cells that are not numbers"),
        (FRAME.assign(day="5"), "'day' holds no dates"),
        (FRAME.head(0), "has no rows; give a line"),
    ],
    ids=["missing", "renamed", "two missing", "text", "no dates", "empty"],
)
def test_another_schema_is_refused(tmp_path, frame, reason):
    with pytest.raises(WrongData, match=reason):
        like(tmp_path, frame)


def test_columns_that_are_counted_need_no_names(tmp_path):
    plain = write_frame(pd.DataFrame(np.arange(12.0).reshape(4, 3) / 7), tmp_path / "a.csv")
    plain.write_text(plain.read_text().partition("\n")[2])
    found, known, _ = schema.read(plain, "file:a.csv", Settings())
    assert [each.name for each in known] == ["0", "1", "2"]
    np.testing.assert_array_equal(schema.read_like(plain, known, Settings()).x, found.x)
