"""How names and values are printed."""

from bench.render.values import short_names


def test_a_short_name_keeps_its_settings():
    names = ["mvtec/bottle?size=16&grey=yes", "file:/data/a/claims.csv?label=b/c", "digits/3"]
    assert short_names(names) == ["bottle?size=16&grey=yes", "claims.csv?label=b/c", "digits/3"]
    assert short_names(["file:claims.csv?label=fraud&normal=no&drop=id"]) == ["file:claims.csv?…"]


def test_names_that_become_equal_stay_whole():
    names = ["adbench/cardio-one", "odds/cardio-one"]
    assert short_names(names) == names
