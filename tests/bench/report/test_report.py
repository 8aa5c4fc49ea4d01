"""The page of results: what it answers, what it is made of, and that it needs nothing else."""

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from bench.boards import board
from bench.boards.rows import frame_of
from bench.boards.words import MARKS, TYPES
from bench.metrics import scored
from bench.plan import planning
from bench.plan.suite import build
from bench.render import figures, palette
from bench.render.tables import matrix
from bench.report import curves, depth, sections
from bench.report.page import render
from bench.report.rows import as_stored, chosen_rows
from bench.store.invocations import Profile
from bench.store.records import Row
from bench.store.store import Store
from datasets import find
from tests.helpers.boards_made_up import rows_of

EVIL = "<script>window.harm = 1</script>"
WORSE = "</script><img src=x onerror='window.harm = 2'>"
SUITE = build(
    {
        "name": "small",
        "title": f"Small {EVIL}",
        "datasets": ["wine", "breast-cancer", "digits/3", "digits/4"],
        "seeds": 2,
        "detectors": [
            "knn", "pca", {"spec": "lof", "label": EVIL, "settings": {"n_neighbors": 7}},
            {"spec": "ae", "label": "ae"}, "ae+lof", "random", "mean-distance",
        ],
    },
    "small",
)  # fmt: skip
COSTS = {
    "fit_seconds": 0.1, "model_fit_seconds": 0.1, "fit_wall_seconds": 0.1, "model_rows": 1,
    "score_us": 5.0, "peak_mib": 1.0, "parameters": None,
}  # fmt: skip
ORIGIN = {"commit": "abc", "dirty": True, "date": "2026-01-01", "suite": "small",
          "machine": WORSE, "versions": {"numpy": "2"}}  # fmt: skip


def made_row(wanted, shift):
    """A row whose anomalies lie `shift` above its normals; pca fails on wine."""
    if wanted.label == "pca" and wanted.dataset == "wine":
        details = {"traceback": f"Traceback\n{WORSE}"}
        return Row(wanted, "error", WORSE, {"n_train": 9}, details=details, provenance=ORIGIN)
    rng = np.random.default_rng([wanted.seed, len(wanted.dataset), len(wanted.label)])
    truth = (np.arange(60) < 15).astype(np.int8)
    scores = rng.normal(size=60) + shift * truth
    curve = {"epochs": 3, "loss": [3.0, 2.0, 1.0 + wanted.seed]} if "ae" in wanted.label else {}
    return Row(
        wanted, "ok", sizes={"n_train": 40, "n_test": 60, "n_anomalies": 15},
        metrics=scored.compute(truth, scores), costs=COSTS, provenance=ORIGIN,
        details={"diagnostics": curve}, scores=scores, truth=truth,
        effective_settings={"n_jobs": 1, **wanted.settings},
    )  # fmt: skip


@pytest.fixture(scope="module")
def wanted():
    return planning.wanted_rows(SUITE, "cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory, wanted):
    folder = tmp_path_factory.mktemp("report")
    store = Store(folder)
    shifts = {"random": 0.0, "knn": 1.5, "ae": 2.0}
    for row in wanted:
        store.add(made_row(row, shifts.get(row.label, 1.0)))
    yield store
    store.close()


@pytest.fixture(scope="module")
def rows(store, wanted):
    return frame_of(wanted, store.records())[0]


@pytest.fixture(scope="module")
def page(rows, store):
    made = board.build(rows, title=SUITE.title)
    return render(made, rows, store.scores, store.details)


def test_sheets_stand_below_their_data_set_and_only_pages_with_sheets_may_show_pictures(
    rows, store, page
):
    made = board.build(rows, title="one")
    sheets = {"digits/3": [(EVIL, "seed 0", b"a picture")]}
    text = render(made, rows, store.scores, store.details, sheets=sheets)
    (at,) = [i for i, (tag, _) in enumerate(Elements(text).found) if tag == "img"]
    before = [attrs["id"] for _, attrs in Elements(text).found[:at] if "id" in attrs]
    names = list(made.datasets["dataset"])
    assert before[-1] == f"dataset-{names.index('digits/3')}"
    assert Elements(text).found[at][1]["src"] == "data:image/png;base64,YSBwaWN0dXJl"
    assert EVIL not in text
    assert "img-src data:;" in text
    assert "img-src" not in page


def answer_of(rows):
    return depth.answer(*(board.build(rows, metric=name, title="") for name in depth.METRICS))


def shifted(rows, gain):
    """The rows with the AUROC of ae that of knn plus gains (data sets,)."""
    rows = rows.copy()
    of = dict(zip(sorted(set(rows.dataset)), gain, strict=True))
    knn = rows[rows.label == "knn"].set_index(["dataset", "seed"]).auroc
    for i in rows.index[rows.label == "ae"]:
        rows.loc[i, "auroc"] = knn[rows.dataset[i], rows.seed[i]] + of[rows.dataset[i]]
    rows.loc[~rows.label.isin(["knn", "ae"]), "auroc"] = 0.1
    return rows


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_page_refers_to_nothing_outside_itself(page):
    elements = Elements(page).found
    assert {"table", "details", "script", "style"} <= {tag for tag, _ in elements}
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in elements}
    targets = {attributes.get("id") for _, attributes in elements}
    for tag, attributes in elements:
        assert not {"src", "srcset", "action"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        if "href" in attributes:
            assert attributes["href"].startswith("#")
            assert attributes["href"][1:] in targets
    style = page[page.index("<style>") : page.index("</style>")]
    assert not re.search(r"@import|url\(", style)


def test_words_of_users_stand_as_text_everywhere(page):
    assert page.count("<script") == 2
    assert "<img" not in page
    assert page.count("&lt;script&gt;window.harm = 1") > 5
    assert "&lt;/script&gt;&lt;img src=x" in page


def test_failures_have_a_reason_a_traceback_and_a_command_to_see_more(page, rows):
    failed = rows[rows.status == "error"]
    assert len(failed) == 2
    failures = page[page.index('id="failures"') :]
    assert "error on 2 rows" in failures
    assert re.search(rf"bench debug ({'|'.join(key[:8] for key in failed.key)})<", failures)
    assert "Traceback\n&lt;/script&gt;" in failures


def test_failed_and_missing_cells_are_visible(page):
    heat = page[page.index('id="heat"') : page.index('id="costs"')]
    assert heat.count('<td class="absent">error</td>') == 1


def test_settings_losses_and_provenance_are_on_the_page(page, rows, store):
    assert "<dt>n_neighbors</dt><dd>7</dd>" in page
    assert '<dt>n_jobs</dt><dd>1 <span class="limits">default</span></dd>' in page
    assert "abc with uncommitted changes" in page
    fits = sections.fits(rows, store.details)
    assert set(fits) == {"ae", "ae+lof"}
    assert fits["ae"]["medians"] == {"epochs": 3}
    assert fits["ae+lof"]["curves"]["loss"]["wine"] == [(1, 3.0), (2, 2.0), (3, 1.5)]


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        ([0.04, 0.05, 0.04, 0.05], "Perhaps, on few data"),
        ([-0.04, -0.05, -0.04, -0.05], "Perhaps not, on few data"),
        ([-0.05, 0.05, 0.04, 0.06], "Not shown"),
        ([0.05, -0.05, -0.04, -0.06], "Not shown"),
    ],
)
def test_depth_pays_where_the_interval_of_the_paired_difference_is_above_zero(rows, gain, verdict):
    answer = answer_of(shifted(rows, gain))
    assert answer.verdict == verdict
    deep = next(one for one in answer.types["auroc"] if one.name == "deep")
    breast_cancer, *digits, wine = gain  # each family counts once
    assert_allclose(deep.gain, np.mean([breast_cancer, np.mean(digits), wine]))
    assert deep.gain_low < deep.gain < deep.gain_high


def test_the_answer_is_tentative_while_families_of_data_sets_are_few(rows):
    gain = [0.01, 0.02, 0.03, 0.05]
    few = shifted(rows, gain)
    copies = [
        few.assign(dataset=few["dataset"] + f"/{i}", dataset_family=few["dataset_family"] + f"/{i}")
        for i in range(4)
    ]
    many = answer_of(pd.concat(copies, ignore_index=True))
    assert many.verdict == "Yes"
    assert not any("tentative" in sentence for sentence in many.sentences)
    assert "3 families of data sets" in answer_of(few).sentences[-1]


def test_the_typical_detector_is_the_median_of_its_type(rows):
    rows = rows[rows.dataset != "wine"]  # where one of the three fails
    types = {one.name: one for one in answer_of(rows).types["auroc"]}
    assert types["shallow"].count == 3
    of_shallow = rows[rows.family == "shallow"]
    by_set = of_shallow.groupby(["dataset", "label"])["auroc"].mean().groupby("dataset").median()
    digits = by_set[["digits/3", "digits/4"]].mean()
    assert_allclose(types["shallow"].typical, np.mean([by_set["breast-cancer"], digits]))


@pytest.mark.parametrize("family", ["deep", "shallow"])
def test_without_one_of_the_two_nothing_is_said_about_depth(rows, family):
    answer = answer_of(rows[rows.family != family])
    assert answer.verdict == "Unknown"
    assert f"no {family} detector" in answer.sentences[0]


def test_one_row_is_not_enough_for_an_answer(rows, store):
    one = rows[(rows.dataset == "wine") & (rows.seed == 0)]
    assert answer_of(one).verdict == "Unknown: the difference has no interval"
    assert render(board.build(one, title="one"), one, store.scores, store.details)


def test_on_one_data_set_the_answer_is_that_of_its_test_set(rows, store):
    one = rows[rows.dataset == "breast-cancer"]
    boards = (
        board.build(one, metric=name, title="", scores=store.scores) for name in depth.METRICS
    )
    answer = depth.answer(*boards)
    deep = next(k for k in answer.types["auroc"] if k.name == "deep")
    assert deep.low < deep.value < deep.high
    assert deep.gain_low < deep.gain < deep.gain_high
    assert answer.verdict in ("Not shown", "Perhaps, on few data", "Perhaps not, on few data")
    assert any("By chance-adjusted AP there is no answer" in each for each in answer.sentences)


def test_a_page_is_made_where_nothing_is_ok(rows, store):
    failed = rows.assign(status="timeout", reason="too slow")
    text = render(board.build(failed, title="none"), failed, store.scores, store.details)
    assert "Unknown" in text
    assert "timeout on 8 rows" in text


def test_rows_of_other_code_are_shown_as_stored_and_said_to_be(wanted, store):
    theirs = [{**record, "key": record["key"][::-1]} for record in store.records()]
    again = [{**record, "provenance": {**ORIGIN, "date": "2025"}} for record in theirs]
    rows, older, notice = chosen_rows("small", wanted, [*theirs, *again])
    assert "other code, versions or data" in notice
    assert (len(rows), older) == (len(wanted), len(wanted))
    assert set(rows.date) == {"2026-01-01"}
    assert chosen_rows("small", wanted, store.records())[2] == ""
    assert len(as_stored("small", theirs)[0]) == len(wanted)


def test_rows_of_other_code_with_two_scalers_are_shown_with_one_of_them(wanted, store):
    theirs = [{**record, "key": record["key"][::-1]} for record in store.records()]
    both = [*theirs, *({**record, "scaler": "robust"} for record in theirs)]
    rows, older, _ = chosen_rows("small", wanted, both)
    assert (set(rows.scaler), len(rows), older) == ({"standard"}, len(wanted), 0)
    rows, _, _ = as_stored("small", both, scaler="robust")
    assert set(rows.scaler) == {"robust"}
    message = "suite small have several scalers; choose one with --scaler: robust, standard"
    with pytest.raises(ValueError, match=message):
        as_stored("small", both)
    message = "no row of the suite small has the scaler minmax; there are: robust, standard"
    with pytest.raises(ValueError, match=message):
        as_stored("small", both, scaler="minmax")


def example(n_anomalies, n_normals, shift, rng):
    y = np.arange(n_anomalies + n_normals) < n_anomalies
    return y.astype(np.int8), rng.normal(size=len(y)) + shift * y


def test_the_areas_under_the_curves_are_the_printed_values():
    rng = np.random.default_rng(0)
    for _ in range(50):
        seeds = [example(int(rng.integers(5, 80)), 200, rng.uniform(0, 3), rng) for _ in range(3)]
        found = [scored.compute(y, np.round(scores, 1)) for y, scores in seeds]
        made = curves.average([(y, np.round(scores, 1)) for y, scores in seeds])
        area = np.trapezoid(made.roc[0], curves.FALSE_POSITIVE_RATES)
        assert_allclose(area, np.mean([f["auroc"] for f in found]), atol=0.01)
        area = np.mean(made.pr[0][1:])
        assert_allclose(area, np.mean([f["average_precision"] for f in found]), atol=0.02)
        for middle, low, high in (made.roc, made.pr):
            assert (low <= middle + 1e-9).all()
            assert (middle <= high + 1e-9).all()
        assert_allclose(made.scores.sum(axis=1), 1)


def test_limits_hold_the_true_roc_curve_at_about_95_percent_of_points():
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    rates = curves.FALSE_POSITIVE_RATES[[10, 20, 30, 45]]
    true = norm.sf(norm.isf(rates) - 2)
    held = [
        (low <= true) & (true <= high)
        for _ in range(400)
        for _, low, high in [curves.average([example(20, 200, 2, rng)]).roc[:, [10, 20, 30, 45]]]
    ]
    assert (np.mean(held, axis=0) > 0.9).all()
    assert np.mean(held) < 0.99


@pytest.mark.parametrize(
    ("y", "scores"), [([0, 1], [0.0, 1.0]), ([0, 0, 1], [1.0, 1.0, 1.0]), ([1, 1, 0], [0, -1, 1e9])]
)
def test_curves_of_few_or_tied_or_extreme_scores_are_finite(y, scores):
    made = curves.average([(np.array(y, np.int8), np.array(scores, float))])
    for part in (made.roc, made.pr, made.scores):
        assert np.isfinite(part).all()
    assert len(made.packed()) == 2 * sum(part.size for part in (made.roc, made.pr, made.scores))


def test_perfect_and_random_scores_have_known_curves():
    y = np.repeat([0, 1], 50).astype(np.int8)
    perfect = curves.average([(y, y.astype(float))])
    assert (perfect.roc[0] == 1).all()
    assert (perfect.pr[0] == 1).all()
    half = curves.average([(np.array([1, 0, 1, 0], np.int8), np.array([4.0, 3.0, 2.0, 1.0]))])
    assert_allclose(half.pr[0], np.where(curves.RECALLS <= 0.5, 1, 2 / 3))
    constant = curves.average([(y, np.zeros(100))])
    assert_allclose(constant.roc[0], curves.FALSE_POSITIVE_RATES)
    assert_allclose(constant.pr[0], 0.5)


def test_the_command_writes_the_page_of_a_folder(bench, store, tmp_path):
    folder, output = store.path.parent, tmp_path / "page.html"
    run = bench("report", "small", "--results", folder, "--output", output)
    assert run.wait() == 0, run.stderr
    assert run.stdout == f"{output}\n"
    assert "installed here" in output.read_text()  # of a suite that is not known here
    run = bench("report", "smoke", "--results", folder)
    assert run.wait() == 0, run.stderr
    assert (folder / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("smoke", "--protocol", "official"),
            "bench: no row of the suite smoke is stored; there are rows of: small",
        ),
        (
            ("smoke", "--seeds", "2", "--scaler", "robust"),
            "bench: no row of the suite smoke is stored; there are rows of: small",
        ),
        (("small", "--scaler", "robust"), "bench: no row of the suite small has the scaler"),
        (("smokee",), "bench: unknown suite or run 'smokee'; did you mean smoke?"),
        (("small", "--output", "absent/page.html"), "bench: cannot write absent/page.html: No"),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(bench, store, arguments, message):
    run = bench("report", *arguments, "--results", store.path.parent)
    assert run.wait() == 2
    assert run.stderr.startswith(message)
    assert run.stderr.count("\n") == 1


def carried(page):
    """The numbers that a page carries; none of them is NaN or infinite."""
    (text,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)

    def refuse(word):
        raise AssertionError(word)

    return json.loads(text, parse_constant=refuse)


def test_where_all_curves_are_too_many_those_of_the_best_of_each_type_stay(
    rows, store, monkeypatch
):
    made = board.build(rows, title="")
    monkeypatch.setattr("bench.report.chart_data.MAX_CURVES", 5 * 4)
    numbers = carried(render(made, rows, store.scores, store.details))
    assert numbers["left_out"] == 2
    for dataset in numbers["datasets"]:
        assert len(dataset["detectors"]) == 5
        assert set(numbers["chosen"]) <= set(dataset["detectors"])


def test_numbers_that_are_not_there_are_null(rows, store):
    blank = rows.assign(fit_seconds=np.nan, score_us=pd.NA)
    text = render(board.build(blank, title=""), blank, store.scores, store.details)
    numbers = carried(text)
    assert {d["fit_seconds"] for d in numbers["detectors"]} == {None}


@pytest.mark.parametrize("name", ["wine", "mvtec/bottle", "kddcup99"])
def test_a_card_says_of_duplicates_what_is_known(name):
    board = SimpleNamespace(protocol="one-class", datasets=pd.DataFrame({"dataset": [name]}))
    facts = find(name).facts
    known = facts is not None and facts.duplicates is not None
    assert (sections.cards(board)[name]["duplicates"] or None) == ("0" if known else None)


def test_the_front_of_the_page_is_that_of_the_figures(page, rows):
    data = carried(page)
    labels = [d["label"] for d in data["detectors"]]
    for cost, places in data["fronts"].items():
        front = [labels[i] for i in places]
        assert front == figures.front(board.build(rows, title=""), cost)
        assert front
        assert "random" not in front


def test_page_and_figures_have_one_palette(page):
    for family, kind in TYPES.items():
        colours = f"{palette.LIGHT[family]}, {palette.DARK[family]}"
        assert f"--{kind}: light-dark({colours});" in page
    assert "The bluer a cell" in page


@pytest.mark.parametrize(
    ("protocol", "n_issues"), [("one-class", 2), ("official", 3), ("official(max_train=9)", 3)]
)
def test_an_issue_of_the_official_split_is_left_out_under_another(protocol, n_issues):
    shown = SimpleNamespace(protocol=protocol, datasets={"dataset": ["textures/stripes"]})
    (card,) = sections.cards(shown).values()
    assert len(card["known_issues"]) == n_issues


def test_scores_that_may_be_inverted_are_marked_where_their_value_stands():
    rows = rows_of({"a": "deep", "b": "shallow"}, auroc={"a": 0.06, "b": 0.9})
    made = board.build(rows, title="t")
    assert all(row[1].tail == MARKS["inverted"] for row in sections.worst(made)["a"].rows)
    assert {cell.tail for cell in matrix(made).rows[0][1:]} == {""}
    assert {cell.tail for cell in matrix(made).rows[1][1:]} == {MARKS["inverted"]}


def test_the_page_adds_up_the_profiles_of_the_runs_that_made_its_rows(rows, store):
    runs = ["one", "two"] * len(rows)
    rows = rows.assign(provenance=[{"run": run} for run in runs[: len(rows)]])
    profiles = {"one": Profile(30, {"fit": 2.0}), "two": Profile(10, {"fit": 4.0, "load": 2.0})}
    profiles["of another suite"] = Profile(1000, {"fit": 99.0})
    table = sections.spent(rows, profiles)
    assert [line[:4] for line in table.texts() if line[0] in ("fit", "load")] == [
        ["load", "2.0", "25%", "50.0"], ["fit", "6.0", "75%", "150.0"],
    ]  # fmt: skip
    made = board.build(rows, title=SUITE.title)
    page = render(made, rows, store.scores, store.details, profiles=profiles)
    assert "Where the time went" in page
    assert "Of the run of 40 rows" in page
    assert sections.spent(rows, {"of another suite": profiles["of another suite"]}) is None
