"""BTAD and MPDD: photographs of products and of metal parts in the layout of MVTec AD.

Mishra, Verk, Fornasier, Piciarelli and Foresti, "VT-ADL: a vision transformer network for image
anomaly detection and localization", ISIE 2021, arXiv 2104.10036. Jezek, Jonak, Burget, Dvorak and
Skotak, "Deep learning-based defect detection of metal parts", ICUMT 2021,
doi:10.1109/ICUMT54235.2021.9631567.
"""

from __future__ import annotations

from datasets.entry import Archive, Entry, File
from datasets.families.images.mvtec import ISSUES, entry

_BTAD_ARCHIVE = Archive(
    File(
        "btad.zip",
        ("https://avires.dimi.uniud.it/papers/btad/btad.zip",),
        sha256="461c9387e515bfed41ecaae07c50cf6b10def647b36c9e31d239ab2736b10d2a",
    ),
    into="btad",
)
_PARTS = ("bracket_black", "bracket_brown", "bracket_white", "connector", "metal_plate", "tubes")


def _btad(name: str) -> Entry:
    return entry(
        f"btad/{name}",
        f"btad/BTech_Dataset_transformed/{name}",
        source="BTAD, https://avires.dimi.uniud.it/papers/btad",
        licence="CC BY-NC-SA 4.0",
        restricted=True,
        citation=(
            "Mishra, Verk, Fornasier, Piciarelli and Foresti, VT-ADL: a vision transformer "
            "network for image anomaly detection and localization, ISIE 2021, arXiv:2104.10036 "
            "[mishra2021btad]"
        ),
        archives=(_BTAD_ARCHIVE,),
        known_issues=ISSUES,
    )


def _mpdd(name: str) -> Entry:
    return entry(
        f"mpdd/{name}",
        f"mpdd/{name}",
        source="MPDD, https://github.com/stepanje/MPDD",
        licence="CC BY-NC-SA 4.0",
        restricted=True,
        citation=(
            "Jezek, Jonak, Burget, Dvorak and Skotak, Deep learning-based defect detection of "
            "metal parts, ICUMT 2021, doi:10.1109/ICUMT54235.2021.9631567 [jezek2021mpdd]"
        ),
        advice="get MPDD by the link at its source",
        known_issues=(
            *ISSUES,
            "parts lie in any direction, so that pixels cannot be compared by position",
        ),
        symmetries="rotations",
    )


ENTRIES = (*(_btad(name) for name in ("01", "02", "03")), *(_mpdd(name) for name in _PARTS))
