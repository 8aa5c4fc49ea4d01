"""MVTec AD and its relatives: images of products with masks of their defects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datasets.entry import Archive, Entry, Facts, File

SIZE = 256

_SHARE = "https://www.mydrive.ch/shares"
_MVTEC_ARCHIVE = Archive(
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
_MVTEC = (
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
_VISA_ARCHIVE = Archive(
    File(
        "VisA_20220922.tar",
        ("https://amazon-visual-anomaly.s3.us-west-2.amazonaws.com/VisA_20220922.tar",),
        sha256="2eb8690c803ab37de0324772964100169ec8ba1fa3f7e94291c9ca673f40f362",
        n_bytes=1929840640,
    ),
    into="visa",
)
_VISA = (
    # product, normal images; each has 100 defective ones
    *(("candle", 1000), ("capsules", 602), ("cashew", 500), ("chewinggum", 503), ("fryum", 500)),
    *(("macaroni1", 1000), ("macaroni2", 1000), ("pcb1", 1004), ("pcb2", 1001), ("pcb3", 1006)),
    *(("pcb4", 1005), ("pipe_fryum", 500)),
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


def _category(
    name: str, folder: str, loader: str = "datasets.families.mvtec:category", **told: Any
) -> Entry:
    return Entry(
        name=name,
        kind="image",
        family=name,
        has_official_split=True,
        loader=loader,
        folders=(folder,),
        options={"size": SIZE, "grey": False, "masks": True},
        settable=("size", "grey", "masks"),
        **told,
    )


def _mvtec() -> Iterator[Entry]:
    for name, n_train, n_good, n_defective in _MVTEC:
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
            archives=(_MVTEC_ARCHIVE,),
            facts=Facts(n_train + n_good + n_defective, (3, SIZE, SIZE), n_defective),
            traps=_TRAPS + (_SCREW if name == "screw" else ()),
        )


def _relatives() -> Iterator[Entry]:
    for name, n_normal in _VISA:
        yield _category(
            f"visa/{name}",
            f"visa/{name}",
            loader="datasets.families.visa:category",
            source="VisA, https://github.com/amazon-science/spot-diff",
            licence="CC BY 4.0",
            citation=(
                "Zou, Jeong, Pemula, Zhang and Dabeer, SPot-the-difference self-supervised "
                "pre-training for anomaly detection and segmentation, ECCV 2022, arXiv:2207.14315"
            ),
            archives=(_VISA_ARCHIVE,),
            beside=("visa/split_csv/1cls.csv",),
            facts=Facts(n_normal + 100, (3, SIZE, SIZE), 100),
            traps=(
                "half or more of the test images are defective: average precision starts there",
                "images are not square, and are made so",
                "the split is 1cls.csv, for one class: figures under the others do not compare",
            ),
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
