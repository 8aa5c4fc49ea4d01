"""Claims on a page and in a figure."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from bench.claims.claim import FOLDER, names, read
from bench.claims.judge import judge
from bench.render.documents.claims import ClaimsDocument, forest
from bench.render.terminal import write
from tests.bench.claims.test_claim import file_of
from tests.bench.claims.test_judge import SETS, records_of, rows_of

ROOT = Path(__file__).parents[4]
SHIFT = {"breast-cancer": 0.19, "digits/0": 0.21, "digits/3": 0.21, "employees": 0.2, "wine": 0.2}


@pytest.fixture
def made(tmp_path):
    """The judgement of one claim, whose first side is better by some .2."""
    claims = read(file_of(tmp_path, "seeds = 1", datasets=SETS))
    wanted = rows_of(claims)
    values = records_of(wanted, lambda r: 0.7 + SHIFT[r.dataset] * (r.label != "pca"))
    return judge(claims, wanted, values, "2026-01-01T11:00:00+00:00")


def test_a_page_has_the_verdict_with_what_it_rests_on(made):
    text = " ".join(write(ClaimsDocument(made).page(narrow=True)).split())
    assert "1 supported, 0 refuted, 0 undecided." in text
    assert "A beats B. supported +.200 [+.184, +.216] > +.010 4" in text
    assert "frozen at 2026-01-01T11:00:00+00:00, before the rows were made" in text
    assert "1: AUROC of knn, lof against pca. mine." in text


def test_a_forest_plot_shows_the_interval_and_what_is_claimed(made):
    (axes,) = forest(made).axes
    (one,) = made.judged
    interval = next(line for line in axes.lines if len(line.get_xdata()) == 2)
    np.testing.assert_allclose(interval.get_xdata(), [one.low, one.high])
    shaded = axes.collections[0].get_paths()[0].vertices[:, 0]
    assert (shaded.min(), shaded.max()) == pytest.approx((0.01, axes.get_xlim()[1]))
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1  A beats B."]


@pytest.mark.parametrize("name", names())
def test_the_verdicts_in_the_documentation_are_on_the_present_file(name):
    digest = hashlib.sha256((FOLDER / f"{name}.toml").read_bytes()).hexdigest()
    kept = (ROOT / f"docs/{name}-verdicts.md").read_text(encoding="utf-8")
    assert f"sha256 {digest[:12]}: frozen at " in kept
    assert "before the rows were made" in kept
