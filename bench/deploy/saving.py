"""The file of a model: a zip of a manifest (JSON) and the fitted parts (skops), never a pickle.

skops names every type in a file before anything of it is made; only those of `trusted.toml` are
accepted. The manifest has a sha256 over all of the content: it shows a damaged or edited file, not
a forged one.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
import zipfile
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import skops.io

from bench.deploy.model import Model
from bench.store.codeid import file_digest, versions
from bench.store.folder import replacing
from bench.store.packing import packed, unpacked
from detectors.factory import load_class
from detectors.spec import Spec, parse

MANIFEST, CONTENT = "fathom.json", "parts.skops"
LIBRARIES = ("numpy", "scipy", "sklearn", "torch", "pyod", "zuko", "skops")
FIELDS = ("spec", "alarm_rate", "n_trained", "settings")  # of a model, in its manifest
_TABLE = tomllib.loads(Path(__file__).with_name("trusted.toml").read_text(encoding="utf-8"))
TRUSTED = {f"{module}.{name}" for module, names in _TABLE.items() for name in names}


class Refused(ValueError):
    """Raised for a model that cannot be saved, or a file that is not accepted; says why."""


def save(model: Model, path: Path) -> None:
    """Write a model to a file, whole or not at all.

    Raises:
        Refused: the detector holds what cannot be saved.
    """
    spec = parse(model.spec)
    try:
        content = skops.io.dumps(packed(model.parts))
        unknown = _untrusted(content, spec)
    except Exception as error:  # a detector may hold anything
        unknown = f"something that is no data ({error or type(error).__name__})"
    if unknown:
        msg = f"{spec} cannot be saved: it holds {unknown}; use another detector"
        raise Refused(msg)
    manifest = {key: getattr(model, key) for key in FIELDS} | {
        "fathom": version("fathom"),
        "versions": versions(LIBRARIES),
        "file": file_digest(spec.entry.file) if spec.entry.file else None,
    }
    manifest["sha256"] = _digest(manifest, content)
    with replacing(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(MANIFEST, json.dumps(manifest, indent=1))
        file.writestr(CONTENT, content)


def load(path: Path | str) -> Model:
    """Return the model of a file; no code of the file runs.

    Raises:
        Refused: it is no model, damaged, edited, or of other versions; the message says which.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as file:
            manifest, content = json.loads(file.read(MANIFEST)), file.read(CONTENT)
        digest = manifest.pop("sha256")
    except (zipfile.BadZipFile, zlib.error, LookupError, ValueError, EOFError) as error:
        msg = f"{path} is not a model of Fathom, or not all of it; fit one with `bench fit`"
        raise Refused(msg) from error
    if digest != _digest(manifest, content):
        msg = f"{path} has changed since it was written (its sha256 differs); fit it again"
        raise Refused(msg)
    try:
        _check_versions(path, manifest)
        spec = parse(manifest["spec"])
        if spec.entry.file and file_digest(spec.entry.file) != manifest["file"]:
            msg = f"{spec.entry.file} has changed since {path} was saved; restore it, or fit again"
            raise Refused(msg)
        if unknown := _untrusted(content, spec):
            msg = f"{path} holds {unknown}, which no model of Fathom does; it is not loaded"
            raise Refused(msg)
        parts = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
        known = {key: manifest[key] for key in FIELDS if key in manifest}
        return Model(**known, parts=unpacked(parts))
    except (Refused, FileNotFoundError):
        raise
    except Exception as error:  # a forged file may hold anything
        msg = f"{path} is not a complete model: {error or type(error).__name__}; fit it again"
        raise Refused(msg) from error


def _check_versions(path: Path | str, manifest: dict[str, Any]) -> None:
    """Refuse another major version of Fathom, and another minor one of a library."""
    here = {"Fathom": (version("fathom"), 1)} | {k: (v, 2) for k, v in versions(LIBRARIES).items()}
    for name, was in {"Fathom": manifest["fathom"], **manifest["versions"]}.items():
        now, depth = here.get(name, ("none", 1))
        if was.split(".")[:depth] != now.split(".")[:depth]:
            msg = (
                f"{path} was saved with {name} {was}, here is {now}, "
                "and scores may differ; fit it again, or install that version"
            )
            raise Refused(msg)


def _untrusted(content: bytes, spec: Spec) -> str:
    """Return types that may not be in a file: neither trusted nor of the user's own detector."""
    names = set(skops.io.get_untrusted_types(data=content)) - TRUSTED
    if names and spec.entry.file:
        module = sys.modules[load_class(spec.entry.target).__module__]
        own = [name for name, each in vars(module).items() if isinstance(each, type)]
        names -= {f"{module.__name__}.{name}" for name in own}
    return ", ".join(sorted(names)[:3])


def _digest(manifest: dict[str, Any], content: bytes) -> str:
    text = json.dumps(manifest, sort_keys=True).encode()
    return hashlib.sha256(text + b"\0" + content).hexdigest()
