"""Slices of volumes with masks, from small NIfTI files as nibabel writes them."""

import numpy as np
import pytest

from datasets import MissingData, WrongData, load

nibabel = pytest.importorskip("nibabel")


def write_patient(folder, k, *, packed=False, seg_shape=(24, 24, 12)):
    """Write a ball of brain, brightest in the middle, with a tumour in three slices."""
    name = f"BraTS20_Training_{k:03}"
    place = folder / name
    place.mkdir(parents=True)
    grid = np.indices((24, 24, 12)) - np.array([12, 12, 6])[:, None, None, None]
    brain = (np.abs(grid) < np.array([10, 10, 5])[:, None, None, None]).all(axis=0)
    volume = np.where(brain, 500 + 100 * k, 0).astype(np.int16)
    seg = np.zeros(seg_shape, np.uint8)
    seg[8:14, 8:13, 6:9] = 4
    ending = "nii.gz" if packed else "nii"
    for kind, values in (("flair", volume), ("seg", seg)):
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), place / f"{name}_{kind}.{ending}")
    return place


@pytest.fixture
def patients(tmp_path):
    for k in range(1, 5):
        write_patient(tmp_path / "brats", k, packed=k % 2 == 0)
    return tmp_path


def test_healthy_slices_train_and_no_patient_is_on_both_sides(patients):
    data = load("brats/flair?size=12&step=1", patients)

    assert data.x.shape == (4 * 9, 1, 12, 12)
    assert data.x.dtype == np.float32
    assert data.y.reshape(4, 9).sum(axis=1).tolist() == [3, 3, 3, 3]
    train, test = data.split.train, data.split.test
    assert not data.y[train].any()
    assert data.y[test].any()
    assert not set(data.bags[train]) & set(data.bags[test])
    assert set(data.bags[test]) == {3}


def test_intensities_are_relative_to_the_volume_and_masks_are_where_the_tumour_is(patients):
    data = load("brats/flair?size=12&step=1", patients)

    assert data.x.max() == pytest.approx(1)
    assert data.masks[data.y == 1].sum(axis=(1, 2)).tolist() == [6] * 12
    assert data.masks[5, 4:7, 4:6].all()


def test_every_fourth_slice_is_taken_by_default(patients):
    assert load("brats/flair?size=12", patients).card.n == 4 * 3


def test_what_is_not_right_is_said_with_the_file(patients, tmp_path):
    place = write_patient(tmp_path / "other" / "brats", 1)
    other = tmp_path / "other"
    with pytest.raises(WrongData, match=r"brats has 1 volumes NAME_flair\.nii; give at least two"):
        load("brats/flair", other)
    write_patient(other / "brats", 2, seg_shape=(24, 24, 11))
    with pytest.raises(WrongData, match=r"002_seg\.nii has shape \(24, 24, 11\), its volume"):
        load("brats/flair", other)
    seg = place / f"{place.name}_seg.nii"
    seg.write_bytes(seg.read_bytes()[:1000])
    with pytest.raises(WrongData, match=r"001_seg\.nii is not a complete NIfTI file"):
        load("brats/flair", other)
    seg.unlink()
    with pytest.raises(
        WrongData, match=r"has no segmentation; it should be BraTS20_Training_001_s"
    ):
        load("brats/flair", other)


def test_without_patients_it_is_said_where_they_come_from(tmp_path):
    with pytest.raises(MissingData, match=r"brats/ is not in .*; register at https://www\.synapse"):
        load("brats/flair", tmp_path)


def test_without_nibabel_it_is_said_how_to_get_it(patients, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "nibabel", None)

    with pytest.raises(
        WrongData, match="is read by nibabel, which is not installed; run `pip inst"
    ):
        load("brats/flair", patients)
