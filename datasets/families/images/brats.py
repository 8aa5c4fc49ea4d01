"""Slices of brains in magnetic resonance (BraTS), with masks of tumours.

Menze et al., "The multimodal brain tumor image segmentation benchmark (BRATS)", IEEE Transactions
on Medical Imaging 34(10), 2015, doi:10.1109/TMI.2014.2377694. A patient is a folder with
NAME_MODALITY.nii and NAME_seg.nii, packed by gzip or not.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from datasets.entry import Entry
from datasets.files import WrongData
from datasets.record import Array, Card, DataSet, OfficialSplit

_BRAIN_SHARE = (
    0.1  # of a slice's pixels that must not be 0, which leaves out slices above the brain
)
_TEST_SHARE = 0.3  # of the patients, by name


def slices(card: Card, paths: Sequence[Path], modality: str, size: int, step: int) -> DataSet:
    """Return axial slices (1, size, size) as float32, anomalous where they hold tumour.

    Healthy slices of the first 70 % of the patients, by name, train; all slices of the others
    test, so that no patient is in both parts. `bags` numbers the patients. Intensities are divided
    by the 99th percentile of the volume's brain, and clipped at 1.5; slices are resized by the mean
    of areas, masks by the nearest pixel.

    Args:
        card: of the data set.
        paths: the folder of the patients.
        modality: "flair", "t1", "t1ce" or "t2".
        size: height and width, in pixels.
        step: use every `step`-th slice.

    Raises:
        WrongData: nibabel is not installed, the folder has another layout, a volume is broken, or
            a segmentation is of another size.
    """
    patients = _patients(paths[0], modality)
    parts = [_patient(volume, seg, size, step) for volume, seg in patients]
    bags = np.repeat(np.arange(len(parts)), [len(images) for images, _ in parts])
    masks = np.concatenate([masks for _, masks in parts])
    y = np.asarray(masks.any(axis=(1, 2)))
    training = bags < len(parts) - max(1, round(_TEST_SHARE * len(parts)))
    split = OfficialSplit.at(int(training.sum()), y)
    return DataSet(card, np.concatenate([images for images, _ in parts]), y, split, masks, bags)


def _patients(folder: Path, modality: str) -> list[tuple[Path, Path]]:
    """Return volume and segmentation of every patient, by name."""
    found = []
    for volume in sorted(folder.rglob(f"*_{modality}.nii*")):
        name, _, ending = volume.name.rpartition(f"_{modality}.")
        seg = [volume.with_name(f"{name}_seg.{kind}") for kind in (ending, "nii", "nii.gz")]
        there = next((path for path in seg if path.is_file()), None)
        if there is None:
            _refuse(volume, f"has no segmentation; it should be {seg[0].name} beside it")
        found.append((volume, there))
    if len(found) < 2:
        _refuse(folder, f"has {len(found)} volumes NAME_{modality}.nii; give at least two patients")
    return found


def _patient(volume: Path, seg: Path, size: int, step: int) -> tuple[Array, Array]:
    """Return (n, 1, size, size) images and (n, size, size) masks of a patient's slices."""
    from PIL import Image

    intensity, tumour = _read(volume), _read(seg) > 0
    if intensity.shape != tumour.shape:
        _refuse(
            seg,
            f"has shape {tumour.shape}, its volume {intensity.shape}; give equal shapes",
        )
    brain = intensity > 0
    if not brain.any():
        _refuse(volume, "is 0 everywhere")
    intensity = np.clip(intensity / np.percentile(intensity[brain], 99), 0, 1.5)
    shares = brain.mean(axis=(0, 1))
    chosen = np.flatnonzero(shares >= _BRAIN_SHARE)[::step]
    side = (size, size)
    images = np.empty((len(chosen), 1, size, size), np.float32)
    masks = np.empty((len(chosen), size, size), np.uint8)
    for i, k in enumerate(chosen):
        image = Image.fromarray(intensity[:, :, k].astype(np.float32))
        mask = Image.fromarray(tumour[:, :, k].astype(np.uint8))
        images[i, 0] = np.asarray(image.resize(side, Image.Resampling.BOX))
        masks[i] = np.asarray(mask.resize(side, Image.Resampling.NEAREST))
    return images, masks


def _read(path: Path) -> Array:
    """Return the (height, width, depth) float32 values of a NIfTI volume."""
    nibabel = _nibabel(path)
    broken = (nibabel.filebasedimages.ImageFileError, OSError, EOFError, ValueError, zlib.error)
    try:
        values = np.asarray(nibabel.load(path).dataobj, np.float32)
    except broken as error:
        _refuse(path, f"is not a complete NIfTI file: {error}")
    if values.ndim != 3:
        _refuse(path, f"has shape {values.shape}; give a volume (height, width, depth)")
    return values


def _nibabel(path: Path) -> Any:
    try:
        import nibabel
    except ImportError as error:
        msg = f"{path} is read by nibabel, which is not installed; run `pip install nibabel`"
        raise WrongData(msg) from error
    return nibabel


def _refuse(path: Path, reason: str) -> NoReturn:
    msg = f"{path} {reason}"
    raise WrongData(msg)


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
            "Transactions on Medical Imaging 34(10), 2015, doi:10.1109/TMI.2014.2377694 "
            "[menze2015brats]"
        ),
        loader="datasets.families.images.brats:slices",
        known_issues=(
            "healthy slices are of patients too: tissue near a tumour is not healthy",
            "neighbouring slices are similar: split by patient, as the official split does",
            "tumours are bright in FLAIR: the largest grey level detects many",
        ),
        has_official_split=True,
        folders=("brats",),
        advice="register at https://www.synapse.org/brats for the folders of the patients",
        options={"modality": modality, "size": 128, "step": 4},
        settable=("size", "step"),
    )


ENTRIES = tuple(_brats(modality) for modality in ("flair", "t1", "t1ce", "t2"))
