"""The bibliography, and what docstrings and cards cite of it."""

import re

import pytest

import datasets
from bench.render import references
from bench.render.references import bibliography, of_dataset, of_detector
from detectors import names
from detectors.registry import find
from detectors.source import citations

VENUES = {
    "article": "journal",
    "inproceedings": "booktitle",
    "techreport": "institution",
    "book": "publisher",
}


def keys(found):
    return [reference.key for reference in found]


@pytest.mark.parametrize("entry", bibliography().values(), ids=lambda entry: entry.key)
def test_an_entry_is_complete(entry):
    assert {"author", "title", "year"} <= set(entry.fields)
    assert entry.kind == "misc" or VENUES[entry.kind] in entry.fields
    assert entry.kind != "misc" or {"eprint", "howpublished"} & set(entry.fields)
    assert entry.fields["year"] in entry.key
    assert references.FILE.read_text(encoding="utf-8").count("{" + entry.key + ",") == 1


def test_entries_stand_in_the_order_of_their_keys():
    assert list(bibliography()) == sorted(bibliography())
    assert len(bibliography()) == references.FILE.read_text(encoding="utf-8").count("\n@")


def test_every_key_that_is_cited_is_there_and_every_entry_is_cited():
    cited = {key for name in [*names(), "pyod:HBOS"] for key in citations(find(name).target)}
    for name in datasets.names():
        cited |= set(re.findall(r"\[(\w+)\]", datasets.find(name).citation))
    assert cited == set(bibliography())


def test_methods_of_one_file_cite_their_own_sources():
    assert keys(of_detector("lof")) == ["breunig2000lof"]
    assert keys(of_detector("knn")) == ["ramaswamy2000knn", "angiulli2002knn"]
    assert keys(of_detector("ecod")) == ["li2022ecod"]
    assert keys(of_detector("copod")) == ["li2020copod"]


def test_a_head_is_cited_beside_its_model_and_pyod_for_its_detectors():
    assert keys(of_detector("vae+lof"))[-1] == "breunig2000lof"
    assert keys(of_detector("pyod:HBOS")) == ["zhao2019pyod"]
    assert of_detector("untrained-ae") == of_detector("ae")
    assert of_detector("random") == ()


def test_every_registered_method_has_a_source():
    bare = [name for name in names() if find(name).family != "control" and not of_detector(name)]
    assert bare == [], "write `Reference: [key]` into the docstring of the class or module"


def test_every_data_set_has_a_source_but_those_of_the_project():
    found = {datasets.find(name).citation: of_dataset(name) for name in datasets.names()}
    assert [citation for citation, entries in found.items() if not entries] == ["Fathom"]
    assert keys(of_dataset("wine")) == ["aeberhard1992wine"]
    assert keys(of_dataset("ecg5000")) == ["dau2019ucr", "goldberger2000physiobank"]


def test_a_bib_lists_each_source_once_in_the_order_of_keys():
    text = references.bibtex([*of_detector("lof"), *of_detector("ae+lof")])
    found = re.findall(r"^@\w+\{(\w+),$", text, re.M)
    assert found == sorted({*keys(of_detector("ae")), "breunig2000lof"})
    assert bibliography()["breunig2000lof"].entry in text
