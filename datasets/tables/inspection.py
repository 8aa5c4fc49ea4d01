"""MVTec AD and its relatives: images of products with masks of their defects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datasets.sources import Archive, Entry, Facts, File

SIZE = 256

_SHARE = "https://www.mydrive.ch/shares"
_OBJECTS = f"{_SHARE}/38536/3830184030e49fe74747669442f0f282/download"
_PILL = f"{_SHARE}/43421/11a215a5749fcfb75e331ddd5f8e43ee/download"
_MVTEC = (
    # category, images to train, normal and defective ones to test, place of the archive
    ("bottle", 209, 20, 63, f"{_OBJECTS}/420937370-1629951468"),
    ("cable", 224, 58, 92, f"{_OBJECTS}/420937413-1629951498"),
    ("capsule", 219, 23, 109, f"{_OBJECTS}/420937454-1629951595"),
    ("carpet", 280, 28, 89, f"{_OBJECTS}/420937484-1629951672"),
    ("grid", 264, 21, 57, f"{_OBJECTS}/420937487-1629951814"),
    ("hazelnut", 391, 40, 70, f"{_OBJECTS}/420937545-1629951845"),
    ("leather", 245, 32, 92, f"{_OBJECTS}/420937607-1629951964"),
    ("metal_nut", 220, 22, 93, f"{_OBJECTS}/420937637-1629952063"),
    ("pill", 267, 26, 141, f"{_PILL}/420938129-1629953099"),
    ("screw", 320, 41, 119, f"{_OBJECTS}/420938130-1629953152"),
    ("tile", 230, 33, 84, f"{_OBJECTS}/420938133-1629953189"),
    ("toothbrush", 60, 12, 30, f"{_OBJECTS}/420938134-1629953256"),
    ("transistor", 213, 60, 40, f"{_OBJECTS}/420938166-1629953277"),
    ("wood", 247, 19, 60, f"{_OBJECTS}/420938383-1629953354"),
    ("zipper", 240, 32, 119, f"{_OBJECTS}/420938385-1629953449"),
)
_VISA = (
    *("candle", "capsules", "cashew", "chewinggum", "fryum", "macaroni1", "macaroni2"),
    *("pcb1", "pcb2", "pcb3", "pcb4", "pipe_fryum"),
)
_MPDD = ("bracket_black", "bracket_brown", "bracket_white", "connector", "metal_plate", "tubes")

_BTAD_ARCHIVE = Archive(
    File(
        "btad.zip",
        ("https://avires.dimi.uniud.it/papers/btad/btad.zip",),
        sha256="461c9387e515bfed41ecaae07c50cf6b10def647b36c9e31d239ab2736b10d2a",
    ),
    into="btad",
)

_TRAPS = (
    "few test images: an AUROC of .88 may stand for .77 to .97",
    "most test images are defective: a random score reaches a high F1, and AP starts high",
)
_SCREW = (
    "the mean grey level alone separates good from defective test images: they were taken apart",
)


def _category(name: str, folder: str, **told: Any) -> Entry:
    return Entry(
        name=name,
        kind="image",
        family=name,
        has_official_split=True,
        loader="datasets.mvtec:category",
        folders=(folder,),
        options={"size": SIZE, "grey": False, "masks": True},
        settable=("size", "grey", "masks"),
        **told,
    )


def _mvtec() -> Iterator[Entry]:
    for name, n_train, n_good, n_defective, place in _MVTEC:
        yield _category(
            f"mvtec/{name}",
            f"mvtec_ad/{name}",
            source="MVTec AD, https://www.mvtec.com/company/research/datasets/mvtec-ad",
            licence="CC BY-NC-SA 4.0",
            restricted=True,
            citation=(
                "Bergmann, Fauser, Sattlegger and Steger, MVTec AD: a comprehensive real-world "
                "dataset for unsupervised anomaly detection, CVPR 2019, "
                "doi:10.1109/CVPR.2019.00982"
            ),
            archives=(
                Archive(File(f"{name}.tar.xz", (f"{place}/{name}.tar.xz",)), into="mvtec_ad"),
            ),
            facts=Facts(n_train + n_good + n_defective, (3, SIZE, SIZE), n_defective),
            traps=_TRAPS + (_SCREW if name == "screw" else ()),
        )


def _relatives() -> Iterator[Entry]:
    for name in _VISA:
        yield _category(
            f"visa/{name}",
            f"visa/{name}",
            source="VisA, https://github.com/amazon-science/spot-diff",
            licence="CC BY 4.0",
            citation=(
                "Zou, Jeong, Pemula, Zhang and Dabeer, SPot-the-difference self-supervised "
                "pre-training for anomaly detection and segmentation, ECCV 2022, arXiv:2207.14315"
            ),
            advice=(
                "get VisA_20220922.tar from its source, turn it into the layout of MVTec AD with "
                "the 1cls split of spot-diff"
            ),
            traps=(*_TRAPS, "images are not square, and are made so"),
        )
    for name in ("01", "02", "03"):
        yield _category(
            f"btad/{name}",
            f"btad/BTech_Dataset_transformed/{name}",
            source="BTAD, https://avires.dimi.uniud.it/papers/btad",
            licence="CC BY-NC-SA 4.0",
            restricted=True,
            citation=(
                "Mishra, Verk, Fornasier, Piciarelli and Foresti, VT-ADL: a vision transformer "
                "network for image anomaly detection and localization, ISIE 2021, arXiv:2104.10036"
            ),
            archives=(_BTAD_ARCHIVE,),
            traps=_TRAPS,
        )
    for name in _MPDD:
        yield _category(
            f"mpdd/{name}",
            f"mpdd/{name}",
            source="MPDD, https://github.com/stepanje/MPDD",
            licence="CC BY-NC-SA 4.0",
            restricted=True,
            citation=(
                "Jezek, Jonak, Burget, Dvorak and Skotak, Deep learning-based defect detection of "
                "metal parts, ICUMT 2021, doi:10.1109/ICUMT54235.2021.9631567"
            ),
            advice="get MPDD by the link at its source",
            traps=(
                *_TRAPS,
                "parts lie in any direction, so that pixels cannot be compared by place",
            ),
        )


ENTRIES = (*_mvtec(), *_relatives())
