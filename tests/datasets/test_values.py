"""Published sets are recognised by their samples and labels, whatever file holds them."""

import hashlib
import shutil

import numpy as np
import pytest
import scipy.io

from bench.cli.card import describe
from datasets import File, WrongData, card, find, load, names, present
from datasets.catalogue import TABLE
from datasets.entry import Entry
from datasets.families import nab
from datasets.fetch.fetching import fetch, verify
from datasets.fetch.manifests import covers
from datasets.files import data_folder
from datasets.record import content_sha256

X = np.arange(12, dtype=np.uint8).reshape(4, 3)
Y = np.array([0, 0, 1, 0])


@pytest.fixture
def path(tmp_path):
    """The published file in the data folder `tmp_path`."""
    made = tmp_path / "toy" / "four.mat"
    made.parent.mkdir()
    scipy.io.savemat(made, {"X": X, "y": Y}, do_compression=True)
    return made


@pytest.fixture(params=[True, False], ids=["digest known", "digest unknown"])
def toy(request, path, monkeypatch):
    """A set that is known by its values, and perhaps by the digest of its file."""
    content = path.read_bytes()
    pins = {"sha256": hashlib.sha256(content).hexdigest(), "n_bytes": len(content)}
    entry = Entry(
        name="toy/four",
        kind="tabular",
        family="toy",
        source="https://example.org",
        licence="MIT",
        citation="none",
        loader="datasets.families.odds:table",
        files=(File("toy/four.mat", **pins if request.param else {}),),
        values_sha256=content_sha256(X.astype(np.float64), Y),
    )
    monkeypatch.setitem(TABLE, entry.name, entry)
    return entry


def rewritten(path, x=X, y=Y):
    scipy.io.savemat(path, {"X": x, "y": y, "note": "saved anew"})


COPIES = {
    "the published one": lambda path: None,
    "saved anew": rewritten,
    "as floats": lambda path: rewritten(path, X.astype(np.float64)),
    "labels in a column": lambda path: rewritten(path, y=Y[:, None]),
}


@pytest.mark.fault(
    area="data",
    kind="a published set in another file",
    how="a copy is saved by another program, with another type, or with a changed sample or label",
    promise="the same samples and labels are the published set; others are refused",
)
@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_with_the_same_values_is_the_published_set(toy, path, tmp_path, copy):
    COPIES[copy](path)
    data = load("toy/four", tmp_path)

    np.testing.assert_array_equal(data.x, X)
    assert data.card.sha256 == card("toy/four", tmp_path / "nowhere").sha256
    assert {found.state for found in verify("toy/four", tmp_path)} == {"ok"}
    assert fetch(["toy/four"], tmp_path) == {}


@pytest.mark.parametrize("what", ["sample", "label", "order", "row"])
def test_a_file_with_other_values_is_refused(toy, path, tmp_path, what):
    x, y = X.copy(), Y.copy()
    if what == "sample":
        x[0, 0] = 9
    elif what == "label":
        y[0] = 1
    elif what == "order":
        x, y = x[::-1], y[::-1]
    else:
        x, y = x[:3], y[:3]
    rewritten(path, x, y)
    with pytest.raises(WrongData, match=r"four(\.mat .*published file|: .* differ from those of)"):
        load("toy/four", tmp_path)
    assert {found.state for found in verify("toy/four", tmp_path)} <= {"wrong", "unverifiable"}


def test_an_option_that_changes_the_values_is_not_compared_with_them():
    assert find("nab/nyc_taxi").values_sha256
    assert not find("nab/nyc_taxi?width=16").values_sha256


def test_odds_and_nab_are_known_by_values_but_for_those_without_a_second_source():
    unknown = {n for n in names() if n.startswith(("odds/", "nab/")) and not find(n).values_sha256}
    assert unknown == {"odds/cover", "odds/speech", "odds/wine"}
    assert all(file.pin for entry in nab.ENTRIES for file in entry.files)


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("odds/")])
def test_the_real_files_of_odds_have_the_values_on_record(name, tmp_path):
    if not present(name):
        pytest.skip(f"{name} is not in the data folder")
    data = load(name)
    copy = tmp_path / find(name).files[0].path
    copy.parent.mkdir()
    scipy.io.savemat(copy, {"X": data.x, "y": data.y})
    assert load(name, tmp_path).card.sha256 == data.card.sha256


def test_a_set_is_verifiable_if_a_published_digest_is_known(tmp_path):
    assert covers(find("wine"), tmp_path)
    assert covers(find("odds/smtp"), tmp_path)
    assert covers(find("nab/nyc_taxi?width=16"), tmp_path)
    assert not covers(find("odds/wine"), tmp_path)
    assert covers(find("nsl-kdd"), tmp_path)
    assert covers(find("arrhythmia"), tmp_path)
    assert covers(find("mvtec/bottle"), tmp_path)
    assert not covers(find("mvtec/bottle?size=64"), tmp_path)
    assert not covers(find("mvtec/cable"), tmp_path)
    listed = f"{'0' * 64}  mvtec_ad/cable/train/good/000.png\n"
    (tmp_path / "mvtec_anomaly_detection.tar.xz.files.sha256").write_text(listed)
    assert covers(find("mvtec/cable"), tmp_path)
    assert not covers(find("mvtec/screw"), tmp_path)


@pytest.mark.skipif(not present("mvtec/bottle"), reason="the bottles are not in the data folder")
@pytest.mark.slow
def test_the_real_bottles_are_known_by_their_values_whatever_holds_them(tmp_path):
    from PIL import Image

    before = load("mvtec/bottle")
    made = tmp_path / "mvtec_ad" / "bottle"
    shutil.copytree(data_folder() / "mvtec_ad" / "bottle", made)
    for path in (made / "train").rglob("*.png"):
        Image.open(path).save(path, compress_level=1)
    assert load("mvtec/bottle", tmp_path).card.sha256 != before.card.sha256
    assert [found.state for found in verify("mvtec/bottle", tmp_path)] == ["ok"]
    assert describe("mvtec/bottle", tmp_path)["digest"] == "published"

    Image.open(path).rotate(180).save(path)
    assert [found.state for found in verify("mvtec/bottle", tmp_path)] == ["unverifiable"]
    assert describe("mvtec/bottle", tmp_path)["digest"].startswith("unverified: the samples differ")
