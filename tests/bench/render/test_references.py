"""Citations, read from docstrings and cards."""

import re

import pytest

import datasets
from bench.render import references
from bench.render.references import of_dataset, of_detector
from detectors import names
from detectors.registry import find


def test_a_source_of_a_docstring_has_its_parts():
    (lof,) = of_detector("lof")
    assert lof.key == "breunig2000lof"
    assert lof.authors == ("Breunig", "Kriegel", "Ng", "Sander")
    assert lof.title == "LOF: identifying density-based local outliers"
    assert (lof.venue, lof.year, lof.doi) == ("SIGMOD", "2000", "10.1145/342009.335388")
    assert [r.arxiv for r in of_detector("vae")] == ["1312.6114", "", ""]


def test_methods_of_one_file_cite_their_own_sources():
    assert [r.key for r in of_detector("knn")] == ["ramaswamy2000efficient", "angiulli2002fast"]
    assert [r.key for r in of_detector("ecod")] == ["li2022ecod"]
    assert [r.key for r in of_detector("copod")] == ["li2020copod"]


def test_a_head_is_cited_beside_its_model_and_pyod_for_its_detectors():
    assert [r.key for r in of_detector("vae+lof")][-1] == "breunig2000lof"
    assert [r.key for r in of_detector("pyod:HBOS")] == ["zhao2019pyod"]
    assert of_detector("untrained-ae") == of_detector("ae")
    assert of_detector("random") == ()


def test_every_registered_method_has_a_source_that_can_be_read():
    bare = [name for name in names() if find(name).family != "control" and not of_detector(name)]
    assert bare == [], 'write Authors, "Title", venue year, doi:... in the docstring of the module'
    for name in names():
        for source in of_detector(name):
            assert re.fullmatch(r"[a-z]+(19|20)\d\d[a-z0-9]+", source.key), source


@pytest.mark.parametrize(
    ("name", "authors", "title", "year"),
    [
        ("wine", ("Aeberhard", "Forina"), "Wine", "1992"),
        ("adbench/ALOI", ("Han", "Hu", "Huang", "Jiang", "Zhao"),
         "ADBench: Anomaly Detection Benchmark", "2022"),
        ("odds/annthyroid", ("Rayana",), "ODDS Library", "2016"),
        ("brats/flair", ("Menze", "et al."),
         "The multimodal brain tumor image segmentation benchmark (BRATS)", "2015"),
    ],
)  # fmt: skip
def test_a_data_set_is_cited_as_its_card_says(name, authors, title, year):
    (source,) = of_dataset(name)
    assert (source.authors, source.title, source.year) == (authors, title, year)


def test_every_data_set_has_a_source_but_those_of_the_project():
    told = {datasets.find(name).citation: of_dataset(name) for name in datasets.names()}
    assert [citation for citation, found in told.items() if not found] == ["Fathom"]


def test_two_tellings_of_one_source_are_one_entry():
    few = references._reference("Gretton et al.", "A kernel test", "JMLR 2012")
    more = references._reference("Gretton, Borgwardt and Rasch", "A kernel test", "JMLR 2012")
    assert few.key == more.key == "gretton2012kernel"
    for order in ([few, more], [more, few]):
        assert references.bibtex(order).count("@misc{gretton2012kernel,") == 1
        assert "Borgwardt" in references.bibtex(order)


def test_bibtex_lists_each_source_once_and_escapes_what_latex_reads():
    text = references.bibtex([*of_detector("lof"), *of_detector("ae+lof")])
    assert text.count("@misc{breunig2000lof,") == 1
    assert text.index("breunig2000lof") < text.index("hinton2006reducing")
    assert "author = {Hawkins and others}" in text
    assert "  doi = {10.1007/3-540-46145-0_17},\n" in text
    odd = references._reference("O'Neil, Van Driessen", "A & B: 5 % of_it", "X 2020")
    assert "title = {{A \\& B: 5 \\% of\\_it}}" in odd.bibtex()
    assert "author = {O'Neil and {Van Driessen}}" in odd.bibtex()
