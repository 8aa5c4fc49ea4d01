"""Lists of data sets on the command line, whose settings may hold commas too."""

import pytest
from typer.testing import CliRunner

from bench.cli.app import app
from bench.cli.common.errors import Usage
from bench.cli.common.selection import failures, named_sets, own_data
from datasets import find


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, None),
        ("wine, digits/*", ["wine", "digits/*"]),
        ("file:a.csv?label=y&categorical=kind,city", ["file:a.csv?label=y&categorical=kind,city"]),
        ("file:a.csv?drop=a,b,wine,file:b.csv", ["file:a.csv?drop=a,b", "wine", "file:b.csv"]),
        ("file:a.csv?drop=a,b&na=x,y", ["file:a.csv?drop=a,b&na=x,y"]),
        ("file:a.csv?label=y,digits/3", ["file:a.csv?label=y", "digits/3"]),
        ("file:a.csv?label=y,wnie", ["file:a.csv?label=y", "wnie"]),
        ("openml/31?normal=good,mnist/*", ["openml/31?normal=good", "mnist/*"]),
    ],
)
def test_commas_separate_names_and_values(text, names):
    assert named_sets(text and [text]) == names


@pytest.mark.parametrize("values", [["no", "NO", "a%2Cb"], ["no,NO", "a%2cb"], ["no, NO,a%2Cb"]])
def test_repeated_options_and_commas_add_up_as_in_a_name(values):
    (name,) = own_data(["file:a.csv"], label="y", normal=values, drop=values)
    asked = find(name).options
    assert asked["normal"] == asked["drop"] == ("no", "NO", "a,b")
    assert asked == find("file:a.csv?label=y&normal=no,NO,a%2Cb&drop=no,NO,a%2Cb").options


def test_repeated_lists_of_names_and_statuses_add_up():
    assert named_sets(["wine", "digits/3,mnist/*"]) == ["wine", "digits/3", "mnist/*"]
    assert failures(["error", "timeout,crashed"]) == ["error", "timeout", "crashed"]


def test_a_setting_of_one_value_that_is_given_two_is_refused():
    (name,) = own_data(["ucr:a_TRAIN.tsv"], label=None, normal=["1", "2"], drop=None)
    with pytest.raises(ValueError, match="normal is given more than once, and takes one value"):
        find(name)


def test_settings_of_a_table_without_its_prefix_name_the_prefix():
    with pytest.raises(Usage, match=r"data of your own: file:one\.csv"):
        own_data(["one.csv"], label="y", normal=None, drop=None)
    with pytest.raises(Usage, match="--label, --normal and --drop are for data of your own"):
        own_data(["wine"], label="y", normal=None, drop=None)


def test_a_part_that_is_not_named_is_said_to_be_that_of_the_default_suite(tmp_path):
    (tmp_path / "file").touch()
    words = ["run", "--detectors", "random", "--results", str(tmp_path / "file")]
    ran = CliRunner().invoke(app, words)
    assert "--datasets is not given: taking the 17 data sets of the suite default" in ran.stdout
    assert not CliRunner().invoke(app, [*words, "--datasets", "wine"]).stdout
