"""A metric over the versions of the code: one line holds one detector, setting and content."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from bench.history.timeline import history
from bench.render.documents.timeline import draw, page
from bench.render.figures import write_as_named
from bench.store.store import Store
from tests.helpers.rows_made_up import CODE, made_up, store_rows

RNG = np.random.default_rng(0)


def version(number: int, auroc: float, datasets=("wine", "glass"), **parts) -> list:
    """Return rows of one version of the code, three seeds on each data set."""
    provenance = {"commit": f"{number}" * 40, "date": f"2026-01-0{number}T00:00:00+00:00"}
    provenance |= parts.pop("provenance", {})
    return [
        made_up(
            auroc + 0.001 * RNG.normal(),
            seed=seed,
            dataset=name,
            dataset_family=name,
            provenance=provenance,
            **{"data_sha256": name.ljust(64), "code_id": f"code {number}", **parts},
        )
        for name in datasets
        for seed in range(3)
    ]


def lines(*rows, detector=None, dataset=None, metric="auroc"):
    return history([row.record() for row in rows], detector, dataset, metric)


def test_a_history_of_an_empty_store_says_that_no_row_is_stored():
    for detector in (None, "knn"):
        with pytest.raises(ValueError, match="no row is stored; run `bench run` first"):
            lines(detector=detector)


def test_versions_stand_in_order_with_their_steps():
    (line,) = lines(*version(2, 0.8), *version(1, 0.9), *version(3, 0.8))
    assert [point.commit for point in line.points] == ["1111111", "2222222", "3333333"]
    steps = [point.step.verdict if point.step else None for point in line.points]
    assert steps == [None, "worse", "same"]
    assert line.points[0].value.mean == pytest.approx(0.9, abs=0.01)
    assert line.points[0].value.low < 0.9 < line.points[0].value.high <= 1
    assert (line.datasets, line.notes) == (("glass", "wine"), ())


def by_loader(number: int, run: str, datasets=("wine", "glass"), commit: int = 1) -> list:
    """Return rows of a run, whose code ids differ between data sets, as those of real rows do."""
    provenance = {"run": run, "commit": f"{commit}" * 40, "dirty": True}
    return [
        row
        for name in datasets
        for row in version(
            number, 0.9, [name], code_id=f"code {number} of {name}", provenance=provenance
        )
    ]


@pytest.mark.parametrize(
    ("later", "n_versions"),
    [
        ([], 1),
        (by_loader(1, "later", ["iris"]), 1),
        (by_loader(1, "later", ["wine"], commit=2), 1),
        (by_loader(2, "later"), 2),
        (by_loader(2, "later") + by_loader(1, "last", commit=3), 2),
    ],
    ids=["none", "more data", "another commit", "other code", "a return"],
)
def test_a_run_is_one_version_unless_the_code_of_a_data_set_is_another(later, n_versions):
    (line,) = lines(*by_loader(1, "first"), *later)
    assert len(line.points) == n_versions
    assert set(line.datasets) >= {"wine", "glass"}
    assert line.notes == ()


def with_pixels(rows, pixels_id, aupro):
    """Return the rows with a metric of pixels, computed by one version of the code."""
    return [
        replace(r, wanted=replace(r.wanted, pixels_id=pixels_id), metrics={**r.metrics, **aupro})
        for r in rows
    ]


def test_metrics_of_pixels_have_a_point_for_every_version_that_judges_them():
    old = with_pixels(version(1, 0.9), "a", {"aupro": 0.5})
    new = with_pixels(version(1, 0.9, provenance={"run": "later"}), "b", {"aupro": 0.7})
    (line,) = lines(*old, *new, *version(1, 0.9), metric="aupro")
    assert [point.value.mean for point in line.points] == pytest.approx([0.5, 0.7])
    (plain,) = lines(*old, *new)  # of the scores of samples it is one version, and as many rows
    (alone,) = lines(*new)
    assert len(plain.points) == 1
    assert plain.points[0].value == alone.points[0].value
    with pytest.raises(ValueError, match="no stored row of pca has aupro"):
        lines(*version(1, 0.9), detector="pca", metric="aupro")


@pytest.mark.parametrize(
    ("other", "under"),
    [
        ({"protocol": "official"}, "official, standard, cpu"),
        ({"scaler": "none"}, "one-class, none, cpu"),
        ({"settings": {"n_components": 2}}, 'one-class, standard, cpu, {"n_components":2}'),
    ],
)
def test_other_protocols_and_settings_are_other_lines(other, under):
    made = lines(*version(1, 0.9), *version(2, 0.8, **other))
    assert len(made) == 2
    assert under in [line.under for line in made]
    assert all(len(line.points) == 1 for line in made)


def test_data_that_changed_are_left_out_of_a_line_over_all_and_said():
    changed = version(2, 0.8, ["wine"]) + version(2, 0.5, ["glass"], data_sha256="new".ljust(64))
    (line,) = lines(*version(1, 0.9), *changed)
    assert line.datasets == ("wine",)
    assert line.points[1].value.mean == pytest.approx(0.8, abs=0.01)
    told = "left out, since not every version has them with this content: glass"
    assert line.notes == (told,)


def test_on_one_data_set_each_content_is_a_line_that_names_it():
    changed = version(2, 0.5, ["glass"], data_sha256="0123456789".ljust(64))
    made = lines(*version(1, 0.9), *changed, dataset="glass")
    assert [line.under for line in made] == [
        "one-class, standard, cpu, data 01234567",
        "one-class, standard, cpu, data glass   ",
    ]


def test_a_version_on_few_data_sets_does_not_shrink_the_line():
    many = [f"set {i}" for i in range(5)]
    (line,) = lines(*version(1, 0.9, many), *version(2, 0.8, many[:1]), *version(3, 0.9, many))
    assert [point.commit for point in line.points] == ["1111111", "3333333"]
    assert line.notes == ("left out: 2222222, on 1 of 5 data sets",)


def test_a_version_that_fails_has_no_point_and_the_next_step_is_from_the_one_before():
    (line,) = lines(*version(1, 0.9), *version(2, 0, status="error"), *version(3, 0.8))
    assert [point.commit for point in line.points] == ["1111111", "3333333"]
    assert line.points[1].step.verdict == "worse"


def test_a_detector_whose_rows_all_fail_is_said_to():
    told = page(lines(*version(1, 0, status="error")), "auroc").tables[0].notes[0]
    assert told.startswith("pca: no row is ok, over 2 data sets")


def test_changes_that_were_not_committed_are_marked():
    (line,) = lines(*version(1, 0.9, provenance={"dirty": True}))
    assert line.points[0].commit == "1111111+"


def test_versions_of_the_users_file_differ_by_its_digest_if_not_by_a_commit(tmp_path):
    files = [{"mine.py": "a" * 12}, {"mine.py": "b" * 12}]
    made = [
        version(
            i,
            0.9,
            code=CODE | {"files": CODE["files"] | own},
            provenance={"commit": "", "run": f"run {i}"},
        )
        for i, own in enumerate(files, 1)
    ]
    store_rows(tmp_path, *made[0], *made[1])
    with closing(Store(tmp_path)) as store:
        (line,) = history(list(store.records()), None, None, "auroc", details=store.details)
    first, second = (point.commit.removeprefix("no commit, file ") for point in line.points)
    assert len({first, second}) == 2
    assert len(first) == len(second) == 7


def test_unknown_names_get_the_nearest():
    rows = version(1, 0.9)
    with pytest.raises(ValueError, match=r"no stored row is of the detector 'pcaa'.*pca"):
        lines(*rows, detector="pcaa")
    with pytest.raises(ValueError, match=r"no such row is on the data set 'wines'.*wine"):
        lines(*rows, dataset="wines")
    with pytest.raises(ValueError, match="'prevalence' does not measure quality"):
        lines(*rows, metric="prevalence")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    store_rows(
        folder, *version(1, 0.9), *version(2, 0.7), *version(1, 0.6, label="knn", spec="knn")
    )
    return folder


def test_the_command_prints_steps(bench, results):
    ran = bench("history", "--results", results)
    assert ran.wait() == 0, ran.stderr
    assert "pca: auroc over 2 data sets; one-class, standard, cpu" in ran.stdout
    assert "\N{BLACK DOWN-POINTING TRIANGLE} worse" in ran.stdout
    assert "knn: ." in ran.stdout
    one = bench("history", "pca", "--dataset", "wine", "--results", results)
    assert one.wait() == 0
    assert "over wine" in one.stdout
    assert "knn" not in one.stdout


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_equal_rows_give_equal_files(tmp_path, suffix):
    made = lines(*version(1, 0.9), *version(2, 0.7))
    files = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for file in files:
        write_as_named(lambda: draw(made, "auroc"), file)
    a, b = (file.read_bytes() for file in files)
    assert a == b
    assert len(a) > 1000


def test_the_command_draws_where_it_is_asked_to(bench, results, tmp_path):
    ran = bench("history", "--figure", tmp_path / "history.svg", "--results", results)
    assert ran.wait() == 0, ran.stderr
    assert "<svg" in (tmp_path / "history.svg").read_text()


def test_a_figure_of_another_kind_is_bad_usage(bench, results):
    ran = bench("history", "--figure", "x.gif", "--results", results)
    assert ran.wait() == 2
    assert ran.stderr == "bench: --figure 'x.gif' ends in '.gif'; accepted are .pdf, .svg, .png\n"
