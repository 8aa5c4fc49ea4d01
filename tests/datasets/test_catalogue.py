"""Names, cards and the data folder."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import datasets
from datasets import (
    MissingData,
    UnknownDataSet,
    WrongData,
    card,
    catalogue,
    data_folder,
    families,
    find,
    load,
    matching,
    names,
    present,
)

HEAVY = ("sklearn", "scipy", "torch", "pandas", "mlflow", "pyod", "PIL")


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has imported after `code`."""
    code += "\nimport sys; print(' '.join(sys.modules))"
    root = Path(datasets.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    return {module.partition(".")[0] for module in done.stdout.split()}


EMBEDDED = (
    "breast-cancer",
    "wine",
    *(f"digits/{k}" for k in range(10)),
    *(f"synthetic/{kind}" for kind in ("local", "global", "cluster", "dependency", "annulus")),
)


def test_the_names_are_those_promised():
    assert names()[: len(EMBEDDED)] == EMBEDDED
    counts = Counter(name.partition("/")[0] for name in names())
    assert counts["adbench"] == 47
    assert counts["adbench-cv"] == counts["adbench-cv-vit"] == 61
    assert counts["adbench-nlp"] == counts["adbench-nlp-roberta"] == 13
    assert {"odds/cardio", "odds/wbc"} <= set(names())


def test_a_new_family_is_one_file_and_comes_last(tmp_path, monkeypatch):
    (tmp_path / "aaa.py").write_text(
        "from datasets.entry import Entry\n"
        "known = dict.fromkeys(('name', 'family', 'source', 'licence', 'citation'), 'toy')\n"
        "ENTRIES = (Entry(**known, kind='tabular', loader=f'{__name__}:table'),)\n"
    )
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(tmp_path)])
    *others, last = catalogue.read_families()

    assert tuple(entry.name for entry in others) == names()
    assert (last.name, last.loader) == ("toy", "datasets.families.aaa:table")


def test_names_and_cards_import_nothing_heavy():
    code = (
        "from datasets import card, find, names\n"
        "[card(n) for n in names() if find(n).is_pinned]\n"
        "[find(n) for n in names()]"
    )

    assert modules_after(code).isdisjoint((*HEAVY, "bench", "detectors"))


def test_loading_what_is_embedded_imports_nothing_heavy():
    code = f"from datasets import load; [load(name) for name in {EMBEDDED}]"

    assert modules_after(code).isdisjoint((*HEAVY, "bench", "detectors"))


@pytest.mark.parametrize("ask", [card, load])
@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("digit/3", "digits/3"),
        ("breast_cancer", "breast-cancer"),
        ("anulus", "synthetic/annulus"),
        ("synthetic/globl", "synthetic/global"),
        ("digits", "digits/0, .*, digits/9"),
        ("digit/*", "digits/0, .*, digits/9"),
        ("digits/10", "digits/0, .*, digits/9"),
        ("mnist/12", "mnist/0, .*, mnist/9"),
        ("adbench/wbcs", "adbench/WBC"),
        ("mvtec/botle", "mvtec/bottle"),
        ("nab", r"nab/art_daily_flatmiddle, .*, \.\.\. \(51 in all\)"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(ask, wrong, nearest):
    with pytest.raises(
        UnknownDataSet, match=rf"unknown data set '{re.escape(wrong)}'; .*nearest: .*{nearest}"
    ):
        ask(wrong)


def test_a_name_near_to_none_is_answered_with_where_to_look():
    with pytest.raises(
        UnknownDataSet,
        match=f"unknown data set 'xyzzy'; `bench list datasets` prints all {len(names())}",
    ):
        load("xyzzy")


def test_a_path_alone_is_answered_with_the_name_of_data_of_ones_own(tmp_path):
    for path, kind in ((tmp_path, "folder"), ("claims.csv", "file"), ("x/y.NPZ?drop=a", "file")):
        answer = f"unknown data set '{path}'; data of your own: {kind}:{path}; "
        with pytest.raises(UnknownDataSet, match=re.escape(answer)):
            load(str(path))


def test_the_ten_digits_are_one_family_with_a_limit_on_test_anomalies():
    cards = [card(f"digits/{k}") for k in range(10)]

    assert {c.family for c in cards} == {"digits"}
    assert {c.max_test_anomaly_rate for c in cards} == {0.10}


def test_the_data_folder_is_the_given_one_before_the_environments(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_DATA", "/elsewhere")

    assert data_folder(tmp_path) == tmp_path


def test_the_data_folder_is_the_environments_before_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_DATA", "~/data")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert data_folder() == tmp_path / "data"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has its own cache folder")
def test_the_data_folder_is_else_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_DATA", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder() == tmp_path / ".cache" / "fathom"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert data_folder() == tmp_path / "cache" / "fathom"


def test_embedded_sets_need_no_data_folder(tmp_path):
    assert len(load("wine", tmp_path / "not there").x) == 178


def test_a_pinned_card_needs_no_file(tmp_path):
    assert card("adbench/cardio", tmp_path).n == 1831
    assert not present("adbench/cardio", tmp_path)


def test_a_file_that_is_not_there_is_named_with_the_command_that_fetches_it(tmp_path):
    sentence = (
        rf"adbench/cardio: adbench/Classical/6_cardio\.npz is not in {tmp_path}; run "
        r"`bench data fetch adbench/cardio`, or name another folder with --data"
    )
    with pytest.raises(MissingData, match=sentence):
        load("adbench/cardio", tmp_path)


def test_a_card_that_needs_a_file_names_it(tmp_path):
    with pytest.raises(MissingData, match=r"odds/wine: odds/wine\.mat is not in"):
        card("odds/wine", tmp_path)


def test_an_option_that_a_set_does_not_have_is_refused():
    with pytest.raises(ValueError, match="wine has no option 'size' to set; it has: none"):
        find("wine?size=3")


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("adbench/ionosphere", "adbench/Ionosphere"),
        ("MNIST/3", "mnist/3"),
        ("Wine", "wine"),
        ("MVTec/Bottle?size=64", "mvtec/bottle?size=64"),
        ("OpenML/kin8nm?normal=A", "openml/kin8nm?normal=A"),
        ("FILE:Claims.csv?label=y", "file:Claims.csv?label=y"),
    ],
)
def test_a_name_is_found_in_any_case(name, canonical):
    assert find(name).name == canonical
    assert find(name).options == find(canonical).options


def test_a_pattern_matches_in_any_case():
    assert set(matching("ADBENCH/i*")) == {"adbench/Ionosphere", "adbench/InternetAds"}
    assert matching("Odds/wi?e") == ("odds/wine",)


def test_no_two_names_differ_in_case_alone():
    assert len({name.casefold() for name in names()}) == len(names())


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("nsl-kdd", {"nsl-kdd/KDDTrain+.txt": "x,tcp" + ",0" * 41, "nsl-kdd/KDDTest+.txt": "0"}),
        ("nsl-kdd", {f"nsl-kdd/KDD{part}+.txt": "x,tcp" + ",0" * 41 for part in ("Train", "Test")}),
        ("arrhythmia", {"arrhythmia/arrhythmia.data": "a" + ",0" * 279}),
        ("arrhythmia", {"arrhythmia/arrhythmia.data": "\xff" + ",0" * 279}),
    ],
)
def test_a_message_of_a_library_comes_with_the_file(tmp_path, name, files):
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(f"{text}\n".encode("latin-1"))
    with pytest.raises(WrongData, match=rf"{tmp_path}/{next(iter(files)).partition('/')[0]}/\w+"):
        load(name, tmp_path)
