"""Labelled images with one class, or all but one, as normal: MNIST and relatives, CIFAR-10, SVHN.

Digests: MNIST's are of the unpacked content, since mirrors pack it differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datasets.entry import Archive, Entry, Facts, File

_MNIST = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
_MNIST_UNPACKED = {
    "train-images-idx3": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_MNIST_FILES = tuple(
    File(
        f"mnist/{name}-ubyte.gz",
        tuple(f"{mirror}/{name}-ubyte.gz" for mirror in _MNIST),
        unpacked_sha256=digest,
    )
    for name, digest in _MNIST_UNPACKED.items()
)
_MNIST_COUNTS = (6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958)
_MNIST_SOURCE = "LeCun, Cortes and Burges, https://yann.lecun.com/exdb/mnist"
_MNIST_LICENCE = "CC BY-SA 3.0"
_MNIST_CITATION = (
    "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, "
    "Proceedings of the IEEE 86(11), 1998, doi:10.1109/5.726791"
)

_FASHION = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
)
_FASHION_PINS = (
    (
        "train-images-idx3-ubyte.gz",
        26421880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    (
        "train-labels-idx1-ubyte.gz",
        29515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    (
        "t10k-images-idx3-ubyte.gz",
        4422102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    (
        "t10k-labels-idx1-ubyte.gz",
        5148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)
_FASHION_FILES = tuple(
    File(
        f"fashion-mnist/{name}",
        tuple(f"{mirror}/{name}" for mirror in _FASHION),
        sha256=digest,
        n_bytes=size,
    )
    for name, size, digest in _FASHION_PINS
)

_CIFAR_FILE = File(
    "cifar10/cifar-10-python.tar.gz",
    (
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/cifar-10-python.tar.gz",
    ),
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    n_bytes=170498071,
)

_SVHN = "http://ufldl.stanford.edu/housenumbers"
_SVHN_FILES = (
    File(
        "svhn/train_32x32.mat",
        (f"{_SVHN}/train_32x32.mat",),
        sha256="435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        n_bytes=182040794,
    ),
    File(
        "svhn/test_32x32.mat",
        (f"{_SVHN}/test_32x32.mat",),
        sha256="cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        n_bytes=64275384,
    ),
)
_SVHN_COUNTS = (6692, 18960, 14734, 11379, 9981, 9266, 7704, 7614, 6705, 6254)

_MNIST_C_ARCHIVE = Archive(
    File(
        "mnist_c.zip",
        ("https://zenodo.org/records/3239543/files/mnist_c.zip",),
        sha256="af9ee8c6a815870c7fdde5af84c7bf8db0bcfa1f41056db83871037fba70e493",
        n_bytes=246661575,
    ),
    into=".",
)
_CORRUPTIONS = (
    *("brightness", "canny_edges", "dotted_line", "fog", "glass_blur", "impulse_noise"),
    *("motion_blur", "rotate", "scale", "shear", "shot_noise", "spatter", "stripe"),
    *("translate", "zigzag"),
)

_TEN = "the ten sets share their images: they count as one family, not as ten data sets"
_PREVALENCE = "about 90 % of the official test part is anomalous: AP starts at that prevalence"


def _set(
    name: str, family: str, n: int, n_anomalies: int, shape: tuple[int, ...], **told: Any
) -> Entry:
    duplicates = told.pop("duplicates", None)
    return Entry(
        name=name,
        kind="image",
        family=family,
        has_official_split=True,
        facts=Facts(n, shape, n_anomalies, duplicates),
        **told,
    )


def _entries() -> Iterator[Entry]:
    mnist = {
        "source": _MNIST_SOURCE,
        "licence": _MNIST_LICENCE,
        "citation": _MNIST_CITATION,
        "files": _MNIST_FILES,
        "duplicates": 0,
    }
    for k, count in enumerate(_MNIST_COUNTS):
        yield _set(
            f"mnist/{k}",
            "mnist",
            70000,
            70000 - count,
            (1, 28, 28),
            loader="datasets.families.mnist:one_class",
            options={"normal": k},
            traps=(_TEN, _PREVALENCE),
            **mnist,
        )
    for k, count in enumerate(_MNIST_COUNTS):
        yield _set(
            f"mnist-not/{k}",
            "mnist",
            70000,
            count,
            (1, 28, 28),
            loader="datasets.families.mnist:leave_out",
            options={"anomaly": k},
            traps=(
                _TEN,
                "the digit 1 is simpler than the others: reconstruction errors rank it as normal",
                "An and Cho split at random and trained on all rows but those of one digit",
            ),
            **mnist,
        )
    for k in range(10):
        yield _set(
            f"fashion-mnist/{k}",
            "fashion-mnist",
            70000,
            63000,
            (1, 28, 28),
            source="https://github.com/zalandoresearch/fashion-mnist",
            licence="MIT",
            citation="Xiao, Rasul and Vollgraf, Fashion-MNIST, 2017, arXiv:1708.07747",
            loader="datasets.families.mnist:one_class",
            options={"normal": k},
            files=_FASHION_FILES,
            traps=(_TEN, _PREVALENCE, "shirts, pullovers and coats are hard to tell apart"),
        )
    for k in range(10):
        yield _set(
            f"cifar10/{k}",
            "cifar10",
            60000,
            54000,
            (3, 32, 32),
            source="https://www.cs.toronto.edu/~kriz/cifar.html",
            licence="none stated; to be cited",
            citation="Krizhevsky, Learning multiple layers of features from tiny images, 2009",
            loader="datasets.families.cifar:one_class",
            options={"normal": k},
            files=(_CIFAR_FILE,),
            traps=(
                _TEN,
                _PREVALENCE,
                "colour of the background tells some classes apart, such as ships and frogs",
            ),
        )
    for k, count in enumerate(_SVHN_COUNTS):
        yield _set(
            f"svhn/{k}",
            "svhn",
            99289,
            99289 - count,
            (3, 32, 32),
            source="http://ufldl.stanford.edu/housenumbers, cropped digits; https://research.google/pubs/pub37648",
            licence="for non-commercial use only",
            restricted=True,
            citation=(
                "Netzer, Wang, Coates, Bissacco, Wu and Ng, Reading digits in natural images with "
                "unsupervised feature learning, NIPS workshop, 2011"
            ),
            loader="datasets.families.svhn:one_class",
            options={"normal": k},
            files=_SVHN_FILES,
            traps=(_TEN, _PREVALENCE, "neighbouring digits are in the crops: labels are noisy"),
        )
    for corruption in _CORRUPTIONS:
        names = ("identity/train_images", "identity/test_images", f"{corruption}/test_images")
        yield _set(
            f"mnist-c/{corruption}",
            "mnist",
            80000,
            10000,
            (1, 28, 28),
            source="MNIST-C, doi:10.5281/zenodo.3239543",
            licence="CC BY 4.0",
            citation="Mu and Gilmer, MNIST-C: A robustness benchmark, 2019, arXiv:1906.02337",
            loader="datasets.families.mnist:corrupted",
            files=tuple(File(f"mnist_c/{name}.npy") for name in names),
            archives=(_MNIST_C_ARCHIVE,),
            traps=(
                "each corrupted test image has its plain one among the test normals",
                "the sets share their normals with each other and with mnist: one family",
            ),
        )


ENTRIES = tuple(_entries())
