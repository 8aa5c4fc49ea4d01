"""Suites: what a TOML file may say, and what is said of one that is wrong."""

import json
import re

import pytest

import datasets
from bench.plan import suite
from bench.plan.suite import SuiteError

LOF_ON_WINE = 'detectors = ["lof"]\ndatasets = ["wine"]\n'


@pytest.fixture
def read(tmp_path):
    """Return the suite that a TOML text says."""

    def read_text(text: str) -> suite.Suite:
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        return suite.read(str(path))

    return read_text


def sets_of(told: suite.Suite) -> list[str]:
    return [member.name for member in told.datasets]


def names_of(told: suite.Suite) -> list[str]:
    return [entrant.name for entrant in told.detectors]


def with_settings(spec: str, settings: str) -> str:
    return f'detectors = [{{ spec = "{spec}", settings = {settings} }}]\ndatasets = ["wine"]'


def test_a_suite_has_defaults_for_all_but_detectors_and_data_sets(read):
    told = read(LOF_ON_WINE)
    assert (told.name, told.title) == ("mine", "mine")
    assert (told.protocol, told.scaler, told.seeds) == (("one-class",), "standard", (0, 1, 2, 3, 4))


def test_the_suites_of_the_project_are_valid():
    assert {"default", "smoke"} <= set(suite.names())
    for name in suite.names():
        assert suite.read(name).detectors


def test_a_pattern_stands_for_all_data_sets_that_match_and_each_counts_once(read):
    told = read('detectors = ["lof"]\ndatasets = ["digits/3", "digits/*", "wine", "wine"]')
    digits = [name for name in datasets.names() if name.startswith("digits/")]
    assert sorted(sets_of(told)) == sorted([*digits, "wine"])
    assert sets_of(told)[0] == "digits/3"


def test_a_protocol_is_a_text_a_table_or_a_list_of_either(read):
    with_both = "one-class(contamination=0.05, dedup=true)"
    for protocol in (
        '"one-class(dedup=true, contamination=0.05)"',
        '{ name = "one-class", contamination = 0.05, dedup = true }',
    ):
        assert read(LOF_ON_WINE + f"protocol = {protocol}").protocol == (with_both,)
    told = read(
        LOF_ON_WINE + f'protocol = ["goad", {{ name = "one-class" }}, "{with_both}", "goad"]'
    )
    assert told.protocol == ("goad", "one-class", with_both)
    assert suite.select(told, protocol="official").protocol == ("official",)


MIXED = (
    'detectors = ["lof"]\ndatasets = ["wine", { name = "textures/*", protocol = "official" }, '
    '{ name = "digits/3", protocol = ["one-class", { name = "one-class", max_train = 9 }] }]\n'
)


def test_a_data_set_has_a_protocol_of_its_own_which_a_selection_keeps(read):
    told = read(MIXED)
    textures = [name for name in datasets.names() if name.startswith("textures/")]
    assert len(textures) > 1
    own = {member.name: member.protocol for member in told.datasets}
    assert own == {
        "wine": (),
        **dict.fromkeys(textures, ("official",)),
        "digits/3": ("one-class", "one-class(max_train=9)"),
    }
    assert told.protocol == ("one-class",)
    assert suite.build(json.loads(json.dumps(told.model_dump(mode="json")))) == told
    part = suite.select(told, datasets=["textures/*", "digits/4"])
    assert {member.name: member.protocol for member in part.datasets} == {
        **dict.fromkeys(textures, ("official",)),
        "digits/4": (),
    }
    whole = suite.select(told, datasets=["textures/*"], seeds=1)
    assert suite.named(whole, told, None).name == "mine"
    for protocol in ("one-class", "official"):
        every = suite.select(told, protocol=protocol)
        assert sets_of(every) == sets_of(told)
        assert not any(member.protocol for member in every.datasets)
        assert every.protocol == (protocol,)
        assert suite.named(every, told, None).name.startswith("run-")


def test_a_data_set_without_a_protocol_of_its_own_is_written_as_its_name(read):
    assert read(LOF_ON_WINE).model_dump()["datasets"] == ("wine",)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('{ name = "wine", protocol = "offical" }', "datasets.0.protocol: unknown protocol 'off"),
        ('{ name = "wine", protocol = [] }', "datasets.0.protocol is empty"),
        ('{ name = "whine" }', "datasets: unknown data set 'whine'"),
        ('{ nam = "wine" }', "datasets.0.name is missing"),
        ('{ name = "wine", protocl = "x" }', "'datasets.0.protocl'; did you mean protocol?"),
        ("3", 'datasets.0 should be a name, or a table such as { name = "wine", protocol = '),
        (
            '"digits/*", { name = "digits/3", protocol = "goad" }',
            "datasets: digits/3 is listed with different protocols; list it once, with all",
        ),
    ],
)
def test_a_wrong_entry_of_the_data_sets_is_explained(read, entry, message):
    with pytest.raises(SuiteError, match=re.escape(message)):
        read(f'detectors = ["lof"]\ndatasets = [{entry}]')


def test_a_number_of_seeds_counts_from_zero_and_a_list_is_kept(read):
    assert read(LOF_ON_WINE + "seeds = 3").seeds == (0, 1, 2)
    assert read(LOF_ON_WINE + "seeds = [7, 2, 7]").seeds == (7, 2)


def test_labels_show_explicit_settings_and_those_of_a_head(read):
    told = read(
        """
        datasets = ["wine"]
        [[detectors]]
        spec = "lof"
        settings.n_neighbors = 5
        [[detectors]]
        spec = "ae+lof"
        settings.head.n_neighbors = 20
        [[detectors]]
        spec = "vae"
        [[detectors]]
        spec = "knn"
        label = "Nächste ✓"
        settings = { aggregation = "mean" }
        """
    )
    assert names_of(told) == [
        "lof[n_neighbors=5]",
        "ae+lof[head.n_neighbors=20]",
        "vae:elbo",
        "Nächste ✓",
    ]
    assert told.detectors[1].settings == {"head": {"n_neighbors": 20}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('detectors = ["loff"]\ndatasets = ["wine"]', "unknown detector 'loff'.* lof"),
        ('detectors = ["vae:elbow"]\ndatasets = ["wine"]', "no read-out 'elbow'.* elbo"),
        ('detectors = ["ae+loff"]\ndatasets = ["wine"]', "unknown detector 'loff'.* lof"),
        ('detectors = ["lof+knn"]\ndatasets = ["wine"]', "lof has no codes for a head.* ae"),
        ('detectors = ["pyod:HBO"]\ndatasets = ["wine"]', "'pyod:HBO'.* HBOS"),
        ('detectors = ["lof"]\ndatasets = ["whine"]', "data set 'whine'; the nearest: .*wine"),
        ('detectors = ["lof"]\ndatasets = ["x*"]', "unknown data set 'x\\*'"),
        (LOF_ON_WINE + 'protocol = "oneclass"', "unknown protocol 'oneclass'.* one-class"),
        (LOF_ON_WINE + 'protocol = "one-class(dedupe=true)"', "no setting 'dedupe'.* dedup"),
        (LOF_ON_WINE + "protocol = []", "protocol is empty"),
        (LOF_ON_WINE + "volumes = 1", "volumes should be a valid boolean"),
        (LOF_ON_WINE + "volumes = true", "volumes: masses .* one-class has none; give the proto"),
        (
            'detectors = ["lof"]\nprotocol = "one-class(calibration=0.4)"\nvolumes = true\n'
            'datasets = ["wine", { name = "digits/1", protocol = "transductive" }]',
            "volumes: masses are those of held-out samples, of which transductive has none",
        ),
        (LOF_ON_WINE + "protocol = 3", "3 is neither a name nor a table"),
        (LOF_ON_WINE + 'scaler = "standrad"', "unknown scaler 'standrad'.* standard"),
        (LOF_ON_WINE + 'scaler = "median+mimax"', "'median\\+mimax'.* median\\+minmax"),
        (LOF_ON_WINE + "seed = 3", "unknown key 'seed'.* seeds"),
        ('detectors = [{ spec = "lof", lable = "x" }]\ndatasets = ["wine"]', "lable'.* label"),
        ('detectors = ["lof"]', "datasets is missing"),
        ('detectors = []\ndatasets = ["wine"]', "detectors is empty; name at least one"),
        ('detectors = ["lof"]\ndatasets = []', "datasets is empty"),
        (LOF_ON_WINE + "seeds = []", "seeds is empty"),
        (LOF_ON_WINE + "seeds = 0", "0 seeds are not possible; give a number from 1 to"),
        (LOF_ON_WINE + "seeds = -2", "-2 seeds are not possible"),
        (LOF_ON_WINE + "seeds = 1000000000", "1000000000 seeds are not possible"),
        (LOF_ON_WINE + 'seeds = ["1", 2]', "seeds.0 should be a valid integer"),
        (LOF_ON_WINE + "seeds = [2.0]", "seeds.0 should be a valid integer"),
        (LOF_ON_WINE + "seeds = [0, -1]", "seeds.1 should be greater than or equal to 0"),
        (LOF_ON_WINE + "seeds = [4294967296]", "seeds.0 should be less than 2147483648"),
        (LOF_ON_WINE + "seeds = [0.5]", "seeds.0 should be a valid integer"),
        (LOF_ON_WINE + "seeds = [[0]]", "seeds.0 should be a valid integer"),
        (LOF_ON_WINE + "seeds = true", "seeds should be a list"),
        (LOF_ON_WINE + 'seeds = "all"', "seeds should be a list"),
        ('detectors = "lof"\ndatasets = ["wine"]', "detectors should be a list"),
        ('detectors = [["lof"]]\ndatasets = ["wine"]', r"detectors.0 should be a name, or a tab"),
        ('detectors = [{ spec = 3 }]\ndatasets = ["wine"]', "detectors.0.spec should be a text"),
        ('detectors = ["lof", "lof"]\ndatasets = ["wine"]', "two detectors are called 'lof'"),
        ('detectors = ["vae", "vae:elbo"]\ndatasets = ["wine"]', "two detectors are cal"),
        (with_settings("lof", "3"), "settings should be a table"),
        (with_settings("lof", "{ seed = 3 }"), "seed is not a setting.* key `seeds`"),
        (with_settings("ae+lof", "{ head.seed = 3 }"), "head.seed is not a setting"),
        (with_settings("ae", '{ device = "cuda" }'), "device is not a setting; it is `--device`"),
        (with_settings("ae+lof", "{ head = 3 }"), r"a table, such as head.n_neighbors = 20"),
        (with_settings("lof", "{ n_neighbors = 1979-05-27 }"), "= 1979-05-27 is not accepted"),
        ('detectors = ["lof"\ndatasets = ["wine"]', "mine.toml is not valid TOML.*line 2"),
        (LOF_ON_WINE + "seeds = 2\nseeds = 3", "not valid TOML"),
        ('name = "sub/x"\n' + LOF_ON_WINE, "name: 'sub/x' cannot name files; use up to 200"),
        ('name = "a\\nb"\n' + LOF_ON_WINE, "name: 'a.nb' cannot name files"),
        ('name = ""\n' + LOF_ON_WINE, "name: '' cannot name files"),
        (f'name = "{"ü" * 101}"\n' + LOF_ON_WINE, "cannot name files"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_accepted(read, text, message):
    with pytest.raises(SuiteError, match=message) as raised:
        read(text)
    assert "\n" not in str(raised.value)


def test_a_wrong_detector_does_not_make_the_list_of_detectors_empty(read):
    with pytest.raises(SuiteError) as raised:
        read('detectors = [{ spec = "loff" }]\ndatasets = ["wine"]')
    assert "empty" not in str(raised.value)


def test_a_file_that_is_absent_or_unreadable_is_named(tmp_path):
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name, message in (
        ("absent.toml", "cannot read .*absent.toml: No such file"),
        ("folder.toml", "cannot read .*folder.toml: Is a directory"),
        ("bytes.toml", "bytes.toml is not valid TOML"),
    ):
        with pytest.raises(SuiteError, match=message):
            suite.read(str(tmp_path / name))
    with pytest.raises(SuiteError, match=r"unknown suite 'smokee', .*; did you mean smoke\?"):
        suite.read("smokee")
    with pytest.raises(SuiteError, match="unknown suite"):
        suite.read("../suites/smoke")


def test_selecting_a_detector_keeps_the_settings_the_suite_gives_it(read):
    told = read(
        'datasets = ["wine"]\n[[detectors]]\nspec = "lof"\nlabel = "mine"\n'
        "settings = { n_neighbors = 7 }\n[[detectors]]\nspec = 'vae:elbo'\nlabel = 'v'"
    )
    by_spec = suite.select(told, detectors=["lof", "vae", "knn"])
    by_label = suite.select(told, detectors=["mine"])
    assert by_spec.detectors[0] == by_label.detectors[0] == told.detectors[0]
    assert [entrant.name for entrant in by_spec.detectors] == ["mine", "v", "knn"]


def test_selecting_replaces_parts_and_checks_them(read):
    told = read(LOF_ON_WINE)
    chosen = suite.select(told, datasets=["digits/1*", "synthetic/local"], seeds=[4])
    assert sets_of(chosen) == ["digits/1", "synthetic/local"]
    assert (chosen.seeds, chosen.detectors) == ((4,), told.detectors)
    for part, message in (
        ({"detectors": ["loff"]}, "unknown detector 'loff'"),
        ({"detectors": []}, "detectors is empty"),
        ({"datasets": ["whine"]}, "^datasets: unknown data set 'whine'"),
        ({"protocol": "offical"}, "unknown protocol 'offical'.* official"),
        ({"seeds": -1}, re.escape("-1 seeds are not possible")),
    ):
        with pytest.raises(SuiteError, match=message):
            suite.select(told, **part)


def test_weights_go_to_the_detectors_that_have_such_a_setting(read):
    told = read("""
detectors = ["pca", "backbone:vgg16+pca", { spec = "padim", settings = { pretrained = false } }]
datasets = ["wine"]
""")
    given = suite.select(told, weights="vgg.pth").detectors
    assert [entrant.settings for entrant in given] == [
        {}, {"weights": "vgg.pth"}, {"pretrained": False}
    ]  # fmt: skip
    with pytest.raises(SuiteError, match="--weights is for detectors on pretrained features"):
        suite.select(told, detectors=["pca"], weights="vgg.pth")
