"""Generated textures with generated defects and exact masks, in the layout of MVTec AD.

They are for smoke runs, tests and documentation: small, without a licence to accept, and labelled
synthetic. Each image has its own phase, direction and noise. A mask marks the pixels that the
defect changed. The content is the same on every machine: `RandomState`, whose streams numpy has
frozen (NEP 19), and grey levels rounded to bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.entry import Entry, Facts
from datasets.record import Array, Card, DataSet, OfficialSplit, Symmetries
from datasets.shifts import shifted_facts, with_shifts

SIDE = 32
N_TRAIN = 100
N_GOOD = 30
N_DEFECTIVE = 10  # of each kind of defect
SEED = 0

Generator = np.random.RandomState


def texture(card: Card, paths: Sequence[Path], kind: str) -> DataSet:
    """Return grey images (1, SIDE, SIDE) of bytes, masks and the split of MVTec AD.

    Args:
        card: of the data set.
        paths: none.
        kind: of texture, a key of TEXTURES.
    """
    images, masks, labels = _draw(kind)
    y = np.array([label != "good" for label in labels])
    return DataSet(card, images[:, None], y, OfficialSplit.at(N_TRAIN, y), masks)


def shifted(card: Card, paths: Sequence[Path], kind: str) -> DataSet:
    """Return images as `texture` does, with shifts as in `datasets.shifts.with_shifts`."""
    return with_shifts(card, lambda plain: texture(plain, paths, kind))


def write(kind: str, folder: Path) -> None:
    """Write a texture as PNG files in the layout of a category of MVTec AD.

    Args:
        kind: of texture, a key of TEXTURES.
        folder: of the category; created if necessary.
    """
    from PIL import Image

    numbers: dict[str, int] = {}
    for i, (image, mask, label) in enumerate(zip(*_draw(kind), strict=True)):
        part = f"{'train' if i < N_TRAIN else 'test'}/{label}"
        number = numbers[part] = numbers.get(part, -1) + 1
        drawn = {f"{part}/{number:03}.png": image}
        if label != "good":
            drawn[f"ground_truth/{label}/{number:03}_mask.png"] = mask * np.uint8(255)
        for name, pixels in drawn.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)


def _draw(kind: str) -> tuple[Array, Array, list[str]]:
    """Return (n, SIDE, SIDE) images and masks of bytes, and the folder of each image."""
    rng = Generator(SEED)
    images = [_to_bytes(TEXTURES[kind](rng)) for _ in range(N_TRAIN + N_GOOD)]
    masks = [np.zeros_like(image) for image in images]
    labels = ["good"] * len(images)
    for defect, spoil in DEFECTS.items():
        for _ in range(N_DEFECTIVE):
            image = _to_bytes(TEXTURES[kind](rng))
            spoiled = spoil(image, rng)
            images.append(spoiled)
            masks.append((spoiled != image).astype(np.uint8))
            labels.append(defect)
    return np.stack(images), np.stack(masks), labels


def _to_bytes(levels: Array) -> Array:
    return np.round(255 * np.clip(levels, 0, 1)).astype(np.uint8)


def _grid() -> tuple[Array, Array]:
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    return rows, columns


def _noise(rng: Generator) -> Array:
    return 0.03 * rng.standard_normal((SIDE, SIDE))


def _stripes(rng: Generator) -> Array:
    rows, columns = _grid()
    angle, phase = rng.uniform(-0.2, 0.2), rng.uniform(0, 2 * np.pi)
    wave = np.sin(2 * np.pi / 8 * (columns * np.cos(angle) + rows * np.sin(angle)) + phase)
    return np.asarray(0.5 + 0.25 * wave + _noise(rng))


def _weave(rng: Generator) -> Array:
    rows, columns = _grid()
    phases = rng.uniform(0, 2 * np.pi, 2)
    waves = np.sin(np.pi / 4 * rows + phases[0]) * np.sin(np.pi / 4 * columns + phases[1])
    return np.asarray(0.5 + 0.3 * waves + _noise(rng))


def _grain(rng: Generator) -> Array:
    """Return noise smoothed along the rows, as wood has it."""
    noise = rng.standard_normal((SIDE, SIDE + 14))
    smooth = np.mean([noise[:, k : k + SIDE] for k in range(15)], axis=0)
    return np.asarray(0.5 + 0.5 * smooth + _noise(rng))


TEXTURES: dict[str, Callable[[Generator], Array]] = {
    "stripes": _stripes,
    "weave": _weave,
    "grain": _grain,
}


def _spot(image: Array, rng: Generator) -> Array:
    """Return the image with a dark or bright disc."""
    rows, columns = _grid()
    centre, radius = rng.uniform(6, SIDE - 6, 2), rng.uniform(2, 4)
    inside = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
    return np.where(inside, np.uint8(rng.choice([20, 235])), image)


def _scratch(image: Array, rng: Generator) -> Array:
    """Return the image with a bright line about one pixel wide."""
    rows, columns = _grid()
    centre, angle = rng.uniform(8, SIDE - 8, 2), rng.uniform(0, np.pi)
    along = (rows - centre[0]) * np.sin(angle) + (columns - centre[1]) * np.cos(angle)
    across = (rows - centre[0]) * np.cos(angle) - (columns - centre[1]) * np.sin(angle)
    line = (np.abs(across) < 0.8) & (np.abs(along) < rng.uniform(5, 10))
    return np.where(line, np.uint8(240), image)


def _smear(image: Array, rng: Generator) -> Array:
    """Return the image with a patch at its mean grey level: no pixel has an unusual level."""
    patch = _patch(rng)
    smeared = image.copy()
    smeared[patch] = np.round(image[patch].mean()).astype(np.uint8)
    return smeared


def _turn(image: Array, rng: Generator) -> Array:
    """Return the image with a patch turned by a right angle: only its structure is unusual."""
    patch = _patch(rng)
    turned = image.copy()
    turned[patch] = np.rot90(image[patch])
    return turned


def _patch(rng: Generator) -> tuple[slice, slice]:
    side = int(rng.randint(8, 13))
    row, column = rng.randint(0, SIDE - side, 2)
    return slice(row, row + side), slice(column, column + side)


DEFECTS: dict[str, Callable[[Array, Generator], Array]] = {
    "scratch": _scratch,
    "smear": _smear,
    "spot": _spot,
    "turn": _turn,
}


_TEXTURES: tuple[tuple[str, str, Symmetries], ...] = (
    ("stripes", "994bb6ef1d16afe1bbff38404c97b773ef104561bc6e3f2830f8b218f71e512a", "flips"),
    (
        "weave",
        "8833bbfb38ccba0c1ebb029d7bc17d0eb77ea3d23a48959da73c554d4285e9d7",
        "flips-rotations",
    ),
    ("grain", "5ef52fbcce35dc6310d911af119617c427eff0d5b5d71a9d73f4517aa67dd7bf", "flips"),
)
"""Kinds, the sha256 of their content, and their symmetries, which are exact: see the drawing."""


def _texture(kind: str, sha256: str, symmetries: Symmetries) -> Entry:
    return Entry(
        name=f"textures/{kind}",
        kind="image",
        family="textures",
        source="generated by Fathom",
        licence="MIT",
        citation="Fathom",
        loader="datasets.families.images.textures:texture",
        options={"kind": kind},
        known_issues=(
            "generated: for smoke runs and tests, no evidence of performance on photographs",
            "spots and scratches have unusual grey levels, turned patches do not: compare defects",
            "official split: 57 % of the test images are defective, a random score has that AP",
        ),
        synthetic=True,
        symmetries=symmetries,
        has_official_split=True,
        content_sha256=sha256,
        facts=Facts(170, (1, 32, 32), 40, 0),
    )


def _shifted(kind: str, sha256: str, symmetries: Symmetries) -> Entry:
    plain = _texture(kind, sha256, symmetries)
    return replace(
        plain,
        name=f"textures-shift/{kind}",
        loader="datasets.families.images.textures:shifted",
        content_sha256=_SHIFTED[kind],
        **shifted_facts(plain, N_GOOD),
    )


_SHIFTED = {
    "stripes": "8f7458fcb5deff795a86b18df24099288e94d85e8eb7fd924e15ab7e0c349ade",
    "weave": "e6cf546fafc59448a5b167b175cba1a125d18d4b82146b2edc4b48ee9cddc38b",
    "grain": "5d5a7f1c6ff407b3f64fcc0b81b4988cfbfcbbc40089d145998df3c5fa76c7bd",
}
ENTRIES = (
    *(_texture(*kind) for kind in _TEXTURES),
    *(_shifted(*kind) for kind in _TEXTURES),
)
