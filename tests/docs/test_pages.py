"""The README and the documentation name files that are there, and stay short where they must."""

import re
from pathlib import Path

import pytest

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
