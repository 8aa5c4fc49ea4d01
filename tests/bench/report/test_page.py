"""The page of results as a reader has it: in Chromium, by mouse and by keyboard."""

import numpy as np
import pytest

from bench.boards import board
from bench.boards.rows import frame_of
from bench.metrics import scored
from bench.plan import planning
from bench.plan.suite import build
from bench.render import palette
from bench.report.page import render
from bench.store.records import Row
from bench.store.store import Store
from tests.helpers.browser import EXECUTABLE, browser

pytestmark = pytest.mark.skipif(
    EXECUTABLE is None, reason="no Chromium here; install it to test the page in a browser"
)
EVIL = "<img src=x onerror='window.harm = 1'>"
EVIL_TOO = "</script><img src=x onerror='window.harm = 2'>"
SUITE = build(
    {
        "name": "small", "title": EVIL_TOO, "seeds": 2,
        "datasets": ["wine", "digits/3", "digits/4", "breast-cancer"],
        "detectors": [
            "knn", "pca", {"spec": "lof", "label": EVIL}, {"spec": "ae", "label": "ae"}, "ae+lof",
            "random",
        ],
    },
    "small",
)  # fmt: skip
SHIFTS = {"knn": 3, "ae": 2, "pca": 1.5, EVIL: 1, "ae+lof": 0.5, "random": 0}
ORDER = list(SHIFTS)  # by AUROC
NAMES = """[...document.querySelectorAll('#leaderboard tbody tr')].filter(row => !row.hidden)
    .map(row => row.querySelector('th').textContent.replace(/[°†]/g, ''))"""


def made_row(wanted):
    rng = np.random.default_rng(wanted.seed)
    truth = (np.arange(200) < 40).astype(np.int8)
    scores = rng.normal(size=200) + SHIFTS[wanted.label] * truth
    seconds = 0.1 * (1 + ORDER.index(wanted.label))
    return Row(
        wanted, "ok", sizes={"n_train": 90, "n_test": 200, "n_anomalies": 40},
        metrics=scored.compute(truth, scores),
        costs={"fit_seconds": seconds, "score_us": 5, "model_rows": 1, "fit_wall_seconds": seconds,
               "peak_mib": 1, "parameters": None},
        details={"diagnostics": {"loss": [3.0, 2.0, 1.5]}} if wanted.model == "ae" else {},
        provenance={"machine": EVIL_TOO}, scores=scores, truth=truth,
    )  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    store, wanted = Store(folder), planning.wanted_rows(SUITE, "cpu")
    for row in wanted:
        store.add(made_row(row))
    rows, _ = frame_of(wanted, store.records())
    text = render(board.build(rows, title=SUITE.title), rows, store.scores, store.details)
    store.close()
    (folder / "report.html").write_text(text, encoding="utf-8")
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as window:
        yield window


@pytest.fixture
def page(window, address):
    """The page, fresh; after each test nothing was complained of, and nothing else asked for."""
    window.show()
    window.open(address)
    yield window
    assert window("window.harm") is None
    assert window.problems == []
    assert window.requests == [address]


def settle(page):
    """Wait until events that a script caused are handled."""
    page("new Promise(done => setTimeout(done, 50))")


def test_figures_are_drawn_and_words_of_users_are_only_shown(page):
    assert page("document.querySelectorAll('#costs svg .point').length") == 2 * 5
    assert "Below the axis: random" in page("document.getElementById('costs').textContent")
    page("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    settle(page)
    assert EVIL in page("document.querySelector('#costs svg').textContent") or EVIL in page(NAMES)
    assert page("document.querySelectorAll('#differences svg').length") == 2
    assert page("document.querySelectorAll('img').length") == 0
    assert page("document.querySelectorAll('.losses svg').length") == 2 * len(SUITE.datasets)


def test_a_script_that_is_not_the_page_s_own_would_not_run_and_could_send_nothing(page):
    page("""(() => { const script = document.createElement('script');
         script.textContent = 'window.harm = 3'; document.body.append(script); })()""")
    assert page("fetch('http://127.0.0.1:9').then(() => 'sent', () => 'refused')") == "refused"
    assert all("Content Security Policy" in problem for problem in page.problems)
    assert len(page.problems) > 1
    page.problems.clear()


def test_a_click_on_a_head_sorts_and_another_turns_the_order(page):
    head = "[...document.querySelectorAll('#leaderboard thead button')]"
    click = f"{head}.find(b => b.textContent.startsWith('%s')).click()"
    page(click % "AUROC")
    assert page(NAMES) == ORDER
    page(click % "AUROC")
    assert page(NAMES) == ORDER[::-1]
    page(click % "fit s")
    assert page(NAMES) == ORDER
    page(click % "detector")
    assert page(NAMES) == sorted(ORDER, key=str.lower)
    assert page("document.querySelectorAll('#leaderboard [aria-sort]').length") == 1


def test_the_leaderboard_is_sorted_by_keyboard(page):
    page("document.querySelectorAll('#leaderboard thead button')[3].focus()")
    page.press("Tab")
    assert page("document.activeElement.textContent") == "AUROC 95 %"
    page.press("Enter")
    page.press("Enter")
    assert page(NAMES) == ORDER[::-1]


def test_the_arrows_walk_from_point_to_point_and_describe_each(page):
    page("document.querySelector('#costs svg .point').focus()")
    page.press("ArrowRight")
    assert page("document.querySelectorAll('.tip').length") == 1
    assert page("document.querySelector('.tip').textContent").startswith("ae: AUROC ")
    assert page("document.querySelectorAll('#costs .point[tabindex=\"0\"]').length") == 2


def test_the_leaderboard_is_filtered_by_name_and_type(page):
    page("""(() => { const search = document.getElementById('search'); search.value = 'LOF';
         search.dispatchEvent(new Event('input', { bubbles: true })); })()""")
    assert set(page(NAMES)) == {EVIL, "ae+lof"}
    page("document.querySelector('.filter input[value=hybrid]').click()")
    assert page(NAMES) == [EVIL]
    assert page("document.getElementById('shown').textContent") == "1 of 6 shown"


def test_a_data_set_opens_by_keyboard_and_shows_the_curves_of_the_detectors_chosen(page):
    page("document.querySelector('#dataset-2 summary').focus()")
    page.press("Enter")
    settle(page)
    lines = "document.querySelectorAll('#dataset-2 figure svg .line').length"
    assert page(lines) == 2 * 4  # ROC and PR of the best of each type
    legend = "document.querySelectorAll('#dataset-2 .legend tbody tr').length"
    bands = "document.querySelectorAll('#dataset-2 figure svg .band').length"
    assert page(bands) == 2 * 2  # of the best shallow and the best deep one
    page("""(() => { const select = document.querySelector('#dataset-2 select');
         select.selectedIndex = 1; select.dispatchEvent(new Event('change')); })()""")
    assert page(lines) == 2 * 5
    page("document.querySelector('#dataset-2 .legend tbody button').click()")
    assert (page(lines), page(legend), page(bands)) == (2 * 4, 4, 2)
    page("document.querySelector('#dataset-2 .legend tbody input').click()")
    assert page(bands) == 0


def test_a_curve_starts_and_ends_where_a_roc_curve_does(page):
    page("document.getElementById('dataset-0').open = true")
    settle(page)
    drawn = page("document.querySelector('#dataset-0 figure svg .line').getAttribute('d')")
    points = [tuple(map(float, part.split())) for part in drawn[1:].split("L")]
    assert points[0][0] == 40  # no false positive, nothing found
    assert points[0][1] == max(y for _, y in points)
    assert points[-1] == (max(x for x, _ in points), 26)
    heights = [y for _, y in points]
    assert heights == sorted(heights, reverse=True)


def test_a_link_to_a_data_set_opens_it(page):
    page("document.querySelector('.heat thead a').click()")
    settle(page)
    assert page("document.getElementById('dataset-0').open")


def test_the_theme_follows_the_reader_and_can_be_switched(page):
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page(paper)
    page("document.getElementById('theme').click()")
    dark = page(paper)
    assert light != dark
    page("document.getElementById('theme').click()")
    assert page(paper) == light
    page("document.documentElement.removeAttribute('data-theme'); localStorage.clear()")
    page.show(dark=True)
    assert page(paper) == dark


@pytest.mark.parametrize("width", [320, 390, 1400])
def test_a_page_is_no_wider_than_its_window(page, width):
    page.show(width=width)
    page("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    settle(page)
    assert page("document.documentElement.scrollWidth") <= width


def test_a_mark_has_the_colour_of_its_type_in_both_themes(page):
    mark = """getComputedStyle(document.querySelector('#leaderboard .type.deep'), '::before')
        .backgroundColor"""
    for dark, colours in ((False, palette.LIGHT), (True, palette.DARK)):
        page.show(dark=dark)
        channels = [int(colours["deep"][i : i + 2], 16) for i in (1, 3, 5)]
        assert page(mark) == f"rgb({', '.join(map(str, channels))})"


def test_fits_have_a_panel_for_each_data_set(page):
    place = page(NAMES).index("ae")
    page(f"document.getElementById('detector-{place}').open = true")
    settle(page)
    panels = f"#detector-{place} .sparks svg"
    titles = page(f"[...document.querySelectorAll('{panels} .title')].map(t => t.textContent)")
    assert sorted(titles) == sorted(member.name for member in SUITE.datasets)
    assert page(f"document.querySelectorAll('{panels} .line.deep').length") == len(titles)
