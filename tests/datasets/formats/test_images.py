"""Images as people have them: read for what a viewer shows, or refused by name."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from datasets import WrongData, load
from datasets.formats.images import Picture, read_images

EXIF_ORIENTATION = 0x0112
ROTATED = 6  # shown after a quarter turn clockwise
AS_SHOWN = {  # what a viewer does to the rows and columns of a file, by its orientation
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: lambda x: x.T,
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).T,
    8: np.rot90,
}
RNG = np.random.default_rng(0)
SQUARE = np.zeros((20, 16), np.uint8)
SQUARE[5:10, 4:10] = 255


def photo():
    return Image.fromarray(RNG.integers(0, 255, (20, 16, 3), np.uint8))


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


@pytest.fixture
def category(tmp_path):
    """A category with 4 images to train, 3 normal and 3 cracked ones to test, and masks."""
    folder = tmp_path / "nuts"
    for place, n in (("train/good", 4), ("test/good", 3), ("test/crack", 3)):
        for i in range(n):
            save(photo(), folder / place / f"{i:03}.png")
    for i in range(3):
        save(Image.fromarray(SQUARE), folder / "ground_truth" / "crack" / f"{i:03}_mask.png")
    return folder


@pytest.fixture
def classes(tmp_path):
    """A folder with three images of cats, and four of dogs."""
    for i in range(7):
        save(photo(), tmp_path / "pets" / ("cat" if i < 3 else "dog") / f"{i}.png")
    return tmp_path / "pets"


def read(folder, query="size=16"):
    return load(f"folder:{folder}?{query}")


def swap(path, ending, **options):
    """Save an image with another ending in place of a file."""
    Image.open(path).save(path.with_suffix(ending), **options)
    path.unlink()


def masks_of(folder):
    """Return the masks of the defective images at their own size."""
    for path in folder.glob("*/*/*"):
        image = Image.open(path)
        image.resize((20, 20), Image.Resampling.NEAREST).save(path)
    data = read(folder, "size=20")
    return data.masks[data.y == 1]


def litter(folder, name):
    """Write what a file manager leaves, into every folder."""
    for place in (folder, *filter(type(folder).is_dir, [*folder.rglob("*")])):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(b"\xd0\xcf\x11\xe0")


READ = {
    "upper-case endings": lambda f: [p.rename(p.with_suffix(".PNG")) for p in f.rglob("*.png")],
    "webp": lambda f: [swap(p, ".webp", lossless=True) for p in f.rglob("*.png")],
    "gif": lambda f: [swap(p, ".gif") for p in f.glob("ground_truth/*/*.png")],
    "jfif": lambda f: (f / "train/good/000.png").rename(f / "train/good/000.jfif"),
    "ppm": lambda f: [swap(p, ".ppm") for p in f.rglob("*.png")],
    "Good": lambda f: (f / "test/good").rename(f / "test/Good"),
    "OK and normal": lambda f: [
        (f / "train/good").rename(f / "train/OK "),
        (f / "test/good").rename(f / "test/Normal"),
    ],
    "a name of its own": lambda f: [
        (f / part / "good").rename(f / part / "healthy") for part in ("train", "test")
    ],
    "Train and Test": lambda f: [
        (f / part).rename(f / part.title()) for part in ("train", "test", "ground_truth")
    ],
    "Ground-Truth": lambda f: (f / "ground_truth").rename(f / "Ground-Truth"),
    "Crack": lambda f: (f / "ground_truth/crack").rename(f / "ground_truth/Crack"),
    "_MASK": lambda f: [
        p.rename(p.with_name(p.name.replace("_mask", "_MASK"))) for p in f.rglob("*_mask.png")
    ],
    "notes": lambda f: (f / "train/good/labels.json").write_text("{}"),
    "hidden files": lambda f: (f / "train/good/._000.png").write_text("mac"),
    "hidden folders": lambda f: save(photo(), f / "train/.ipynb_checkpoints/0.png"),
    "Thumbs.db": lambda f: litter(f, "Thumbs.db"),
    "desktop.ini": lambda f: litter(f, "desktop.ini"),
    ".DS_Store": lambda f: litter(f, ".DS_Store"),
    "an archive of a mac": lambda f: (litter(f, ".DS_Store"), litter(f, "__MACOSX/._000.png")),
    "opaque RGBA": lambda f: [Image.open(p).convert("RGBA").save(p) for p in f.glob("t*/*/*.png")],
    "two pictures of a camera": lambda f: save(
        Image.open(f / "test/good/001.png"),
        f / "test/good/001.png",
        format="MPO",
        save_all=True,
        append_images=[photo()],
    ),
}


@pytest.mark.fault(
    area="data",
    kind="images in other formats and folders of other names",
    how="endings and names of folders in another case, formats, hidden files and notes beside them",
    promise="the same images, labels and masks are read",
)
@pytest.mark.parametrize("trait", READ)
def test_a_category_as_people_have_it_is_the_same_data_set(category, trait):
    plain = read(category)
    READ[trait](category)
    data = read(category)
    assert data.x.shape == plain.x.shape
    np.testing.assert_array_equal(data.y, plain.y)
    np.testing.assert_array_equal(data.masks, plain.masks)
    np.testing.assert_array_equal(data.split.train, plain.split.train)
    if trait not in ("webp", "two pictures of a camera"):
        np.testing.assert_array_equal(data.x, plain.x)


def png_of_16_bits(path):
    """Write a PNG whose colours have 16 bits, which Pillow reads but does not write."""

    def chunk(name, content):
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 16, 20, 16, 2, 0, 0, 0)
    rows = zlib.compress(bytes(20 * (1 + 16 * 3 * 2)))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def animate(path):
    save(photo(), path, save_all=True, append_images=[photo()])


REFUSED = {
    "a subfolder": (
        lambda f: save(photo(), f / "train/good/batch2/1.png"),
        r"nuts has 1 files that are not read, such as train/good/batch2/1\.png; images are read "
        r"directly in train/good and the folders in test .*: move, convert or remove",
    ),
    "a defect that trains": (
        lambda f: save(photo(), f / "train/crack/1.png"),
        r"has 1 files that are not read, such as train/crack/1\.png",
    ),
    "images beside folders": (
        lambda f: save(photo(), f / "test/1.png"),
        r"has 1 files that are not read, such as test/1\.png",
    ),
    "a further part": (
        lambda f: [save(photo(), f / f"validation/good/{i}.png") for i in range(9)],
        r"has 9 files that are not read, such as validation/good/0\.png",
    ),
    "thumbnails": (
        lambda f: save(photo(), f / "test/crack/@eaDir/1.jpg"),
        r"such as test/crack/@eaDir/1\.jpg",
    ),
    "another format": (
        lambda f: (f / "train/good/004.heic").write_bytes(b"ftypheic"),
        r"has 1 files that are not read, such as train/good/004\.heic; .*\(\.png \.jpg .*convert",
    ),
    "no ending": (
        lambda f: (f / "train/good/000.png").rename(f / "train/good/000"),
        r"has 1 files that are not read, such as train/good/000;",
    ),
    "a link to nothing": (
        lambda f: (f / "train/good/005.png").symlink_to("nothing.png"),
        r"good/005\.png is neither a file nor a link to one; remove it",
    ),
    "only another format": (
        lambda f: [p.rename(p.with_suffix(".avif")) for p in f.glob("t*/*/*.png")],
        r"has 10 files that are not read, such as test/crack/000\.avif",
    ),
    "normals of another name": (
        lambda f: (f / "test/good").rename(f / "test/godo"),
        r"nuts/test has no folder 'good' with normal images; found: crack, godo",
    ),
    "a normal folder of another name": (
        lambda f: (f / "train/good").rename(f / "train/crack"),
        r"is not a category in the layout of MVTec AD",
    ),
    "an animated gif": (
        lambda f: animate(f / "test/crack/000.gif"),
        r"crack/000\.gif has several frames or pages; keep the one that counts",
    ),
    "a tiff of two pages": (
        lambda f: animate(f / "train/good/000.tif"),
        r"good/000\.tif has several frames or pages",
    ),
    "an animated png": (
        lambda f: animate(f / "train/good/000.png"),
        r"good/000\.png has several frames or pages",
    ),
    "an animated mask": (
        lambda f: animate(f / "ground_truth/crack/000_mask.png"),
        r"crack/000_mask\.png has several frames or pages",
    ),
    "transparent pixels": (
        lambda f: save(Image.new("RGBA", (16, 20), (9, 9, 9, 200)), f / "test/good/000.png"),
        r"good/000\.png has transparent pixels; flatten it on the background that counts",
    ),
    "a transparent colour of a palette": (
        lambda f: save(Image.new("P", (16, 20)), f / "test/good/000.png", transparency=0),
        r"good/000\.png has transparent pixels",
    ),
    "a mask that is black": (
        lambda f: save(Image.new("L", (16, 20)), f / "ground_truth/crack/001_mask.png"),
        r"crack/001_mask\.png is all black, though its image is defective: draw the defect; or",
    ),
    "two masks of one image": (
        lambda f: save(Image.fromarray(SQUARE), f / "ground_truth/crack/001_mask2.png"),
        r"crack/001_mask2\.png is not that of a defective image: an image has one mask; or",
    ),
    "masks of normal images": (
        lambda f: [
            save(Image.fromarray(SQUARE), f / f"ground_truth/good/{n}_mask.png")
            for n in ("000", "001")
        ],
        r"good/000_mask\.png and 1 more are not those of defective images: an image has one mask",
    ),
    "a transparent mask": (
        lambda f: save(Image.new("LA", (16, 20)), f / "ground_truth/crack/000_mask.png"),
        r"crack/000_mask\.png has transparent pixels",
    ),
    "CMYK": (
        lambda f: save(Image.new("CMYK", (16, 20)), f / "test/good/000.jpg"),
        r"good/000\.jpg has pixels of mode 'CMYK'; convert it to 8 bits, grey or colour",
    ),
    "floats": (
        lambda f: save(Image.new("F", (16, 20)), f / "test/good/000.tif"),
        r"good/000\.tif has pixels of mode 'F'; convert",
    ),
    "colours of 16 bits": (
        lambda f: png_of_16_bits(f / "train/good/000.png"),
        r"good/000\.png has 16 bits a channel; convert it to 8 bits, grey or colour",
    ),
    "a mask of 16 bits": (
        lambda f: save(
            Image.fromarray(SQUARE.astype(np.uint16)), f / "ground_truth/crack/000_mask.png"
        ),
        r"crack/000_mask\.png has 16 bits a channel; convert",
    ),
}


@pytest.mark.fault(
    area="data",
    kind="images that cannot be read, or have no place",
    how="subfolders, formats that are not read, animations, transparency, other depths of colour, "
    "black and spare masks",
    promise="the data set is refused in one sentence, with the file and the number of such files",
)
@pytest.mark.parametrize("trait", REFUSED)
def test_a_category_with_an_image_that_is_not_read_is_refused_by_name(category, trait):
    spoil, message = REFUSED[trait]
    spoil(category)
    with pytest.raises(WrongData, match=message):
        read(category)


def test_photographs_are_turned_as_their_exif_says_and_fit_their_masks(category):
    for path in [*category.glob("t*/*/*.png")]:
        levels = np.zeros((20, 16, 3), np.uint8)
        levels[:5] = 255  # shown at the right
        shot = Image.fromarray(levels)
        exif = shot.getexif()
        exif[EXIF_ORIENTATION] = ROTATED
        shot.save(path.with_suffix(".webp"), exif=exif, lossless=True)
        path.unlink()
    for path in category.glob("ground_truth/*/*"):
        Image.fromarray(SQUARE.T).save(path)
    data = read(category)
    assert (data.x[:, :, :, 14:] > 200).all()
    assert (data.x[:, :, :, :10] < 50).all()
    assert data.masks.any(axis=(1, 2)).sum() == 3


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
def test_an_image_of_any_format_is_as_its_orientation_shows_it(category, ending):
    corner = np.zeros((40, 40), np.uint8)
    corner[:20, :10] = 250
    for orientation, shown in AS_SHOWN.items():
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = orientation
        (category / "train/good/000.png").unlink(missing_ok=True)
        save(Image.fromarray(corner), category / f"train/good/000{ending}", exif=exif, quality=99)
        found = read(category, "size=40&grey=yes").x[0, 0]
        assert np.abs(found - shown(corner).astype(float)).mean() < 3, orientation


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_an_image_is_the_same_in_every_mode_of_8_bits(category, mode):
    drawn = Image.fromarray(SQUARE).resize((33, 57), Image.Resampling.NEAREST)
    drawn.convert("RGB").save(category / "train/good/000.png")
    coloured = read(category)
    drawn.convert(mode).save(category / "train/good/000.png")
    with Image.open(category / "train/good/000.png") as written:
        assert written.mode == mode
    np.testing.assert_array_equal(read(category).x, coloured.x)


def test_images_read_in_threads_are_those_read_one_by_one(category):
    for i in range(30):
        save(photo().resize((40 + i, 80 - i)), category / f"train/good/{i:03}.webp", lossless=True)
    files = sorted(category.glob("train/good/*"))
    alone = [read_images([Picture(path, None)], 24, grey=False)[0][0] for path in files]
    together = read_images([Picture(path, None) for path in files], 24, grey=False)[0]
    np.testing.assert_array_equal(together, alone)


def blurred(mask):
    """Return a mask with grey edges: of a smaller one, enlarged."""
    small = Image.fromarray(mask).resize((8, 10))
    return small.resize((16, 20), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("quality", [60, 75, 95])
def test_a_mask_as_jpeg_marks_what_was_drawn(category, quality):
    plain = masks_of(category)
    for path in category.glob("ground_truth/*/*"):
        swap(path, ".jpg", quality=quality)
    np.testing.assert_array_equal(masks_of(category), plain)


def test_a_mask_with_soft_edges_marks_what_is_more_white_than_black(category):
    soft = blurred(SQUARE)
    for path in category.glob("ground_truth/*/*"):
        soft.save(path)
    large = np.asarray(soft.resize((20, 20), Image.Resampling.NEAREST))
    assert len(np.unique(large)) > 4
    np.testing.assert_array_equal(masks_of(category)[0], large >= 128)


@pytest.mark.parametrize(
    "levels",
    [(1, 1, 1), (1, 2, 3), (85, 170, 255), (127, 255, 255), (250, 251, 255)],
    ids=str,
)
def test_classes_of_defects_in_a_mask_are_all_marked(category, levels):
    plain = masks_of(category)
    mask = np.zeros_like(SQUARE)
    for level, rows in zip(levels, (slice(5, 7), slice(7, 8), slice(8, 10)), strict=True):
        mask[rows, 4:10] = level
    for path in category.glob("ground_truth/*/*"):
        Image.fromarray(mask).save(path)
    np.testing.assert_array_equal(masks_of(category), plain)


@pytest.mark.parametrize("colour", [(0, 0, 255), (255, 0, 0), (0, 128, 0)], ids=str)
def test_a_coloured_mask_marks_its_colour(category, colour):
    plain = masks_of(category)
    image = Image.fromarray((SQUARE[..., None] > 0) * np.uint8(colour))
    for i, path in enumerate(category.glob("ground_truth/*/*")):
        (image if i else image.quantize(4)).save(path)
    np.testing.assert_array_equal(masks_of(category), plain)


def test_a_normal_class_is_named_in_any_case(classes):
    data = read(classes, "size=16&normal=Cat")
    np.testing.assert_array_equal(data.y, [0] * 3 + [1] * 4)
    (classes / "dog").rename(classes / "Cat")
    with pytest.raises(WrongData, match="folders whose names differ in case alone, Cat, cat"):
        read(classes, "size=16&normal=Cat")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda f: save(photo(), f / "cat/b1/0.png"),
            r"pets has 1 files that are not read, such as cat/b1/0\.png; images are read directly "
            r"in a folder for each class",
        ),
        (lambda f: save(photo(), f / "0.png"), r"1 files that are not read, such as 0\.png"),
        (
            lambda f: [p.rename(p.with_suffix(".dcm")) for p in f.glob("cat/*")],
            r"has 3 files that are not read, such as cat/0\.dcm",
        ),
        (
            lambda f: [p.unlink() for p in f.glob("cat/*")],
            r"pets/cat has no images; name a normal class that has some",
        ),
    ],
    ids=["subfolder", "beside", "format", "empty"],
)
def test_classes_with_images_that_are_not_read_are_refused(classes, spoil, message):
    spoil(classes)
    with pytest.raises(WrongData, match=message):
        read(classes, "size=16&normal=cat")


@pytest.mark.fault(
    area="data",
    kind="several faults in a folder of images",
    how="an image is broken, one has no mask, and one lies in a stray subfolder",
    promise="one sentence names all of them",
)
def test_all_that_is_wrong_with_a_folder_is_in_one_answer(category):
    (category / "train/good/000.png").write_bytes(b"broken")
    (category / "ground_truth/crack/001_mask.png").unlink()
    save(photo(), category / "train/good/new/0.png")
    with pytest.raises(WrongData) as told:
        read(category)
    for what in ("new/0.png; images are", "crack/001.png has no mask", "000.png is not a complete"):
        assert what in str(told.value)

    for path in category.glob("test/*/*"):
        path.write_bytes(b"broken")
    with pytest.raises(WrongData, match=r"is not a complete image.*; 4 more files are at fault$"):
        read(category)


def test_a_linked_folder_is_part_of_the_identity(category, tmp_path):
    (category / "test/crack").rename(tmp_path / "elsewhere")
    (category / "test/crack").symlink_to(tmp_path / "elsewhere")
    (category / "train/good/loop").symlink_to(category)
    before = read(category)
    assert before.y.sum() == 3
    save(photo(), tmp_path / "elsewhere" / "001.png")
    assert read(category).card.sha256 != before.card.sha256

    save(photo(), tmp_path / "more" / "9.png")
    (tmp_path / "more" / "back").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "more").symlink_to(tmp_path / "more")
    with pytest.raises(WrongData, match=r"has 1 files that are not read, such as .*more/9\.png"):
        read(category)
