"""How Sphinx builds the documentation site; `make docs` runs it."""

import os
import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
# A notebook calls `bench`, also where the environment is not activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

import generate  # noqa: E402

project = "Fathom"
author = "the authors of Fathom"
extensions = ["myst_nb", "sphinx_copybutton"]
root_doc = "index"
PARTS = [  # of other pages
    "lectures-adbench-verdicts.md",
    "lectures-verdicts.md",
    "published-selectors.md",
    "tuning-table.md",
]
exclude_patterns = ["_build", *PARTS]

html_theme = "furo"
html_title = "Fathom"
html_show_sourcelink = False

myst_heading_anchors = 3
nb_execution_in_temp = True
nb_execution_timeout = 600
nb_execution_raise_on_error = True

# Pages of the project that stand outside docs/ are copied to docs/project/.
OUTSIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/leaderboard-*.md")


def _copy_outside() -> None:
    for path in (path for pattern in OUTSIDE for path in HERE.parent.glob(pattern)):
        text = path.read_text(encoding="utf-8")
        text = text.replace("](docs/", "](../").replace("](results/", "](")
        generate.write(HERE / "project" / path.name, text)


def _links_inside(app: Sphinx, docname: str, source: list[str]) -> None:
    """Point links that leave docs/ for one of these pages to its copy."""
    up = "../" * docname.count("/")
    source[0] = re.sub(rf"\]\({up}\.\./(?:results/)?(?=[\w-]+\.md)", f"]({up}project/", source[0])


def setup(app: Sphinx) -> None:
    generate.write_reference(HERE / "reference")
    _copy_outside()
    app.connect("source-read", _links_inside)
