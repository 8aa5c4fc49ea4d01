"""Lists of data sets on the command line, whose settings may hold commas too."""

import pytest

from bench.cli.selection import named_sets


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
    assert named_sets(text) == names
