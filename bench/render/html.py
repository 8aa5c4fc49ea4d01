"""Pages as one HTML file without scripts: tables to read, print and paste.

The page that sorts, filters and draws is another: `bench report`.
"""

from __future__ import annotations

from pathlib import Path

from bench.boards.words import MARKS
from bench.render.table import Page


def write(page: Page) -> str:
    """Return the page, which needs no other file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(page=page, near=MARKS["near"]) + "\n"
