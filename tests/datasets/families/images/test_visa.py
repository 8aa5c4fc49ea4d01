"""VisA as published, made of generated images: the same as in the layout of MVTec AD."""

import csv
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from datasets import Archive, MissingData, WrongData, card, find, load
from datasets.catalogue import TABLE
from datasets.fetch.fetching import fetch

COLUMNS = ["object", "split", "label", "image", "mask"]


@pytest.fixture
def published(tmp_path):
    """Return the data folder of two products as published, in the shuffled order of the split."""
    rng = np.random.default_rng(0)
    lines = []
    for product in ("candle", "pcb1"):
        data = tmp_path / "visa" / product / "Data"
        for place in ("Images/Normal", "Images/Anomaly", "Masks/Anomaly"):
            (data / place).mkdir(parents=True)
        for k in (3, 0, 2, 1):
            name = f"{product}/Data/Images/Normal/{k:04}.JPG"
            image(rng, (12, 9)).save(tmp_path / "visa" / name)
            lines.append([product, "test" if k == 2 else "train", "normal", name, ""])
        for k in (1, 0):
            name = f"{product}/Data/Images/Anomaly/{k:03}.JPG"
            mask = f"{product}/Data/Masks/Anomaly/{k:03}.png"
            image(rng, (12, 9)).save(tmp_path / "visa" / name)
            drawn = np.zeros((9, 12), np.uint8)
            drawn[:4, 2:9] = 1 + k  # kinds of defects are numbered
            Image.fromarray(drawn).save(tmp_path / "visa" / mask)
            lines.append([product, "test", "anomaly", name, mask])
    write_split(tmp_path, lines)
    return tmp_path


def image(rng, size):
    return Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), np.uint8))


def write_split(folder, lines, columns=COLUMNS):
    path = folder / "visa" / "split_csv" / "1cls.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *lines])


@pytest.fixture(autouse=True)
def open_facts(monkeypatch):
    """Let small folders stand for the real ones."""
    for product in ("candle", "pcb1"):
        entry = find(f"visa/{product}")
        monkeypatch.setitem(TABLE, entry.name, replace(entry, facts=None))


def test_the_published_layout_is_read_with_its_split_for_one_class(published):
    data = load("visa/pcb1?size=8", published)

    assert data.x.shape == (6, 3, 8, 8)
    assert data.y.tolist() == [0, 0, 0, 0, 1, 1]
    assert data.split.train.tolist() == [0, 1, 2]
    assert data.split.test.tolist() == [3, 4, 5]
    assert set(np.unique(data.masks)) == {0, 1}
    assert ((data.masks.sum(axis=(1, 2)) > 0) == data.y).all()
    assert load("visa/pcb1?size=8&masks=no", published).masks is None


def test_the_layout_of_mvtec_gives_the_same(published, tmp_path):
    data = load("visa/pcb1?size=8", published)
    folder = published / "visa" / "pcb1"
    text = (published / "visa" / "split_csv" / "1cls.csv").read_text()
    for row in csv.DictReader(text.splitlines()):
        if row["object"] == "pcb1":
            label = "good" if row["label"] == "normal" else "bad"
            move(published, row["image"], folder / row["split"] / label)
            if row["mask"]:
                move(published, row["mask"], folder / "ground_truth" / "bad")
    shutil.rmtree(folder / "Data")
    other = load("visa/pcb1?size=8", published)

    np.testing.assert_array_equal(data.x, other.x)
    np.testing.assert_array_equal(data.masks, other.masks)
    np.testing.assert_array_equal(data.split.train, other.split.train)


def move(folder, name, place):
    place.mkdir(parents=True, exist_ok=True)
    shutil.move(folder / "visa" / name, place)


def test_another_split_is_another_data_set(published):
    before = card("visa/pcb1", published).sha256
    path = published / "visa" / "split_csv" / "1cls.csv"
    path.write_text(path.read_text().replace("pcb1,train", "pcb1,test", 1))

    assert card("visa/pcb1", published).sha256 != before


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("object,", "product,", r"1cls\.csv is not the split of VisA, which has the columns obje"),
        ("pcb1,", "pcb9,", r"has no training or no test images of 'pcb1'; found: candle, pcb9"),
        ("pcb1,train,normal", "pcb1,val,normal", r"has 'val', 'normal' for pcb1/Data/Images/Norm"),
        ("pcb1/Data/Images/Normal/0003", "../0003", r"names '\.\./0003\.JPG', which is not within"),
        ("pcb1/Data/Images", "pcb1/../candle/Data/Images", r"candle/.*, which is not within pcb1/"),
        ("pcb1/Data/Images/Normal/0003", "pcb1/0003", r"pcb1/0003\.JPG is not a complete image"),
    ],
)
def test_a_split_that_is_not_as_published_is_refused(published, old, new, sentence):
    path = published / "visa" / "split_csv" / "1cls.csv"
    path.write_text(path.read_text().replace(old, new))

    with pytest.raises(WrongData, match=sentence):
        load("visa/pcb1?size=8", published)


def test_without_the_split_it_is_said_where_it_comes_from(published):
    (published / "visa" / "split_csv" / "1cls.csv").unlink()

    with pytest.raises(WrongData, match=r"1cls\.csv cannot be read .*; it is in the archive"):
        load("visa/pcb1?size=8", published)


def test_the_archive_put_there_by_hand_is_unpacked_and_read(published, tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    packed = shutil.make_archive(data / "VisA_20220922", "tar", published / "visa")
    entry = find("visa/candle")
    (known,) = entry.archives
    file = replace(known.file, sha256="", n_bytes=None)
    monkeypatch.setitem(TABLE, entry.name, replace(entry, archives=(Archive(file, known.into),)))
    with pytest.raises(MissingData, match="bench data fetch visa/candle`, which unpacks VisA_2022"):
        load("visa/candle", data)

    assert packed.endswith(known.file.path)
    assert fetch(["visa/candle"], data) == {}
    assert load("visa/candle?size=8", data).x.shape == (6, 3, 8, 8)
