"""Medical images, which are under terms of their own and had by hand."""

from __future__ import annotations

from datasets.entry import Entry


def _brats(modality: str) -> Entry:
    return Entry(
        name=f"brats/{modality}",
        kind="image",
        family="brats",
        source="BraTS, https://www.synapse.org/brats",
        licence="by registration, for research only",
        restricted=True,
        citation=(
            "Menze et al., The multimodal brain tumor image segmentation benchmark (BRATS), IEEE "
            "Transactions on Medical Imaging 34(10), 2015, doi:10.1109/TMI.2014.2377694"
        ),
        loader="datasets.families.brats:slices",
        traps=(
            "healthy slices are of patients too: what is beside a tumour is not healthy tissue",
            "neighbouring slices are alike: split by patient, as the official split does",
            "tumours are bright in FLAIR: the largest grey level finds many",
        ),
        has_official_split=True,
        folders=("brats",),
        advice="register at https://www.synapse.org/brats for the folders of the patients",
        options={"modality": modality, "size": 128, "step": 4},
        settable=("size", "step"),
    )


ENTRIES = tuple(_brats(modality) for modality in ("flair", "t1", "t1ce", "t2"))
