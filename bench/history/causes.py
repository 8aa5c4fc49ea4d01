"""Possible causes of a difference between two rows: code, settings, versions, data.

A row's details name the files and library versions of its code id, so that a change of code is
named by its files and, if git knows the commits, by the commits that changed them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.history.selection import SHORT, Record, commit_of, made_with_changes
from bench.store.provenance import git

Details = Callable[[str], Mapping[str, Any]]
Pair = tuple[Record, Record]
MOST_COMMITS = 3
DEFAULT = "default"


def causes(pairs: Sequence[Pair], details: tuple[Details, Details]) -> dict[str, list[str]]:
    """Return the differences in pairs of rows of one detector, in words, by kind of cause.

    The kinds are code, settings, versions, data and seeds; a kind without a difference is omitted.
    """
    found = {
        "code": _distinct(_code(pairs, details)),
        "settings": _distinct(text for a, b in pairs for text in _settings(a, b)),
        "versions": _distinct(text for a, b in pairs for text in _versions(a, b)),
        "data": _distinct(b["dataset"] for a, b in pairs if a["data_sha256"] != b["data_sha256"]),
        "seeds": _distinct(
            f"{a['seed']} → {b['seed']}" for a, b in pairs if a["seed"] != b["seed"]
        ),
    }
    return {kind: texts for kind, texts in found.items() if texts}


def machines(a: Record, b: Record) -> list[str]:
    """Return the differences between the machines of two rows, on which times depend."""
    names = ["machine", "processor", "cores", *(["gpu"] if b["device"] != "cpu" else [])]
    return _changes({n: a["provenance"].get(n) for n in names},
                    {n: b["provenance"].get(n) for n in names})  # fmt: skip


def _code(pairs: Sequence[Pair], details: tuple[Details, Details]) -> Iterator[str]:
    for name in ("pixels", "volumes"):
        ids = [(a.get(f"{name}_id"), b.get(f"{name}_id")) for a, b in pairs]
        changed = [i for i, (old, new) in enumerate(ids) if old and new and old != new]
        if changed:
            file = f"bench/metrics/{name}.py"
            yield file + _commits(*pairs[changed[0]], file)
    of_code = {(a["code_id"], b["code_id"]): (a, b) for a, b in pairs}
    for a, b in of_code.values():
        if a["code_id"] == b["code_id"]:
            continue
        old, new = (of(row["key"]).get("code") for of, row in zip(details, (a, b), strict=True))
        if not old or not new:
            yield "code or versions differ; rows this old do not name the files"
            continue
        files = {*old["files"].items()} ^ {*new["files"].items()}
        for name in sorted({name for name, _ in files}):
            yield name + _commits(a, b, name)
        if old["presets"] != new["presets"]:
            yield "presets of the registry" + _commits(a, b, "detectors/registry.py")


def _commits(a: Record, b: Record, file: str) -> str:
    """Return the commits between two rows that changed a file, if git knows them, or ""."""
    found = []
    old, new = commit_of(a), commit_of(b)
    if old and new and old != new:
        log = git("log", "--format=%h %s", f"{old}..{new}", "--", file).splitlines()
        found = log[:MOST_COMMITS] + (
            [f"{len(log) - MOST_COMMITS} more"] * (len(log) > MOST_COMMITS)
        )
    if any(made_with_changes(row) for row in (a, b)):
        found.append("uncommitted changes")
    if not found and old != new:
        found.append(f"{old[:SHORT] or 'no commit'} → {new[:SHORT] or 'no commit'}")
    return f" ({'; '.join(found)})" if found else ""


def _settings(a: Record, b: Record) -> list[str]:
    return _changes(_flat(a["settings"]), _flat(b["settings"]), absent=DEFAULT)


def _versions(a: Record, b: Record) -> list[str]:
    """Return changed versions of libraries and of Python, but not of the project: that is code."""
    old, new = (
        {**row["provenance"].get("versions", {}), "python": row["provenance"].get("python")}
        for row in (a, b)
    )
    return [text for text in _changes(old, new) if not text.startswith("fathom ")]


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], absent: str = "none") -> list[str]:
    names = sorted({*old, *new})
    return [
        f"{name} {old.get(name, absent)} → {new.get(name, absent)}"
        for name in names
        if old.get(name) != new.get(name)
    ]


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
