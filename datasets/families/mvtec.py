"""Images with masks of their defects, in the layout of MVTec AD.

Bergmann, Fauser, Sattlegger and Steger, "MVTec AD: a comprehensive real-world dataset for
unsupervised anomaly detection", CVPR 2019, doi:10.1109/CVPR.2019.00982. A category holds
train/good/*.png, test/good/*.png, test/DEFECT/NAME.png and ground_truth/DEFECT/NAME_mask.png.
BTAD calls normal images "ok", and a mask has the name of its image; both are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from datasets.entry import Archive, Entry, Facts, File
from datasets.files import WrongData
from datasets.record import Array, Card, DataSet, OfficialSplit

if TYPE_CHECKING:
    from PIL.Image import Image

NORMAL = ("good", "ok")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


def category(card: Card, paths: Sequence[Path], size: int, grey: bool, masks: bool) -> DataSet:
    """Return images (3, size, size), or (1, size, size) of grey, with masks and official split.

    Images are resized with Lanczos' filter, without keeping their aspect ratio, and masks with the
    nearest pixel; a pixel is anomalous where the mask is not 0. The official split trains on the
    normals of the training part and tests on the whole test part.

    Args:
        card: of the data set.
        paths: the folder of a category.
        size: height and width, in pixels.
        grey: whether to turn colours into grey.
        masks: whether to read masks, which every defective image must then have.

    Raises:
        WrongData: the folder has another layout, an image cannot be read, or a mask does not fit.
    """
    folder = paths[0]
    _check_layout(folder)
    train = _images(folder / "train" / _normal(folder / "train"))
    test = [image for kind in _kinds(folder / "test") for image in _images(kind)]
    if not train or not test:
        _refuse(folder, f"has {len(train)} training and {len(test)} test images; give some of each")
    files = [*train, *test]
    defective = np.array([path.parent.name not in NORMAL for path in files])
    drawn = [
        _mask_of(folder, path) if masks and odd else None
        for path, odd in zip(files, defective, strict=True)
    ]
    x, mask = read_images(files, drawn, size, grey)
    split = OfficialSplit.at(len(train), defective)
    return DataSet(card, x, defective, split, mask if masks else None)


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
    names = [path.name for path in folders]
    if absent := [name for name in normal if name not in names]:
        _refuse(paths[0], f"has no folder {absent[0]!r}; found: {', '.join(names)}")
    files = [image for folder in folders for image in _images(folder)]
    x, _ = read_images(files, [None] * len(files), size, grey)
    return DataSet(card, x, np.array([path.parent.name not in normal for path in files]))


def read_images(
    files: Sequence[Path], masks: Sequence[Path | None], size: int, grey: bool
) -> tuple[Array, Array]:
    """Return images (n, channels, size, size) and masks (n, size, size), 0 where there is none.

    Raises:
        WrongData: an image or a mask cannot be read, or a mask is of another size than its image.
    """
    x = np.empty((len(files), 1 if grey else 3, size, size), np.uint8)
    drawn = np.zeros((len(files), size, size), np.uint8)
    for i, (path, mask) in enumerate(zip(files, masks, strict=True)):
        x[i], drawn[i] = _read(path, mask, size, grey)
    return x, drawn


def _check_layout(folder: Path) -> None:
    """Raise an error if the folder is not that of a category, with what it seems to be."""
    missing = [name for name in ("train", "test") if not (folder / name).is_dir()]
    if not missing and _normal(folder / "train"):
        return
    inner = [path.name for path in _folders(folder) if (path / "train").is_dir()]
    if inner:
        _refuse(folder, f"has the categories {', '.join(inner)}; name the folder of one")
    found = ", ".join(path.name for path in _folders(folder)) or "no folders"
    wanted = "train/good, test/good, test/DEFECT and ground_truth/DEFECT"
    _refuse(
        folder,
        f"is not a category in the layout of MVTec AD ({wanted}); found: {found}; for a "
        "folder for each class, name the normal one (--normal, or ?normal=NAME)",
    )


def _normal(folder: Path) -> str:
    """Return the name of the normal images in a folder, "good" or "ok"; "" without any."""
    return next((name for name in NORMAL if (folder / name).is_dir()), "")


def _kinds(folder: Path) -> list[Path]:
    """Return the folders of a test part, the normal one first."""
    return sorted(_folders(folder), key=lambda path: (path.name not in NORMAL, path.name))


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")


def _images(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.name[0] != "."
    )


def _mask_of(folder: Path, image: Path) -> Path:
    """Return the path of the mask of a defective image."""
    places = folder / "ground_truth" / image.parent.name
    for stem in (f"{image.stem}_mask", image.stem):
        for ending in ENDINGS:
            if (mask := places / f"{stem}{ending}").is_file():
                return mask
    _refuse(image, f"has no mask; it should be {places / image.stem}_mask.png, or write ?masks=no")


def _read(path: Path, mask: Path | None, size: int, grey: bool) -> tuple[Array, Array]:
    """Return an image (channels, size, size) and its mask (size, size) of 0 and 1."""
    from PIL.Image import Resampling

    opened = _open(path)
    shown = opened.convert("L" if grey else "RGB").resize((size, size), Resampling.LANCZOS)
    pixels = np.asarray(shown).reshape(size, size, -1).transpose(2, 0, 1)
    if mask is None:
        return pixels, np.zeros((size, size), np.uint8)
    drawn = _open(mask)
    if drawn.size != opened.size:
        sides = "{} x {}".format(*drawn.size), "{} x {}".format(*opened.size)
        _refuse(mask, f"is {sides[0]} pixels, its image {path.name} is {sides[1]}; resize the mask")
    drawn = drawn.convert("L").resize((size, size), Resampling.NEAREST)
    return pixels, (np.asarray(drawn) > 0).astype(np.uint8)


def _open(path: Path) -> Image:
    """Return an image that has been read to its end."""
    import PIL.Image

    broken = (OSError, SyntaxError, ValueError, EOFError, PIL.Image.DecompressionBombError)
    try:
        with PIL.Image.open(path) as image:
            image.load()
    except broken as error:
        reason = str(error).replace(f" {str(path)!r}", "")
        _refuse(path, f"is not a complete image: {reason}; replace it, or fetch the set again")
    if image.mode not in _MODES:
        _refuse(path, f"has pixels of mode {image.mode!r}; convert it to 8 bits, grey or colour")
    return image


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

ISSUES = (
    "few test images: the interval of an AUROC of .88 may be .77 to .97",
    "most test images are defective: a random score has a high F1 and a high AP",
)
_SCREW = ("the mean grey level separates good from defective test images, photographed separately",)


def entry(
    name: str, folder: str, loader: str = "datasets.families.mvtec:category", **known: Any
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
        known_issues=ISSUES + (_SCREW if name == "screw" else ()),
    )


ENTRIES = tuple(_category(*counted) for counted in _CATEGORIES)
