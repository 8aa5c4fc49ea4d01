"""A board as a plain HTML file."""

from html.parser import HTMLParser

from bench.boards.against import against
from bench.boards.board import build
from bench.boards.words import MARKS
from tests.helpers.boards_made_up import failed, rows_of, written

VOID = ("meta",)


class Strict(HTMLParser):
    """Holds a page to balanced tags; collects tags, addresses and the text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text, self.addresses = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_is_whole_without_scripts_and_addresses():
    made = build(rows_of(), title="Deep & <shallow>")
    page = Strict(written("html", made, against(made)))
    assert "script" not in page.tags
    assert page.addresses == []
    assert page.tags.count("table") == 5
    assert "Deep & <shallow>: auroc" in page.text
    assert "AUROC: differences from lof" in page.text


def test_marks_and_failures_are_shown():
    rows = rows_of({"<b>": "deep", "lof": "shallow"}, auroc={"<b>": 0.9, "lof": 0.89})
    rows = failed(rows, (rows["label"] == "<b>") & (rows["dataset"] == "wine"), "timeout", "a < b")
    page = written("html", build(rows, title="t"))
    assert '<td class="best">' in page
    assert MARKS["near"] + "</td>" in page
    assert '<td class="">timeout</td>' in page
    assert '<td class="l prose"><code>a &lt; b</code></td>' in page
    assert "Failures" in Strict(page).text
