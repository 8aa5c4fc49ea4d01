"""X and y of npz and MATLAB files, as they are, and nothing that is not plain numbers."""

import shutil

import numpy as np
import pytest
from scipy.io import savemat

from datasets import WrongData, find, load, present
from datasets.formats import arrays

X = np.arange(12, dtype=np.uint8).reshape(4, 3)
Y = np.array([[0], [1], [0], [0]])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ä file.npz"


def read(path, how=arrays.read_npz):
    return arrays.features_and_labels(path, how(path))


def test_types_are_kept_and_labels_made_a_vector(path):
    np.savez(path, X=X, y=Y)
    x, y = read(path)

    assert x.dtype == np.uint8
    np.testing.assert_array_equal(x, X)
    assert y.tolist() == [0, 1, 0, 0]


def test_a_pickle_is_refused_and_not_run(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("run").touch, ())

    np.savez(path, X=X, y=np.array([Trap(), 1, 2, 3], dtype=object))
    with pytest.raises(WrongData, match="is not an npz file of plain arrays: Object arrays cannot"):
        read(path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"no zip", b"PK\x03\x04 and no more", b"\x93NUMPY\x01\x00"])
def test_what_is_no_npz_file_is_refused(path, content):
    path.write_bytes(content)

    with pytest.raises(WrongData, match=r"ä file\.npz is not an npz file of plain arrays"):
        read(path)


def test_a_truncated_npz_file_is_refused(path):
    np.savez(path, X=X, y=Y)
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(WrongData, match="is not an npz file of plain arrays"):
        read(path)


def test_other_names_than_x_and_y_are_answered_with_those_found(path):
    np.savez(path, data=X, y=Y)

    with pytest.raises(WrongData, match=r"has data, y; give X \(n, d\) and y \(n,\)"):
        read(path)


def test_labels_of_another_length_are_refused(path):
    np.savez(path, X=X, y=Y[:3])

    with pytest.raises(WrongData, match=r"has X of shape \(4, 3\) and y of shape \(3, 1\)"):
        read(path)


def test_a_matlab_file_of_version_5_is_read(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"X": X * 1.5, "y": Y, "note": "text"}, do_compression=True)
    x, y = read(path, arrays.read_mat)

    np.testing.assert_array_equal(x, X * 1.5)
    assert y.tolist() == [0, 1, 0, 0]


def write_mat73(path):
    """Write X and y as MATLAB's -v7.3 does: a header of 512 bytes, HDF5, axes reversed."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w", userblock_size=512) as file:
        file["X"], file["y"] = X.T * 1.5, Y.T.astype(float)
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, HDF5 schema 1.00 .".ljust(124)
    with path.open("r+b") as file:
        file.write(header + b"\x00\x02IM")


def test_a_matlab_file_of_version_7_3_is_read(tmp_path):
    write_mat73(tmp_path / "a.mat")
    x, y = read(tmp_path / "a.mat", arrays.read_mat)

    np.testing.assert_array_equal(x, X * 1.5)
    assert y.tolist() == [0, 1, 0, 0]


def test_without_h5py_a_file_of_version_7_3_is_answered_with_advice(tmp_path, monkeypatch):
    write_mat73(tmp_path / "a.mat")
    (tmp_path / "h5py.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(WrongData, match=r"version 7\.3, which h5py reads; run `pip install h5py`"):
        read(tmp_path / "a.mat", arrays.read_mat)


@pytest.mark.parametrize("content", [b"", b"no matlab file, but a text that is long enough" * 9])
def test_what_is_no_matlab_file_is_refused(tmp_path, content):
    (tmp_path / "a.mat").write_bytes(content)

    with pytest.raises(WrongData, match=r"a\.mat is not a complete MATLAB file"):
        read(tmp_path / "a.mat", arrays.read_mat)


def test_an_npz_file_with_wrong_bytes_is_read_or_refused_by_name(path):
    np.savez_compressed(path, X=X * 1.5, y=Y)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refusals = []
    for k in range(150):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), 1 + k % 4):
            content[place] ^= int(rng.integers(1, 256))
        path.write_bytes(content)
        try:
            read(path)
        except WrongData as error:
            refusals.append(str(error))
    assert len(refusals) > 20
    assert all(str(path) in refusal for refusal in refusals)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("share", [0.45, 0.6, 0.8, 0.95])
def test_a_truncated_file_of_version_5_is_refused_by_name(tmp_path, packed, share):
    path = tmp_path / "a.mat"
    savemat(path, {"X": X * 1.5, "y": Y}, do_compression=packed)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    with pytest.raises(WrongData, match=r"a\.mat (is not a complete MATLAB file|has X; give X)"):
        read(path, arrays.read_mat)


def test_a_packed_file_of_version_5_with_a_wrong_checksum_is_refused_by_name(tmp_path):
    path = tmp_path / "a.mat"
    savemat(path, {"X": X * 1.5, "y": Y}, do_compression=True)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    with pytest.raises(
        WrongData, match=r"a\.mat is not a complete MATLAB file: .*incorrect data ch"
    ):
        read(path, arrays.read_mat)


# Of what a wrong type makes scipy read, its end depends: it dies, or says something of its own.
@pytest.mark.parametrize(
    ("place", "why"),
    [(177, ""), (183, "it needs more memory")],
    ids=["the type of the numbers", "how many they are"],
)
def test_a_file_of_version_5_with_a_wrong_head_is_refused_by_name(tmp_path, place, why):
    path = tmp_path / "a.mat"
    savemat(path, {"X": X * 1.5, "y": Y})
    content = bytearray(path.read_bytes())
    content[place] ^= 128
    path.write_bytes(content)

    with pytest.raises(WrongData, match=rf"a\.mat is not a complete MATLAB file: {why}"):
        read(path, arrays.read_mat)


@pytest.mark.parametrize(
    ("reader", "error", "why"),
    [
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            WrongData,
            r"a\.mat .*its reader crashed \(SIGSEGV\); get it again",
        ),
        (
            "raise OSError('no space left')",
            OSError,
            r"cannot read .*a\.mat: OSError: no space left",
        ),
    ],
    ids=["it dies", "it fails for another reason"],
)
def test_the_file_is_blamed_where_its_reader_dies_alone(tmp_path, monkeypatch, reader, error, why):
    savemat(tmp_path / "a.mat", {"X": X, "y": Y})
    (tmp_path / "scipy.py").write_text(reader)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(error, match=why):
        read(tmp_path / "a.mat", arrays.read_mat)


def test_variables_of_a_matlab_file_may_have_any_name(tmp_path):
    savemat(tmp_path / "a.mat", {"X": X, "y": Y, "file": 1, "names": 2, "arr_0": 3})

    assert arrays.read_mat(tmp_path / "a.mat").keys() == {"X", "y", "file", "names", "arr_0"}


@pytest.mark.parametrize("place", [512, 512 + 120, 512 + 800])
def test_a_broken_file_of_version_7_3_is_refused_by_name(tmp_path, place):
    write_mat73(tmp_path / "a.mat")
    content = bytearray((tmp_path / "a.mat").read_bytes())
    content[place : place + 8] = b"\xff" * 8
    (tmp_path / "a.mat").write_bytes(content)

    with pytest.raises(WrongData, match=r"a\.mat is not a complete MATLAB file"):
        read(tmp_path / "a.mat", arrays.read_mat)


def test_cells_are_answered_with_what_to_give(tmp_path):
    savemat(tmp_path / "a.mat", {"X": X, "y": np.array(["no", "yes", "no", "no"], dtype=object)})

    with pytest.raises(WrongData, match=r"y of type object; give .* neither of them as a cell arr"):
        read(tmp_path / "a.mat", arrays.read_mat)


def test_a_label_that_is_no_number_is_refused(path):
    np.savez(path, X=X, y=[0, 1, np.nan, 0])

    with pytest.raises(WrongData, match="has 1 labels in y that are NaN; remove these rows"):
        read(path)


@pytest.fixture
def cardio(tmp_path):
    """Return a writeable copy of a published file, in a data folder of its own."""
    if not present("adbench/cardio"):
        pytest.skip("adbench/Classical/6_cardio.npz is not in the data folder")
    from datasets import data_folder

    name = find("adbench/cardio").files[0].path
    copy = tmp_path / name
    copy.parent.mkdir(parents=True)
    shutil.copy(data_folder() / name, copy)
    return copy


def test_a_tampered_file_is_refused_when_loaded(cardio, tmp_path):
    assert len(load("adbench/cardio", tmp_path).x) == 1831
    content = bytearray(cardio.read_bytes())
    content[1000] ^= 1
    cardio.write_bytes(content)

    with pytest.raises(WrongData, match=r"6_cardio\.npz has sha256 .*, expected bc50"):
        load("adbench/cardio", tmp_path)


def test_a_truncated_file_is_refused_when_loaded(cardio, tmp_path):
    cardio.write_bytes(cardio.read_bytes()[:-1])

    with pytest.raises(WrongData, match="is truncated: 68,470 of 68,471 bytes"):
        load("adbench/cardio", tmp_path)


def test_a_data_folder_that_cannot_be_written_to_is_enough(cardio, tmp_path):
    cardio.chmod(0o444)
    cardio.parent.chmod(0o555)

    assert len(load("adbench/cardio", tmp_path).x) == 1831
    cardio.parent.chmod(0o755)


def test_two_files_of_one_name_are_two_sets():
    for name in ("odds/wbc", "adbench/WBC"):
        if not present(name):
            pytest.skip(f"{find(name).files[0].path} is not in the data folder")

    assert load("odds/wbc").x.shape == (378, 30)
    assert load("adbench/WBC").x.shape == (223, 9)
