"""Images with masks: the real bottles, generated textures, and folders that are not right."""

import shutil

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from datasets import MissingData, WrongData, find, load, names, present, sample_files
from datasets.families.images import mvtec, textures
from datasets.formats.images import Picture, read_images


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written") / "a weäve"
    textures.write("weave", folder)
    return folder


@pytest.fixture
def weave(written, tmp_path):
    """Return a copy of a generated category that may be spoiled."""
    return shutil.copytree(written, tmp_path / "weave")


def test_a_generated_category_is_the_same_from_its_files(written):
    generated = load("textures/weave")
    read = load(f"folder:{written}?size={textures.SIDE}&grey=yes")

    np.testing.assert_array_equal(read.x, generated.x)
    np.testing.assert_array_equal(read.y, generated.y)
    np.testing.assert_array_equal(read.masks, generated.masks)
    np.testing.assert_array_equal(read.split.train, generated.split.train)
    np.testing.assert_array_equal(read.split.test, generated.split.test)


def test_colour_is_three_channels_and_sizes_are_as_asked(written):
    data = load(f"folder:{written}?size=16")

    assert data.x.shape == (170, 3, 16, 16)
    assert data.masks.shape == (170, 16, 16)
    np.testing.assert_array_equal(data.x[:, 0], data.x[:, 2])


def test_masks_are_resized_to_the_nearest_pixel(weave):
    defect = sorted((weave / "ground_truth" / "spot").iterdir())[3]
    mask = np.zeros((32, 32), np.uint8)
    mask[9:12, 5:7] = 1  # any value but 0
    mask[12:15, 5:7] = 255
    Image.fromarray(mask).save(defect)
    data = load(f"folder:{weave}?size=8")

    index = 130 + 20 + 3
    expected = np.zeros((8, 8))
    expected[2:4, 1] = 1
    np.testing.assert_array_equal(data.masks[index], expected)


def test_images_of_several_sizes_and_modes_become_alike(weave):
    train = weave / "train" / "good"
    for name, mode, size in (
        ("000", "RGB", (40, 20)),
        ("001", "RGBA", (32, 32)),
        ("002", "P", (9, 9)),
    ):
        path = train / f"{name}.png"
        Image.open(path).convert(mode).resize(size).save(path)
    data = load(f"folder:{weave}?size=32&grey=yes")

    original = load("textures/weave")
    np.testing.assert_array_equal(data.x[1], original.x[1])
    np.testing.assert_array_equal(data.x[3:], original.x[3:])


def test_masks_named_like_their_images_and_images_called_ok_are_read(weave):
    for part in ("train", "test"):
        (weave / part / "good").rename(weave / part / "ok")
    for mask in (weave / "ground_truth" / "smear").iterdir():
        mask.rename(mask.with_name(mask.name.replace("_mask", "")))

    assert load(f"folder:{weave}?size=32").y.sum() == 40


@pytest.mark.parametrize("name", ["mvtec/bottle", "mpdd/tubes", "visa/pcb1", "btad/03"])
def test_the_relatives_are_read_from_their_places_in_the_data_folder(weave, tmp_path, name):
    place = {"mvtec/bottle": "mvtec_ad/bottle", "btad/03": "btad/BTech_Dataset_transformed/03"}
    folder = tmp_path / "data" / place.get(name, name)
    folder.parent.mkdir(parents=True)
    weave.rename(folder)
    if name == "btad/03":  # bitmaps, "ok" and "ko", masks with the names of their images
        for part in ("train", "test"):
            (folder / part / "good").rename(folder / part / "ok")
        for kind in ("scratch", "smear", "turn"):
            shutil.rmtree(folder / "test" / kind)
        (folder / "test" / "spot").rename(folder / "test" / "ko")
        (folder / "ground_truth" / "spot").rename(folder / "ground_truth" / "ko")
        for image in [*folder.glob("train/*/*"), *folder.glob("test/*/*")]:
            Image.open(image).save(image.with_suffix(".bmp"))
            image.unlink()
        for mask in (folder / "ground_truth" / "ko").iterdir():
            mask.rename(mask.with_name(mask.name.replace("_mask", "")))
    data = load(f"{name}?size=16", tmp_path / "data")

    assert data.x.shape[1:] == (3, 16, 16)
    assert data.y.sum() == (10 if name == "btad/03" else 40)
    assert len(data.split.train) == 100
    assert ((data.masks.sum(axis=(1, 2)) > 0) == data.y).mean() > 0.95


def spoil_truncate(weave):
    path = weave / "test" / "good" / "004.png"
    path.write_bytes(path.read_bytes()[:-60])


def spoil_text(weave):
    (weave / "train" / "good" / "007.png").write_text("no image")


def spoil_empty(weave):
    (weave / "train" / "good" / "007.png").write_bytes(b"")


def spoil_bomb(weave):
    Image.new("1", (14_000, 14_000)).save(weave / "train" / "good" / "007.png")


def spoil_sixteen_bits(weave):
    Image.fromarray(np.zeros((32, 32), np.uint16)).save(weave / "train" / "good" / "007.png")


def spoil_mask_missing(weave):
    (weave / "ground_truth" / "turn" / "002_mask.png").unlink()


def spoil_mask_size(weave):
    path = weave / "ground_truth" / "turn" / "002_mask.png"
    Image.open(path).resize((16, 32)).save(path)


def spoil_mask_broken(weave):
    (weave / "ground_truth" / "turn" / "002_mask.png").write_text("no image")


def spoil_no_train(weave):
    shutil.rmtree(weave / "train")


def spoil_no_images(weave):
    shutil.rmtree(weave / "train" / "good")
    (weave / "train" / "good").mkdir()


def spoil_no_defects(weave):
    for defect in textures.DEFECTS:
        shutil.rmtree(weave / "test" / defect)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (spoil_truncate, r"test/good/004\.png is not a complete image: .*; replace or remove it"),
        (
            spoil_text,
            r"train/good/007\.png is not a complete image: cannot identify image file; rep",
        ),
        (spoil_empty, r"train/good/007\.png is not a complete image"),
        (spoil_bomb, r"train/good/007\.png is not a complete image: .*could be decompression bomb"),
        (spoil_sixteen_bits, r"007\.png has 16 bits a channel; convert it to 8 bits"),
        (spoil_mask_missing, r"turn/002\.png has no mask; it should be .*turn/002_mask\.png"),
        (spoil_mask_size, r"002_mask\.png is 16 x 32 pixels, its image 002\.png is 32 x 32"),
        (spoil_mask_broken, r"turn/002_mask\.png is not a complete image"),
        (
            spoil_no_train,
            "is not a category in the layout of MVTec AD .*; found: ground_truth, test",
        ),
        (spoil_no_images, "has 0 training and 70 test images; give some of each"),
        (spoil_no_defects, "y has 0 anomalies among 130 rows; give at least one of each class"),
    ],
)
def test_a_category_that_is_not_right_is_refused_with_the_file(weave, spoil, sentence):
    spoil(weave)

    with pytest.raises(ValueError, match=sentence):
        load(f"folder:{weave}?size=32")


def test_a_category_without_masks_is_read_where_it_is_said_to_have_none(weave):
    shutil.rmtree(weave / "ground_truth")
    with pytest.raises(WrongData, match=r"scratch/000\.png and 39 more images have no mask; "):
        load(f"folder:{weave}?size=32")
    data = load(f"folder:{weave}?size=32&masks=no")

    assert data.masks is None
    assert data.y.sum() == 40


def test_a_folder_with_a_folder_for_each_class_is_read_with_the_given_normal_one(weave):
    kinds = weave / "test"
    data = load(f"folder:{kinds}?normal=good&normal=turn&size=16&grey=yes")

    assert data.x.shape == (70, 1, 16, 16)
    assert (data.y == 0).sum() == 40
    assert data.split is None
    with pytest.raises(WrongData, match="has no folder 'fine'; found: good, scratch, smear"):
        load(f"folder:{kinds}?normal=fine")


def test_the_card_beside_a_folder_may_say_which_classes_are_normal(weave):
    kinds = (weave / "test").rename(weave / "photos.v2")
    (weave / "photos.toml").write_text("lable = 3")  # another's
    card = weave / "photos.v2.toml"
    card.write_text('normal = ["good", "turn"]\nsize = 16\ngrey = true\nlicence = "CC0"\n')
    data = load(f"folder:{kinds}")

    assert data.x.shape == (70, 1, 16, 16)
    assert ((data.y == 0).sum(), data.card.licence, data.split) == (40, "CC0", None)
    assert (load(f"folder:{kinds}?normal=turn&size=8").y == 0).sum() == 10
    card.write_text('normal = "good"\nmasks = false\n')
    with pytest.raises(ValueError, match=r"\(photos\.v2\.toml\): unknown setting 'masks'"):
        load(f"folder:{kinds}")


def test_an_empty_folder_is_distinguished_from_a_missing_one(tmp_path):
    (tmp_path / "photos").mkdir()

    with pytest.raises(MissingData, match=rf"{tmp_path}/photos/ has no files; put the images ther"):
        load(f"folder:{tmp_path}/photos")
    with pytest.raises(MissingData, match=rf"{tmp_path}/films/ does not exist; give the path"):
        load(f"folder:{tmp_path}/films")
    (tmp_path / "mvtec_ad" / "cable").mkdir(parents=True)
    with pytest.raises(MissingData, match=rf"mvtec_ad/cable/ has no files in {tmp_path}; run"):
        load("mvtec/cable", tmp_path)


def test_the_folder_of_all_categories_is_answered_with_them(weave):
    shutil.copytree(weave, weave.parent / "velvet")

    with pytest.raises(WrongData, match="has the categories velvet, weave; name the folder"):
        load(f"folder:{weave.parent}?size=32")


def test_a_category_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    (tmp_path / "mvtec_ad" / "cable").mkdir(parents=True)

    with pytest.raises(
        MissingData,
        match=r"mvtec_ad/bottle/ is not in .*; found beside it: cable; run `bench data fetch mvtec",
    ):
        load("mvtec/bottle", tmp_path)


def test_a_category_to_be_had_by_hand_comes_with_advice(tmp_path):
    with pytest.raises(MissingData, match=r"mpdd/tubes/ is not in .*; get MPDD by the link at its"):
        load("mpdd/tubes", tmp_path)


def test_the_categories_and_their_relatives_are_in_the_table():
    counts = [find(f"mvtec/{name}").facts.n for name, *_ in mvtec._CATEGORIES]

    assert len(counts) == 15
    assert sum(counts) == 5354  # images in all, by the paper
    assert {"visa/pcb1", "btad/03", "mpdd/tubes"} <= set(names())


def test_an_option_changes_the_identity_and_unpins_the_sizes():
    plain, small = find("mvtec/bottle"), find("mvtec/bottle?size=64")

    assert plain.facts.shape == (3, 256, 256)
    assert small.facts is None
    assert small.options == {"size": 64, "grey": False, "masks": True}
    assert small.family == plain.family


def test_the_real_bottles_are_what_they_are_known_to_be():
    if not present("mvtec/bottle"):
        pytest.skip("mvtec_ad/bottle/ is not in the data folder")
    data = load("mvtec/bottle")

    assert data.x.shape == (292, 3, 256, 256)
    assert len(data.split.train) == 209
    assert data.y.sum() == 63
    assert ((data.masks.sum(axis=(1, 2)) > 0) == data.y).all()


@pytest.mark.parametrize("kind", textures.TEXTURES)
def test_every_defect_changes_pixels_inside_its_mask_and_no_others(kind):
    data = load(f"textures/{kind}")
    areas = data.masks.sum(axis=(1, 2))

    assert (areas[data.y == 0] == 0).all()
    assert (areas[data.y == 1] >= 5).all()
    assert areas.max() < textures.SIDE**2 / 4
    assert data.card.synthetic


@pytest.mark.parametrize("kind", textures.TEXTURES)
def test_spots_are_seen_by_grey_level_and_turned_patches_are_not(kind):
    data = load(f"textures/{kind}")
    train, test = data.x[data.split.train].reshape(-1, 1), data.split.test
    low, high = np.percentile(train, [0.1, 99.9])
    odd = ((data.x < low) | (data.x > high)).mean(axis=(1, 2, 3))
    spots = [i for i in test if i < 130 or 150 <= i < 160]
    turned = [i for i in test if i < 130 or i >= 160]

    assert roc_auc_score(data.y[spots], odd[spots]) > 0.95
    assert roc_auc_score(data.y[turned], odd[turned]) < 0.75


def test_a_neighbour_of_patches_finds_turned_stripes():
    data = load("textures/stripes")
    windows = np.lib.stride_tricks.sliding_window_view(data.x[:, 0], (8, 8), axis=(1, 2))
    patches = windows[:, ::4, ::4].reshape(len(data.x), -1, 64) / 255.0
    index = NearestNeighbors(n_neighbors=1).fit(patches[data.split.train].reshape(-1, 64))
    test = [i for i in data.split.test if i < 130 or i >= 160]
    far = [index.kneighbors(patches[i])[0].max() for i in test]

    assert roc_auc_score(data.y[test], far) > 0.95


def test_every_sample_has_the_file_that_it_was_read_from(weave):
    of_classes = (weave / "test", "normal=good&size=16&grey=yes")
    for folder, query in ((weave, "size=16&grey=yes"), of_classes):
        name = f"folder:{folder}?{query}"
        data, files = load(name), sample_files(name)
        assert len(files) == len(set(files)) == len(data.x)
        for file, pixels in zip(files, data.x, strict=True):
            alone, _ = read_images([Picture(folder / file, None)], 16, True)
            np.testing.assert_array_equal(alone[0], pixels)
    assert sample_files("wine") is None
