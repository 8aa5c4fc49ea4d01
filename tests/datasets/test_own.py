"""Names of the user's own data: paths, settings and cards."""

import pytest

import datasets
from datasets import MissingData, find, load
from datasets.own import BadSetting
from tests.helpers.files.tables import SETTINGS, write


def test_settings_may_stand_in_a_card_beside_the_file_and_the_name_goes_first(tmp_path):
    path = write(tmp_path)
    path.with_suffix(".toml").write_text(
        'label = "class"\nnormal = "ok"\ndrop = ["id", "job"]\nlicence = "CC0"\n'
        'family = "staff"\nknown_issues = ["small"]\n'
    )
    data = load(f"file:{path}")
    assert data.y.tolist() == [0, 0, 1, 0]
    assert (data.card.licence, data.card.family, data.card.known_issues) == (
        "CC0",
        "staff",
        ("small",),
    )

    assert load(f"file:{path}?normal=fraud").y.tolist() == [1, 1, 0, 1]
    path.with_suffix(".toml").write_text("lable = 3")
    with pytest.raises(BadSetting, match=r"\(täble of mine\.toml\): unknown setting 'lable'"):
        find(f"file:{path}")
    path.with_suffix(".toml").write_text("label = ")
    with pytest.raises(BadSetting, match=r"täble of mine\.toml is not valid TOML"):
        find(f"file:{path}")


def test_symmetries_of_images_stand_on_a_card_and_are_no_part_of_what_is_read(tmp_path):
    plain = find(f"folder:{tmp_path}/parts?size=32")
    (tmp_path / "parts.toml").write_text('symmetries = "rotations"')
    declared = find(f"folder:{tmp_path}/parts?size=32")
    assert (plain.symmetries, declared.symmetries) == ("", "rotations")
    assert declared.options == plain.options
    assert find(f"folder:{tmp_path}/parts?symmetries=flips").symmetries == "flips"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("file:a.xlsx", r"cannot read '\.xlsx'; give one of: \.csv, \.tsv, \.parquet"),
        ("file:a", "cannot read 'a file without an ending'"),
        ("file:a.csv?labl=x", "unknown setting 'labl'; accepted: label, normal"),
        (
            "folder:a?label=x",
            r"unknown setting 'label'; accepted: size, .*, normal \(for a folder",
        ),
        ("file:a.csv?missing=yes", "missing is 'yes'; give one of: refuse, keep, drop-rows"),
        ("file:a.csv?decimal=,", "decimal is ','; give one of: plain, point, comma"),
        ("file:a.npz?header=no", "unknown setting 'header'; accepted: label, normal, drop"),
        ("folder:a?size=0", "folder:a.size=0: size is '0'; give a positive whole number"),
        ("folder:a?grey=maybe", "grey is 'maybe'; give yes or no"),
        ("folder:a?symmetries=any", "symmetries is 'any'; give one of: horizontal-flip, vertical-"),
        ("file:a.csv?symmetries=flips", "unknown setting 'symmetries'; accepted: label"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_reading(name, sentence):
    with pytest.raises(BadSetting, match=sentence):
        find(name)


def test_a_path_that_leads_nowhere_is_named(tmp_path):
    with pytest.raises(MissingData, match=rf"{tmp_path}/a\.csv does not exist; give the path of"):
        load(f"file:{tmp_path}/a.csv?label=x")


def test_a_folder_named_as_a_file_is_answered_with_the_name_it_should_have(tmp_path):
    path = write(tmp_path)

    with pytest.raises(BadSetting, match=rf"is a folder; .*, write folder:{tmp_path}$"):
        find(f"file:{tmp_path}?normal=ok")
    with pytest.raises(MissingData, match=rf"{path}/ is a file; for a table, write file:PATH$"):
        load(f"folder:{path}?normal=ok")
    with pytest.raises(MissingData, match=rf"{tmp_path} is a folder; for a folder of images"):
        load(f"ucr:{tmp_path}?normal=1")


def test_the_identity_is_of_content_and_settings_and_not_of_the_place(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    here, there = write(tmp_path), write(tmp_path / "elsewhere", "b.csv")
    of_here, of_there = (datasets.card(f"file:{path}?{SETTINGS}").sha256 for path in (here, there))

    assert of_here == of_there
    assert of_here != datasets.card(f"file:{here}?{SETTINGS}&drop=age").sha256
    there.write_text(there.read_text().replace("30", "31"))
    assert of_here != datasets.card(f"file:{there}?{SETTINGS}").sha256
