"""Planning: the rows a suite asks for, their keys, and the jobs that make what is missing."""

import dataclasses
import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.plan import planning
from bench.plan.costs import Costs
from bench.plan.job import Limits
from bench.plan.suite import SuiteError, build
from bench.store.codeid import file_digest
from bench.store.records import FAILURES, Wanted
from datasets.families.images import textures

LIMITS = Limits(60, 1024)


def suite_of(*detectors, **parts):
    content = {"name": "s", "title": "s", "datasets": ["wine"], "seeds": 2, **parts}
    return build({**content, "detectors": list(detectors)}, "test")


def wanted_by(*detectors, **parts) -> list[Wanted]:
    return planning.wanted_rows(suite_of(*detectors, **parts), "cpu")


def keys(rows) -> set[str]:
    return {row.key for row in rows}


(LOF,) = wanted_by("lof", seeds=1)


@pytest.mark.parametrize(
    ("ingredient", "value"),
    [
        ("spec", "knn"),
        ("settings", {"n_neighbors": 20}),
        ("data_sha256", "0" * 64),
        ("protocol", "official"),
        ("scaler", "minmax"),
        ("seed", 1),
        ("device", "cuda"),
        ("code_id", "0" * 64),
        ("pixels_id", "0" * 64),
        ("volumes_id", "0" * 64),
    ],
)
def test_each_ingredient_changes_the_key(ingredient, value):
    assert getattr(LOF, ingredient) != value
    assert replace(LOF, **{ingredient: value}).key != LOF.key


def test_labels_and_what_follows_from_the_rest_do_not_change_the_key():
    others = {"label": "x", "family": "deep", "dataset": "alias", "dataset_family": "x"}
    assert replace(LOF, **others, model="x", transductive=True).key == LOF.key
    ingredients = {"spec", "settings", "data_sha256", "protocol", "scaler", "seed", "device"}
    ingredients |= {"code_id", "pixels_id", "volumes_id"}
    outside = {*others, "model", "transductive"}
    fields = {part.name for part in dataclasses.fields(Wanted)}
    assert fields == ingredients | outside


def test_a_protocol_of_a_data_set_wants_the_rows_of_a_suite_with_that_protocol():
    own = {"name": "textures/stripes", "protocol": ["official", "one-class"]}
    mixed = wanted_by("lof", datasets=["wine", own])
    apart = wanted_by("lof", datasets=["wine"]) + [
        row
        for protocol in own["protocol"]
        for row in wanted_by("lof", datasets=[own["name"]], protocol=protocol)
    ]
    assert [row.key for row in mixed] == [row.key for row in apart]


def test_settings_make_one_key_whatever_their_order_and_defaults_spelt_out_are_explicit():
    one = {"spec": "lof", "settings": {"n_neighbors": 5}}
    first = {"spec": "ae+lof", "settings": {"epochs": 2, "head": {"n_neighbors": 5}}}
    second = {"spec": "ae+lof", "settings": {"head": {"n_neighbors": 5}, "epochs": 2}}
    assert keys(wanted_by(first)) == keys(wanted_by(second))
    assert keys(wanted_by("lof")).isdisjoint(keys(wanted_by(one)))
    assert keys(wanted_by("vae")) == keys(wanted_by("vae:elbo"))


def test_limits_workers_and_folders_are_no_part_of_a_key(tmp_path):
    rows = wanted_by("lof", "ae")
    for data, limits, run in ((None, LIMITS, "a"), (tmp_path, Limits(1, 1), "b")):
        made = [row for job in planning.jobs(rows, data, limits, run) for row in job.wanted]
        assert keys(made) == keys(rows)


def test_a_suite_wants_every_detector_on_every_data_set_for_every_seed():
    rows = wanted_by("lof", "ae+lof", datasets=["wine", "digits/1"], seeds=[3, 5])
    assert len(rows) == len(keys(rows)) == 8
    assert {row.seed for row in rows} == {3, 5}
    assert {(row.spec, row.model, row.family) for row in rows} == {
        ("lof", "lof", "shallow"),
        ("ae+lof", "ae", "hybrid"),
    }
    assert {row.dataset_family for row in rows} == {"wine", "digits"}


def test_the_device_counts_for_models_that_take_one_alone():
    suite = suite_of("lof", "ae", "ae+lof", "pyod:VAE", "pyod:AE1SVM", "pyod:HBOS")
    on = {row.spec: row.device for row in planning.wanted_rows(suite, "cuda")}
    assert {spec for spec in on if on[spec] == "cuda"} == {
        "ae:reconstruction",
        "ae+lof",
        "pyod:VAE",
    }
    assert set(on.values()) == {"cpu", "cuda"}


def test_what_is_stored_is_not_missing_unless_its_status_is_to_be_tried_again():
    rows = wanted_by("lof", seeds=len(FAILURES) + 2)
    stored = {row.key: status for row, status in zip(rows, ["ok", *FAILURES], strict=False)}
    assert planning.missing(rows, stored) == rows[-1:]
    again = planning.missing(rows, stored, ["timeout", "error"])
    assert {stored.get(row.key, "missing") for row in again} == {"timeout", "error", "missing"}
    assert planning.missing(rows, {row.key: "ok" for row in rows}, FAILURES) == []


def test_read_outs_heads_and_seeds_of_a_model_are_one_job_and_other_settings_another():
    more = {"spec": "ae+lof", "settings": {"head": {"n_neighbors": 5}}}
    fewer = {"spec": "ae", "settings": {"epochs": 2}, "label": "brief"}
    rows = wanted_by("vae:kl", "ae", "ae+lof", more, "vae", fewer, "untrained-ae")
    jobs = planning.jobs(rows, None, LIMITS, "run")
    by_labels = {frozenset(row.label for row in job.wanted) for job in jobs}
    assert by_labels == {
        frozenset({"vae:kl", "vae:elbo"}),
        frozenset({"ae:reconstruction", "ae+lof", "ae+lof[head.n_neighbors=5]"}),
        frozenset({"brief"}),
        frozenset({"untrained-ae:reconstruction"}),
    }
    assert sum(len(job.wanted) for job in jobs) == len(rows)


def order_of(rows, costs=None) -> list[tuple[str, str]]:
    jobs = planning.jobs(rows, None, LIMITS, "run", costs)
    return [(job.wanted[0].spec, job.wanted[0].dataset) for job in jobs]


def test_baselines_small_data_sets_and_shallow_methods_come_first():
    rows = wanted_by("vae:kl", "lof", "random", datasets=["digits/1", "wine"], seeds=1)
    order = order_of(rows)
    assert set(order[:2]) == {("random", "wine"), ("random", "digits/1")}
    assert order.index(("lof", "digits/1")) < order.index(("vae:kl", "wine"))
    assert order.index(("vae:kl", "wine")) < order.index(("vae:kl", "digits/1"))


def test_what_stored_rows_took_outweighs_the_guess():
    slow, quick = wanted_by("lof", "vae:kl", seeds=1)
    stored = [
        {**vars(row), "fit_seconds": fit, "score_us": 1.0, "n_train": 60, "n_test": 100}
        for row, fit in ((slow, 9.0), (quick, 0.1))
    ]
    assert order_of([slow, quick]) == [("lof", "wine"), ("vae:kl", "wine")]
    assert order_of([slow, quick], Costs(stored)) == [("vae:kl", "wine"), ("lof", "wine")]


def test_modules_are_those_of_models_and_heads_with_what_they_preload():
    modules = planning.modules(["ae+kmeans", "knn", "pyod:HBOS"])
    assert {
        "detectors.deep.autoencoders.autoencoder",
        "detectors.shallow.kmeans",
        "detectors.shallow.neighbours",
    } <= {*modules}
    assert any(module.startswith("pyod.") for module in modules)


def test_importing_the_packages_and_planning_import_no_numeric_library(tmp_path):
    program = (
        "import sys, detectors, datasets, bench\n"
        "from bench.cli import lists\n"
        "from bench.plan import planning, suite\n"
        "from bench.plan.job import Limits\n"
        "told = suite.read('default')\n"
        "rows = planning.wanted_rows(told, 'cpu')\n"
        "planning.jobs(planning.missing(rows, {}), None, Limits(1, 1), 'run')\n"
        "planning.modules(row.spec for row in rows)\n"
        "[table() for table in lists.TABLES.values()]\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'mlflow', 'pyod', 'pandas', 'joblib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_a_data_set_that_only_its_files_describe_is_planned_apart_when_they_are_absent(tmp_path):
    suite = build(
        {"name": "x", "title": "x", "detectors": ["knn"], "seeds": 1,
         "datasets": ["wine", f"file:{tmp_path}/a.csv?label=y", f"file:{tmp_path}/b.csv?label=y"]},
        "x",
    )  # fmt: skip
    rows = planning.wanted_rows(suite, "cpu")
    assert len({row.key for row in rows}) == len(rows) == 3


def test_a_file_that_a_setting_names_counts_by_its_content(tmp_path):
    path = tmp_path / "weights.pth"
    settings = {"weights": str(path), "n_neighbors": 1}
    assert planning.with_digests(settings, ("weights",)) == settings  # it is not there
    keys = set()
    for content in (b"one", b"two"):
        path.write_bytes(content)
        file_digest.cache_clear()
        (row,) = wanted_by({"spec": "backbone:resnet18", "settings": settings}, seeds=1)
        digest = hashlib.sha256(content).hexdigest()
        assert row.settings == settings | {"weights": f"{path}#sha256={digest}"}
        keys.add(row.key)
    assert len(keys) == 2


def test_what_a_card_declares_stands_in_the_settings_of_its_rows():
    declared = {"spec": "ae", "settings": {"augment": "declared", "epochs": 3}}
    sets = ["textures/stripes", "textures/weave", "wine"]
    rows = wanted_by(declared, datasets=sets, seeds=1)
    assert [row.settings.get("augment") for row in rows] == ["flips", "flips-rotations", None]
    assert {row.label for row in rows} == {"ae:reconstruction[augment=declared, epochs=3]"}
    plain = {"spec": "ae", "settings": {"epochs": 3}}
    assert len(keys(wanted_by(plain, declared, datasets=sets, seeds=1))) == 6
    flips = {"spec": "ae", "settings": {"augment": "flips", "epochs": 3}}
    assert keys(wanted_by(flips, datasets=sets[:1], seeds=1)) == {rows[0].key}
    users = {"spec": "tests/helpers/companions.py:Lazy", "settings": {"augment": "declared"}}
    assert wanted_by(users, datasets=sets[:1], seeds=1)[0].settings == {"augment": "declared"}


def test_the_same_data_under_two_names_are_refused(tmp_path):
    textures.write("grain", tmp_path / "parts")
    plain = f"folder:{tmp_path / 'parts'}?size=16"
    with pytest.raises(SuiteError, match=r"parts\?size=16 and .*flips are the same data; keep one"):
        wanted_by("pca", datasets=[plain, f"{plain}&symmetries=flips"])
