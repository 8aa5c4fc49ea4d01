"""MNIST and relatives, CIFAR-10 and SVHN, from bytes as the official tools write them."""

import gzip
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest
from scipy.io import savemat

from datasets import WrongData, load, present
from datasets.families.images import cifar, mnist, mnist_c, svhn
from tests.helpers.cards import open_card

RNG = np.random.default_rng(0)


def idx(array):
    """Return the bytes of an idx file of unsigned bytes."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


@pytest.fixture
def idx_files(tmp_path):
    """Return paths of 20 training and 10 test images, some packed, some not, and their classes."""
    images = RNG.integers(0, 256, (30, 28, 28))
    classes = np.arange(30) % 10
    contents = [images[:20], classes[:20], images[20:], classes[20:]]
    paths = [tmp_path / f"{k}-ubyte.gz" for k in range(4)]
    for k, (path, content) in enumerate(zip(paths, contents, strict=True)):
        path.write_bytes(gzip.compress(idx(content)) if k % 2 else idx(content))
    return paths, images, classes


def test_one_class_of_mnist_is_normal_and_normals_of_the_training_part_train(idx_files):
    paths, images, classes = idx_files
    data = mnist.one_class(open_card("mnist/3"), paths, normal=3)

    np.testing.assert_array_equal(data.x[:, 0], images)
    np.testing.assert_array_equal(data.y, classes != 3)
    assert data.split.train.tolist() == [3, 13]
    assert data.split.test.tolist() == list(range(20, 30))
    assert data.card.shape == (1, 28, 28)
    assert (data.card.n, data.card.n_anomalies) == (30, 27)


def test_all_classes_but_one_are_normal(idx_files):
    paths, _, classes = idx_files
    data = mnist.leave_out(open_card("mnist-not/3"), paths, anomaly=3)

    np.testing.assert_array_equal(data.y, classes == 3)
    assert len(data.split.train) == 18


def test_labels_of_another_length_are_refused(idx_files):
    paths, _, classes = idx_files
    paths[1].write_bytes(idx(classes[:19]))

    with pytest.raises(ValueError, match=r"mnist/3: y has shape \(29,\); x has 30 rows"):
        mnist.one_class(open_card("mnist/3"), paths, normal=3)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not an idx file of unsigned bytes: it starts with "),
        (b"\x89PNG\r\n", "is not an idx file of unsigned bytes: it starts with 89504e47"),
        (idx(np.zeros((2, 3)))[:-1], r"has 17 bytes, but the shape \(2, 3\); fetch it again"),
        (idx(np.zeros((2, 3)))[:9], r"has 9 bytes, but the shape"),
        (
            gzip.compress(idx(np.zeros((2, 3))), mtime=0)[:-9],
            "is not a complete gzip file: .*; remove it",
        ),
    ],
)
def test_a_file_that_is_no_idx_file_is_refused(tmp_path, content, sentence):
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(WrongData, match=sentence):
        mnist.read_idx(tmp_path / "a")


def test_the_real_mnist_is_what_it_is_known_to_be():
    if not present("mnist/3"):
        pytest.skip("mnist/train-images-idx3-ubyte.gz is not in the data folder")
    data = load("mnist/3")

    assert (len(data.split.train), len(data.split.test)) == (6131, 10000)
    assert data.x[:60000].mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    assert data.y[:5].tolist() == [1, 1, 1, 1, 1]  # 5, 0, 4, 1, 9
    assert data.y[7] == 0
    assert load("mnist-not/3").y.sum() == (data.y == 0).sum()


def test_corrupted_digits_are_anomalies_beside_plain_ones(tmp_path):
    parts = [RNG.integers(0, 256, (n, 28, 28, 1), dtype=np.uint8) for n in (6, 3, 3)]
    paths = [tmp_path / f"{k}.npy" for k in range(3)]
    for path, part in zip(paths, parts, strict=True):
        np.save(path, part)
    data = mnist_c.corrupted(open_card("mnist-c/fog"), paths)

    np.testing.assert_array_equal(data.x[:, 0], np.concatenate(parts)[..., 0])
    assert data.y.tolist() == [0] * 9 + [1] * 3
    assert data.split.train.tolist() == list(range(6))

    np.save(paths[2], parts[2][..., 0])
    with pytest.raises(WrongData, match=r"2\.npy has shape \(3, 28, 28\); MNIST-C has"):
        mnist_c.corrupted(open_card("mnist-c/fog"), paths)
    paths[2].write_bytes(b"no npy")
    with pytest.raises(WrongData, match=r"2\.npy is not an npy file of plain numbers"):
        mnist_c.corrupted(open_card("mnist-c/fog"), paths)


def short(text):
    """Return a string as Python 2 pickles it, which Python 3 cannot write."""
    return b"U" + bytes([len(text)]) + text


def python2_batch(images, classes):
    """Return a batch as cPickle of Python 2 wrote it at protocol 2, with bytes as strings."""
    long_string = b"T" + struct.pack("<I", images.size) + images.tobytes()
    n_rows, n_columns = (b"M" + struct.pack("<H", size) for size in images.shape)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + short(b"b") + b"\x87R"
        b"(K\x01" + n_rows + n_columns + b"\x86cnumpy\ndtype\n" + short(b"u1") + b"K\x00K\x01\x87R"
        b"(K\x03" + short(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89" + long_string + b"tb"
    )
    labels = b"](" + b"".join(b"K" + bytes([k]) for k in classes) + b"e"
    items = short(b"data") + array + short(b"labels") + labels
    return b"\x80\x02}(" + items + b"u."


def cifar_archive(path, batches):
    with tarfile.open(path, "w:gz") as archive:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def cifar_batches():
    images = RNG.integers(0, 256, (6, 4, 3072), dtype=np.uint8)
    classes = np.arange(24).reshape(6, 4) % 10
    packed = [python2_batch(x, y) for x, y in zip(images, classes, strict=True)]
    return dict(zip(cifar.BATCHES, packed, strict=True)), images, classes


def test_one_class_of_cifar_10_is_normal(tmp_path, cifar_batches):
    batches, images, classes = cifar_batches
    cifar_archive(tmp_path / "a.tar.gz", dict(reversed(batches.items())))
    data = cifar.one_class(open_card("cifar10/7"), [tmp_path / "a.tar.gz"], normal=7)

    np.testing.assert_array_equal(data.x, images.reshape(24, 3, 32, 32))
    np.testing.assert_array_equal(data.y, classes.ravel() != 7)
    assert data.split.train.tolist() == [7, 17]
    assert data.split.test.tolist() == [20, 21, 22, 23]


def test_a_pickle_that_would_run_something_is_refused_and_not_run(tmp_path, cifar_batches):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("run").touch, ())

    batches, *_ = cifar_batches
    batches["test_batch"] = pickle.dumps(Trap(), protocol=2)
    cifar_archive(tmp_path / "a.tar.gz", batches)

    with pytest.raises(WrongData, match=r"test_batch in .* is not a batch of CIFAR-10: it names "):
        cifar.one_class(open_card("cifar10/7"), [tmp_path / "a.tar.gz"], normal=7)
    assert not (tmp_path / "run").exists()


def test_an_archive_that_is_another_or_broken_is_refused(tmp_path, cifar_batches):
    batches, *_ = cifar_batches
    path = tmp_path / "a.tar.gz"
    cifar_archive(path, {name: batches[name] for name in cifar.BATCHES[1:5]})
    with pytest.raises(WrongData, match="has no data_batch_1, test_batch; fetch the version"):
        cifar.one_class(open_card("cifar10/7"), [path], normal=7)

    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(
        WrongData, match=r"is not a complete archive: .*; remove it and fetch it again"
    ):
        cifar.one_class(open_card("cifar10/7"), [path], normal=7)


def test_one_digit_of_svhn_is_normal_and_class_10_is_the_digit_0(tmp_path):
    images = RNG.integers(0, 256, (32, 32, 3, 30), dtype=np.uint8)
    classes = np.arange(30)[:, None] % 10 + 1
    paths = [tmp_path / "train_32x32.mat", tmp_path / "test_32x32.mat"]
    for path, part in zip(paths, (slice(0, 20), slice(20, 30)), strict=True):
        savemat(path, {"X": images[..., part], "y": classes[part].astype(np.uint8)})
    data = svhn.one_class(open_card("svhn/0"), paths, normal=0)

    assert data.x.shape == (30, 3, 32, 32)
    np.testing.assert_array_equal(data.x[4, 2], images[:, :, 2, 4])
    np.testing.assert_array_equal(data.y == 0, classes.ravel() == 10)
    assert data.split.train.tolist() == [9, 19]

    savemat(paths[0], {"X": images[..., 0], "y": classes})
    with pytest.raises(WrongData, match=r"train_32x32\.mat has no X \(32, 32, 3, n\)"):
        svhn.one_class(open_card("svhn/0"), paths, normal=0)
