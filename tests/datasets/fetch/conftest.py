"""Sets to fetch, a data folder, and a short patience."""

import pytest

from datasets import Entry, File
from datasets.catalogue import TABLE
from datasets.fetch import transfer
from tests.helpers.files.served import CONTENT, SHA256


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(transfer, "TIMEOUT_SECONDS", (1.0, 0.25))
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 1000)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data folder \N{SNOWMAN}"


@pytest.fixture
def enter(monkeypatch):
    """Add a line to the table of data sets."""

    def add(name="set/one", **told):
        about = {"source": "a source, https://example.org", "licence": "CC BY 4.0"}
        known = {
            "kind": "tabular",
            "family": "x",
            "citation": "x",
            "loader": "x:x",
            **about,
            **told,
        }
        monkeypatch.setitem(TABLE, name, Entry(name=name, **known))
        return name

    return add


@pytest.fixture
def offer(enter):
    """Add a set of one file, `set/one.bin`, with these addresses."""

    def add(*urls, name="set/one", **told):
        known = {"sha256": SHA256, "n_bytes": len(CONTENT), **told}
        return enter(name, files=(File("set/one.bin", urls, **known),))

    return add
