"""VisA: photographs of products with masks of their defects, as published.

Zou, Jeong, Pemula, Zhang and Dabeer, "SPot-the-difference self-supervised pre-training for anomaly
detection and segmentation", ECCV 2022, arXiv 2207.14315. The archive holds, for each product,
Data/Images/Normal, Data/Images/Anomaly and Data/Masks/Anomaly, and the splits of all products in
split_csv; that for one class is 1cls.csv, with the columns object, split, label, image and mask.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NoReturn

import numpy as np

from datasets.entry import Archive, Entry, Facts, File
from datasets.families.images import mvtec
from datasets.files import WrongData
from datasets.formats.decoded import once
from datasets.formats.images import Picture, read_images
from datasets.record import Array, Card, DataSet, OfficialSplit

SPLIT = "split_csv/1cls.csv"
_COLUMNS = ("object", "split", "label", "image", "mask")


def category(card: Card, paths: Sequence[Path], size: int, grey: bool, masks: bool) -> DataSet:
    """Return images, masks and split as `datasets.families.images.mvtec.category` does.

    Args:
        card: of the data set.
        paths: the folder of a product, as published with 1cls.csv in the folder `split_csv` beside
            it, or in the layout of MVTec AD, as the authors' prepare_data.py writes it.
        size: height and width, in pixels.
        grey: whether to turn colours into grey.
        masks: whether to read masks.

    Raises:
        WrongData: the folder has neither layout, the split is not as published, an image cannot
            be read, or a mask does not fit.
    """
    files, y, n_train = pictures(paths, masks)
    x, mask = once(read_images, files, size, grey)
    return DataSet(card, x, y, OfficialSplit.at(n_train, y), mask if masks else None)


def pictures(paths: Sequence[Path], masks: bool) -> tuple[list[Picture], Array, int]:
    """Return pictures as `datasets.families.images.mvtec.pictures` does.

    Raises:
        WrongData: the folder has neither layout, or the split is not as published.
    """
    folder = paths[0]
    if not (folder / "Data").is_dir():
        return mvtec.pictures(paths, masks)
    rows = _rows(folder.parent / SPLIT, folder.name)
    train = [row for row in rows if row["split"] == "train"]
    test = [row for row in rows if row["split"] == "test"]
    y = np.array([row["label"] != "normal" for row in train + test])
    found = [
        Picture(
            _inside(folder, row["image"]),
            _inside(folder, row["mask"]) if masks and odd else None,
        )
        for row, odd in zip(train + test, y, strict=True)
    ]
    return found, y, len(train)


def _rows(path: Path, product: str) -> list[dict[str, str]]:
    """Return the lines of a product, normal ones first, then by image."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        _refuse(path, f"cannot be read ({error}); it is in the archive of VisA")
    if not rows or tuple(rows[0]) != _COLUMNS:
        _refuse(path, f"is not the split of VisA, which has the columns {', '.join(_COLUMNS)}")
    own = [row for row in rows if row["object"] == product]
    for row in own:
        if row["split"] not in ("train", "test") or row["label"] not in ("normal", "anomaly"):
            _refuse(path, f"has {row['split']!r}, {row['label']!r} for {row['image']}")
    if {row["split"] for row in own} != {"train", "test"}:
        known = ", ".join(sorted({row["object"] for row in rows}))
        _refuse(path, f"has no training or no test images of {product!r}; found: {known}")
    return sorted(own, key=lambda row: (row["label"] != "normal", row["image"]))


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a name such as candle/Data/Images/Normal/0000.JPG, within its folder."""
    parts = PurePosixPath(name).parts
    if not name or parts[0] != folder.name or ".." in parts:
        _refuse(folder.parent / SPLIT, f"names {name!r}, which is not within {folder.name}/")
    return folder.joinpath(*parts[1:])


def _refuse(path: Path, reason: str) -> NoReturn:
    msg = f"{path} {reason}"
    raise WrongData(msg)


_ARCHIVE = Archive(
    File(
        "VisA_20220922.tar",
        ("https://amazon-visual-anomaly.s3.us-west-2.amazonaws.com/VisA_20220922.tar",),
        sha256="2eb8690c803ab37de0324772964100169ec8ba1fa3f7e94291c9ca673f40f362",
        n_bytes=1929840640,
    ),
    into="visa",
)
_PRODUCTS = (
    # product, normal images; each has 100 defective ones
    *(("candle", 1000), ("capsules", 602), ("cashew", 500), ("chewinggum", 503), ("fryum", 500)),
    *(("macaroni1", 1000), ("macaroni2", 1000), ("pcb1", 1004), ("pcb2", 1001), ("pcb3", 1006)),
    *(("pcb4", 1005), ("pipe_fryum", 500)),
)


def _product(name: str, n_normal: int) -> Entry:
    return mvtec.entry(
        f"visa/{name}",
        f"visa/{name}",
        loader="datasets.families.images.visa:category",
        source="VisA, https://github.com/amazon-science/spot-diff",
        licence="CC BY 4.0",
        citation=(
            "Zou, Jeong, Pemula, Zhang and Dabeer, SPot-the-difference self-supervised "
            "pre-training for anomaly detection and segmentation, ECCV 2022, arXiv:2207.14315 "
            "[zou2022visa]"
        ),
        archives=(_ARCHIVE,),
        beside=(f"visa/{SPLIT}",),
        facts=Facts(n_normal + 100, (3, mvtec.SIZE, mvtec.SIZE), 100),
        known_issues=(
            "official split: at least half of the test images are defective, so a random score "
            "has that AP",
            "images are not square, but are resized to squares",
            "the split is 1cls.csv, for one class: values under the other splits do not compare",
        ),
    )


ENTRIES = tuple(_product(*counted) for counted in _PRODUCTS)
