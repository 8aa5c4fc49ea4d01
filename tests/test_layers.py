"""`detectors` and `datasets` know nothing of each other or of `bench`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {"detectors": {"datasets", "bench"}, "datasets": {"detectors", "bench"}}


def _imported(source):
    """Top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            literals = (arg.value for arg in node.args if isinstance(arg, ast.Constant))
            yield from (str(name).partition(".")[0] for name in literals)


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_imports_nothing_from_beside_or_above_it(package):
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / package).rglob("*.py")}
    assert sources
    crossing = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path, source in sources.items()
        for name in set(_imported(source)) & FORBIDDEN[package]
    }
    assert not crossing


def test_every_way_of_importing_is_seen():
    source = "def f():\n    import a.b, c\n    from d.e import g\n    import_module('h.i')\n"
    assert set(_imported(source)) == {"a", "c", "d", "h"}
