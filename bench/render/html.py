"""Pages as one HTML file without scripts: tables to read, print and paste.

The page that sorts, filters and draws is another: `bench report`.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from bench.boards.words import MARKS
from bench.render.printable import printable
from bench.render.table import Page

if TYPE_CHECKING:
    from jinja2 import Environment


def write(page: Page, png: bytes = b"") -> str:
    """Return the page, which needs no other file, with a picture below its title if given."""
    template = environment(Path(__file__).parent).get_template("page.html")
    picture = base64.b64encode(png).decode()
    return template.render(page=page, near=MARKS["near"], picture=picture) + "\n"


def environment(folder: Path) -> Environment:
    """Return an environment for the templates in a folder, which escape all text."""

    def shown(value: object) -> object:
        return printable(value, keep="\n") if type(value) is str else value

    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
