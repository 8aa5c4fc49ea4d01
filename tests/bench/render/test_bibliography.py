"""The kept bibliography: one entry for each source, with what BibTeX asks of its type."""

import re

import pytest

from detectors.registry import TABLE, find
from detectors.source import HOME, citations

TEXT = (HOME / "bench" / "references.bib").read_text(encoding="utf-8")
ENTRIES = {
    match["key"]: (match["kind"], dict(re.findall(r"^  (\w+) = \{(.*)\},$", match["body"], re.M)))
    for match in re.finditer(r"^@(?P<kind>\w+)\{(?P<key>\w+),\n(?P<body>.*?)^\}", TEXT, re.M | re.S)
}
VENUES = {
    "article": "journal",
    "inproceedings": "booktitle",
    "techreport": "institution",
    "book": "publisher",
}


@pytest.mark.parametrize("key", ENTRIES)
def test_an_entry_is_complete(key):
    kind, fields = ENTRIES[key]
    assert {"author", "title", "year"} <= set(fields)
    assert kind == "misc" or VENUES[kind] in fields
    assert kind != "misc" or {"eprint", "howpublished"} & set(fields)
    assert fields["year"] in key
    assert TEXT.count("{" + key + ",") == 1


def test_entries_stand_in_the_order_of_their_keys():
    assert list(ENTRIES) == sorted(ENTRIES)
    assert len(ENTRIES) == TEXT.count("\n@")


def test_every_key_that_a_detector_cites_is_there():
    cited = {key for name in [*TABLE, "pyod:HBOS"] for key in citations(find(name).target)}
    assert cited <= set(ENTRIES)
