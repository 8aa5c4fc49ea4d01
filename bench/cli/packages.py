"""Whether `import datasets` and `import detectors` find the project's packages."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from bench.cli.errors import Usage


def check_packages() -> None:
    """Refuse to go on if another package hides one of the project, and warn of a hidden one.

    Raises:
        Usage: `import datasets` or `import detectors` finds another package.
    """
    home = Path(__file__).resolve().parents[2]
    for name in ("detectors", "datasets"):
        found = importlib.util.find_spec(name)
        places = found.submodule_search_locations or [found.origin or ""] if found else [""]
        place = Path(next(iter(places))).resolve()
        if place != home / name:
            msg = (
                f"`import {name}` finds {place}, not the project's {home / name}: another "
                f"package of that name hides it; run `make bench` in an environment of its own"
            )
            raise Usage(msg)
        for folder in dict.fromkeys(Path(entry).resolve() for entry in sys.path):
            other = [folder / name / "__init__.py", folder / f"{name}.py"]
            if folder != home and any(file.is_file() for file in other):
                sys.stderr.write(
                    f"bench: the package {name!r} in {folder} is hidden by the project's; other "
                    f"code in this environment that imports it gets the project's package\n"
                )
