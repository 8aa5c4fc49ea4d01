"""Images with masks of their defects, in the layout of MVTec AD.

Bergmann, Fauser, Sattlegger and Steger, "MVTec AD: a comprehensive real-world dataset for
unsupervised anomaly detection", CVPR 2019, doi:10.1109/CVPR.2019.00982. A category holds
train/good/*.png, test/good/*.png, test/DEFECT/NAME.png and ground_truth/DEFECT/NAME_mask.png.
BTAD calls normal images "ok", and a mask has the name of its image; both are read. Names of
folders and endings are read in any case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from datasets.entry import Archive, Entry, Facts, File
from datasets.files import WrongData, files_under
from datasets.formats.decoded import once
from datasets.formats.images import Picture, images_in, read_images, unread
from datasets.record import Array, Card, DataSet, OfficialSplit, Symmetries
from datasets.shifts import shifted_facts, with_shifts

NORMAL = ("good", "ok", "normal")


def category(card: Card, paths: Sequence[Path], size: int, grey: bool, masks: bool) -> DataSet:
    """Return images (3, size, size), or (1, size, size) of grey, with masks and official split.

    Images are resized with Lanczos' filter, without keeping their aspect ratio, and masks with the
    nearest pixel; a pixel is anomalous where the mask is not black. The official split trains on
    the normals of the training part and tests on the whole test part.

    Args:
        card: of the data set.
        paths: the folder of a category.
        size: height and width, in pixels.
        grey: whether to turn colours into grey.
        masks: whether to read masks, which every defective image must then have.

    Raises:
        WrongData: the folder has another layout, an image cannot be read, or a mask does not fit.
    """
    files, defective, n_train = pictures(paths, masks)
    x, mask = once(read_images, files, size, grey)
    split = OfficialSplit.at(n_train, defective)
    return DataSet(card, x, defective, split, mask if masks else None)


def shifted(card: Card, paths: Sequence[Path], size: int, grey: bool) -> DataSet:
    """Return images as `category` does, with shifts as in `datasets.shifts.with_shifts`."""
    return with_shifts(card, lambda plain: category(plain, paths, size, grey, masks=False))


def pictures(paths: Sequence[Path], masks: bool) -> tuple[list[Picture], Array, int]:
    """Return the pictures of a category, which are defective, and how many are to train.

    Raises:
        WrongData: the folder has another layout, or a defective image has no mask.
    """
    folder = paths[0]
    train, test, drawn = (_part(folder, part) for part in ("train", "test", "ground_truth"))
    normals, kinds = _normals(train, test), _folders(test)
    _check_layout(folder, normals, kinds)
    normal = {*NORMAL, *(_plain(path.name) for path in normals)}
    kinds.sort(key=lambda path: _plain(path.name) not in normal)
    of_train, of_test = ([image for kind in part for image in images_in(kind)]
                         for part in (normals, kinds))  # fmt: skip
    files = [*of_train, *of_test]
    of_masks = [path for path in files_under(folder) if drawn in path.parents]
    where = f"{train.name}/{normals[0].name} and the folders in {test.name}"
    wrong = unread(folder, [*normals, *kinds], [*files, *of_masks], where)
    defective = np.array([_plain(path.parent.name) not in normal for path in files], bool)
    if not of_train or not of_test:
        counts = f"{len(of_train)} training and {len(of_test)} test images"
        wrong.append(f"{folder} has {counts}; give some of each")
    elif defective[len(of_train) :].all():
        found = ", ".join(path.name for path in kinds)
        wrong.append(f"{test} has no folder {normals[0].name!r} with normal images; found: {found}")
    known = _masks(drawn) if masks else {}
    listed = [Picture(path, _mask_of(path, known) if masks and odd else None)
              for path, odd in zip(files, defective, strict=True)]  # fmt: skip
    unmarked = [path for (path, mask), odd in zip(listed, defective, strict=True)
                if masks and odd and mask is None]  # fmt: skip
    if unmarked:
        path, *others = unmarked
        they_have = f"and {len(others)} more images have" if others else "has"
        should = drawn / path.parent.name / f"{path.stem}_mask.png"
        wrong.append(f"{path} {they_have} no mask; it should be {should}, or write ?masks=no")
    if wrong:
        read_images(listed, 1, True, wrong)  # which raises, with the images that cannot be read
    return listed, defective, len(of_train)


def classes(
    card: Card, paths: Sequence[Path], normal: Sequence[str], size: int, grey: bool
) -> DataSet:
    """Return images of a folder with a folder for each class, without masks or a split.

    Args:
        card: of the data set.
        paths: the folder of the classes.
        normal: names of the classes that are normal; every other one is anomalous.
        size: height and width, in pixels.
        grey: whether to turn colours into grey.

    Raises:
        WrongData: no class has that name, or an image cannot be read.
    """
    folders = _folders(paths[0])
    chosen = {name: [path for path in folders if path.name == name]
              or [path for path in folders if path.name.strip().casefold() == name.casefold()]
              for name in normal}  # fmt: skip
    for name, found in chosen.items():
        if not found:
            names = ", ".join(path.name for path in folders)
            _refuse(paths[0], f"has no folder {name!r}; found: {names}")
    normals = {path for found in chosen.values() for path in found}
    called = {path.name.strip().casefold() for path in normals}
    alike = [path.name for path in folders if path.name.strip().casefold() in called]
    if len(alike) > len(normals):
        names = ", ".join(alike)
        _refuse(paths[0], f"has folders whose names differ in case alone, {names}; rename them")
    files = [image for folder in folders for image in images_in(folder)]
    wrong = unread(paths[0], folders, files, "a folder for each class")
    if empty := normals - {path.parent for path in files}:
        wrong.append(f"{min(empty)} has no images; name a normal class that has some")
    listed = [Picture(path, None) for path in files]
    if wrong:
        read_images(listed, 1, True, wrong)  # which raises, with the images that cannot be read
    x, _ = once(read_images, listed, size, grey)
    return DataSet(card, x, np.array([path.parent not in normals for path in files]))


def _check_layout(folder: Path, normals: Sequence[Path], kinds: Sequence[Path]) -> None:
    """Raise an error if the folder is not that of a category, with what it seems to be."""
    if normals and kinds:
        return
    inner = [path.name for path in _folders(folder) if _part(path, "train").is_dir()]
    if inner:
        _refuse(folder, f"has the categories {', '.join(inner)}; name the folder of one")
    found = ", ".join(path.name for path in _folders(folder)) or "no folders"
    wanted = "train/good, test/good, test/DEFECT and ground_truth/DEFECT"
    _refuse(
        folder,
        f"is not a category in the layout of MVTec AD ({wanted}); found: {found}; for a "
        "folder for each class, name the normal one (--normal, or ?normal=NAME)",
    )


def _part(folder: Path, name: str) -> Path:
    """Return a folder within another, whatever the case and the signs in its name."""
    spellings = [path for path in _folders(folder) if _plain(path.name) == _plain(name)]
    exact = folder / name
    return exact if exact in spellings or not spellings else spellings[0]


def _plain(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _normals(train: Path, test: Path) -> list[Path]:
    """Return the folders of normal images in a training part.

    They are called as in `NORMAL`, or there is only one, and none in the test part is called so.
    """
    so_called = [[path for path in _folders(part) if _plain(path.name) in NORMAL]
                 for part in (train, test)]  # fmt: skip
    alone = _folders(train) if not any(so_called) else []
    return so_called[0] or alone * (len(alone) == 1)


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")


def _masks(folder: Path) -> dict[tuple[str, str], Path]:
    """Return masks by the kind of defect and the name of the image or of the mask."""
    return {
        (_plain(kind.name), path.stem.casefold()): path
        for kind in _folders(folder)
        for path in reversed(images_in(kind))
    }


def _mask_of(image: Path, known: Mapping[tuple[str, str], Path]) -> Path | None:
    """Return the path of the mask of a defective image, if it has one."""
    kind = _plain(image.parent.name)
    names = (f"{image.stem}_mask", image.stem)
    return next((known[kind, n.casefold()] for n in names if (kind, n.casefold()) in known), None)


def _refuse(path: Path, reason: str) -> NoReturn:
    msg = f"{path} {reason}"
    raise WrongData(msg)


SIZE = 256

_SHARE = "https://www.mydrive.ch/shares"
_ARCHIVE = Archive(
    File(
        "mvtec_anomaly_detection.tar.xz",
        tuple(
            f"{_SHARE}/{place}/mvtec_anomaly_detection.tar.xz"
            for place in (
                "150996/b52ecdcbf521176e9db9c731f2304b27/download/420938113-1629960298",
                "38536/3830184030e49fe74747669442f0f282/download/420938113-1629952094",
            )
        ),
        sha256="cf4313b13603bec67abb49ca959488f7eedce2a9f7795ec54446c649ac98cd3d",
        n_bytes=5264982680,
        advice="get mvtec_anomaly_detection.tar.xz from https://www.mvtec.com/company/research/datasets/mvtec-ad",
    ),
    into="mvtec_ad",
)
_CATEGORIES = (
    # category, images to train, normal and defective ones to test
    ("bottle", 209, 20, 63),
    ("cable", 224, 58, 92),
    ("capsule", 219, 23, 109),
    ("carpet", 280, 28, 89),
    ("grid", 264, 21, 57),
    ("hazelnut", 391, 40, 70),
    ("leather", 245, 32, 92),
    ("metal_nut", 220, 22, 93),
    ("pill", 267, 26, 141),
    ("screw", 320, 41, 119),
    ("tile", 230, 33, 84),
    ("toothbrush", 60, 12, 30),
    ("transistor", 213, 60, 40),
    ("wood", 247, 19, 60),
    ("zipper", 240, 32, 119),
)

# By the paper, "placed in front of the camera with a random rotation"; metal nuts upside down are
# defective. A bottle is round, but its light comes from one side: see `datasets.symmetry`.
_SYMMETRIES: Mapping[str, Symmetries] = dict.fromkeys(
    ("hazelnut", "metal_nut", "screw"), "rotations"
)

ISSUES = (
    "official split: few test images, so the interval of an AUROC of .88 may be .77 to .97",
    "official split: most test images are defective, so a random score has a high F1 and AP",
)
_SCREW = (
    "official split: the mean grey level separates good from defective test images, which were "
    "photographed separately",
)


def entry(
    name: str, folder: str, loader: str = "datasets.families.images.mvtec:category", **known: Any
) -> Entry:
    """Return the entry of a category in the layout of MVTec AD.

    Args:
        name: that loads it.
        folder: of the category, relative to the data folder.
        loader: see `Entry`.
        known: other fields of the entry.
    """
    return Entry(
        name=name,
        kind="image",
        family=name,
        has_official_split=True,
        loader=loader,
        folders=(folder,),
        options={"size": SIZE, "grey": False, "masks": True},
        settable=("size", "grey", "masks"),
        **known,
    )


_VALUES = {
    # Of a copy that was resized to 256 pixels. The originals of five of its images, which are at
    # github.com/jubaer36/ppad, have the same values.
    "bottle": "0dabba1e3b085d4b201e46877047d448b5d3131395144f2b8f1871c18b1c6979",
}


def _category(name: str, n_train: int, n_good: int, n_defective: int) -> Entry:
    return entry(
        f"mvtec/{name}",
        f"mvtec_ad/{name}",
        source="MVTec AD, https://www.mvtec.com/company/research/datasets/mvtec-ad",
        licence="CC BY-NC-SA 4.0",
        restricted=True,
        citation=(
            "Bergmann, Fauser, Sattlegger and Steger, MVTec AD: a comprehensive real-world "
            "dataset for unsupervised anomaly detection, CVPR 2019, "
            "doi:10.1109/CVPR.2019.00982 [bergmann2019mvtec]"
        ),
        archives=(_ARCHIVE,),
        facts=Facts(n_train + n_good + n_defective, (3, SIZE, SIZE), n_defective),
        values_sha256=_VALUES.get(name, ""),
        known_issues=ISSUES + (_SCREW if name == "screw" else ()),
        symmetries=_SYMMETRIES.get(name, ""),
    )


def _shifted(plain: Entry, n_good: int) -> Entry:
    return replace(
        plain,
        name=f"mvtec-shift/{plain.name.partition('/')[2]}",
        loader="datasets.families.images.mvtec:shifted",
        options={"size": SIZE, "grey": False},
        settable=("size", "grey"),
        **shifted_facts(plain, n_good),
    )


_PLAIN = tuple(_category(*counted) for counted in _CATEGORIES)
ENTRIES = (
    *_PLAIN,
    *(_shifted(plain, counted[2]) for plain, counted in zip(_PLAIN, _CATEGORIES, strict=True)),
)


def files_of_category(folder: Path) -> list[Path]:
    """Return the files of the images of `category`, in the order of its samples."""
    return [picture.image for picture in pictures([folder], masks=False)[0]]


def files_of_classes(folder: Path) -> list[Path]:
    """Return the files of the images of `classes`, in the order of its samples."""
    return [image for kind in _folders(folder) for image in images_in(kind)]
