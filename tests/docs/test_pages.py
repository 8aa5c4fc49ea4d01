"""The README and the documentation name files that are there, and stay short where they must."""

import re
from pathlib import Path

import pytest

from bench.cli.common.errors import EXPLAINED

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/index.md"]
NAMED = re.compile(r"`((?:bench|datasets|detectors|docs|results|tests)/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES)
def test_named_files_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    # NAME stands for a name of the reader's.
    named = [path for path in NAMED.findall(text) if "NAME" not in path and "..." not in path]
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_messages_that_the_page_on_trouble_explains_are_those_of_the_code():
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    table = page.partition("## What a message means")[2].partition("## ")[0]
    messages = re.findall(r"^\| `(.+?)` \|", table, re.MULTILINE)
    code = "".join(
        file.read_text(encoding="utf-8")
        for package in ("bench", "datasets", "detectors")
        for file in (ROOT / package).rglob("*.py")
    )
    named_by_hand = "package of that name hides it"  # where no other module can be imported
    assert sorted(messages) == sorted({*EXPLAINED, named_by_hand})
    assert [message for message in messages if message not in code] == []
