"""Sets of OpenML: fetched from a service on localhost, read from ARFF files, with or without it."""

import hashlib
import json

import numpy as np
import pytest

from datasets import MissingData, WrongData, card, find, load
from datasets.fetch import openml_service, transfer
from datasets.fetch.fetching import fetch, verify
from datasets.own import BadSetting

ARFF = """% a comment
@RELATION toy
@ATTRIBUTE age NUMERIC
@ATTRIBUTE job {nurse,cook}
@ATTRIBUTE class {ok,'no good'}
@DATA
30,nurse,ok
41,?,'no good'
?,cook,ok
"""


def test_openml_reads_a_local_arff_file_with_the_given_normal_class(tmp_path):
    (tmp_path / "openml").mkdir()
    (tmp_path / "openml" / "31.arff").write_text(ARFF)
    name = "openml/31?label=class&normal=ok&categorical=one-hot&missing=keep"
    data = load(name, tmp_path)

    assert data.y.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(data.x[:, 0], [30, 41, np.nan])
    encoded, _ = data.codes.encode(data.x, data.x)
    assert encoded[:, 1:].tolist() == [[0, 1], [0, 0], [1, 0]]

    with pytest.raises(WrongData, match=r"labels are ok, no good; name the normal"):
        load("openml/31?label=class&categorical=one-hot&missing=keep", tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("41,", "forty,"), r"column 'age' has 1 cell that is not a number, such as 'forty' in r"),
        (("@DATA", "@END"), r"31\.arff is not an arff file: it has no line @data"),
        (("age NUMERIC", "age relational"), r"line 3 declares no column of .*: @ATTRIBUTE age re"),
    ],
)
def test_an_arff_file_that_cannot_be_read_is_refused(tmp_path, change, sentence):
    (tmp_path / "openml").mkdir()
    (tmp_path / "openml" / "31.arff").write_text(ARFF.replace(*change))

    with pytest.raises(WrongData, match=sentence):
        load("openml/31?label=class&categorical=one-hot&missing=keep", tmp_path)


def test_double_quotes_and_names_with_spaces_are_read(tmp_path):
    text = ARFF.replace("'", '"').replace("@ATTRIBUTE age", "@attribute 'age of it'")
    (tmp_path / "a.arff").write_text(text)
    data = load(f"file:{tmp_path}/a.arff?label=class&normal=ok&drop=job&missing=drop-rows")

    assert data.x.tolist() == [[30], [41]]


def test_an_openml_set_that_is_not_there_comes_with_its_page(tmp_path):
    with pytest.raises(
        MissingData, match=r"openml/31\.arff is not in .*; run `bench data fetch openml/31`"
    ):
        load("openml/31?label=class", tmp_path)


TABLE = "?normal=ok&categorical=one-hot&missing=keep"
TOLD = {
    "id": "31",
    "name": "toy",
    "version": "1",
    "format": "ARFF",
    "licence": "Public",
    "default_target_attribute": "class",
    "row_id_attribute": "age",
    "status": "active",
}


@pytest.fixture
def service(server, monkeypatch):
    """Serve set 31 as the service does, and return the server."""
    monkeypatch.setattr(openml_service, "API", f"http://127.0.0.1:{server.server_port}/json")
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0.001)
    describe(server)
    return server


def describe(server, **changes):
    md5 = hashlib.md5(ARFF.encode(), usedforsecurity=False).hexdigest()
    url = server.serve("data/31/toy.arff", ARFF.encode())
    told = {**TOLD, "url": url, "md5_checksum": md5, **changes}
    server.serve("json/data/31", json.dumps({"data_set_description": told}).encode())


def name_sets(server, name, numbers):
    found = [{"did": did, "name": name, "version": did - 30} for did in numbers]
    path = f"json/data/list/data_name/{name}/limit/10/status/active"
    server.serve(path, json.dumps({"data": {"dataset": found}}).encode())


def test_a_set_is_fetched_by_number_and_knows_its_label_and_its_identifiers(service, tmp_path):
    lines = []

    assert fetch(["openml/31"], tmp_path, say=lines.append) == {}

    assert lines == ["openml/31: licence Public; OpenML, https://www.openml.org/d/31"]
    data = load(f"openml/31{TABLE}", tmp_path)
    assert data.y.tolist() == [0, 1, 0]
    assert data.x.shape == (3, 1)  # age is an identifier
    assert [(found.path, found.state) for found in verify("openml/31", tmp_path)] == [
        ("openml/31.arff", "ok")
    ]
    assert fetch(["openml/31"], tmp_path) == {}
    assert len(service.asked["data/31/toy.arff"]) == 1


def test_a_set_is_fetched_by_a_name_that_is_its_own(service, tmp_path):
    name_sets(service, "toy", [31])

    assert fetch(["openml/toy"], tmp_path) == {}
    assert load(f"openml/toy{TABLE}", tmp_path).y.tolist() == [0, 1, 0]


def test_a_name_of_several_sets_is_answered_with_their_numbers(service, tmp_path):
    name_sets(service, "toy", [31, 40])

    told = fetch(["openml/toy"], tmp_path)["openml/toy"]

    assert told == (
        "OpenML has several active sets called 'toy'; name one by its number: "
        "31 (version 1), 40 (version 10)"
    )


def test_a_set_that_the_service_does_not_have_is_said_so(service, tmp_path):
    service.serve("json/data/7", b"x", service.status(412))

    assert fetch(["openml/7"], tmp_path) == {"openml/7": "OpenML does not have a set 7"}


def test_a_busy_service_is_asked_again_and_one_that_stays_so_is_said_so(service, tmp_path):
    service.acts["json/data/31"] = [service.status(503)]
    assert fetch(["openml/31"], tmp_path) == {}

    service.serve("json/data/32", b"x", *[service.status(503)] * 9)
    told = fetch(["openml/32"], tmp_path)["openml/32"]
    assert "json/data/32 answered 503 Service Unavailable; try later, or get it as ARFF" in told
    assert told.endswith(f"put it at {tmp_path}/openml/32.arff")


def test_what_is_no_json_and_what_is_sparse_is_refused(service, tmp_path):
    service.serve("json/data/8", b"no json")
    assert "sent an answer that is not JSON" in fetch(["openml/8"], tmp_path)["openml/8"]

    describe(service, format="Sparse_ARFF")
    assert "set 31 of OpenML is sparse" in fetch(["openml/31"], tmp_path)["openml/31"]


def test_a_tampered_file_is_refused_when_fetched_and_when_verified(service, tmp_path):
    describe(service, md5_checksum="0" * 32)
    assert "sent a file that has md5" in fetch(["openml/31"], tmp_path)["openml/31"]
    assert not (tmp_path / "openml" / "31.arff").exists()

    describe(service)
    assert fetch(["openml/31"], tmp_path) == {}
    (tmp_path / "openml" / "31.arff").write_text(ARFF.replace("30", "31"))
    (found,) = verify("openml/31", tmp_path)
    assert found.state == "wrong"


def test_what_the_service_said_is_part_of_the_identity(service, tmp_path):
    fetch(["openml/31"], tmp_path)
    before = card(f"openml/31{TABLE}", tmp_path).sha256
    (tmp_path / "openml" / "31.json").write_text("{}")
    assert card(f"openml/31{TABLE}", tmp_path).sha256 != before

    (tmp_path / "openml" / "31.json").write_text("{")
    with pytest.raises(
        WrongData, match=r"31\.json is damaged: .*; remove it and 31\.arff, and fetc"
    ):
        load(f"openml/31{TABLE}", tmp_path)


@pytest.mark.parametrize("key", ["", "../31", ".31", "a/b", "a\\b"])
def test_what_is_no_number_or_name_is_refused(key):
    with pytest.raises(
        BadSetting, match="is not a data set of OpenML; give its number, or its name"
    ):
        find(f"openml/{key}?normal=1")
