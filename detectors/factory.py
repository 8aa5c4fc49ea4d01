"""From a spec to a detector: import the class, check the settings, make the detector."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from detectors.compose import Hybrid, ReadOut
from detectors.contract import Detector
from detectors.grouped import hybrid
from detectors.pyod.adapter import PyOD, constructor_arguments
from detectors.source import source_file
from detectors.spec import Spec, parse
from detectors.streams import GLOBALS


def make(text: str, **settings: Any) -> Detector:
    """Return a new detector by its spec, for instance `make("vae+lof", latent_dim=4)`.

    Args:
        text: the spec.
        settings: settings of the model, `seed`, and `head={...}` for those of the head.

    Raises:
        UnknownDetector: unknown name.
        ValueError: unknown setting, or one out of range.
    """
    spec = parse(text)
    model_settings = dict(settings)
    head_settings = model_settings.pop("head", {}) if spec.head else {}
    model = make_model(spec, **model_settings)
    if spec.head:
        head_settings = {"seed": model.seed, **head_settings}
        return hybrid(model, make(spec.head, **head_settings))
    if spec.readout:
        return ReadOut(model=model, readout=spec.readout, seed=model.seed)
    return model


def make_model(spec: Spec, **settings: Any) -> Detector:
    """Return the model of a spec, without read-out or head.

    Raises:
        ValueError: unknown setting, or one out of range.
    """
    if spec.untrained:
        if "epochs" in settings:
            msg = f"{spec.model} takes no epochs; it is {spec.base} with none"
            raise ValueError(msg)
        settings = {**settings, "epochs": 0}
    cls = load_class(spec.entry.target)
    return cls.from_settings(spec.model, spec.entry.preset, settings)


def check(text: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Import the method of a spec and check its settings, and those of its head.

    Returns:
        All settings in effect, as values for JSON: those given, those that the name fixes and the
        defaults; those of a head under "head".

    Raises:
        ValueError: as `make`; or the settings exclude the read-out.
    """
    made = make(text, **settings)
    if isinstance(made, ReadOut) and isinstance(made.model, Selective):
        made.model.check_readout(made.readout)
    return _in_effect(made)


@runtime_checkable
class Selective(Protocol):
    """A model whose settings exclude some of its read-outs."""

    def check_readout(self, readout: str) -> None:
        """Check that the settings allow a read-out.

        Raises:
            ValueError: they do not, for the reason in the message.
        """


def _in_effect(detector: Detector) -> dict[str, Any]:
    if isinstance(detector, Hybrid):
        return {**_in_effect(detector.encoder), "head": _in_effect(detector.head)}
    if isinstance(detector, ReadOut):
        return _in_effect(detector.model)
    if isinstance(detector, PyOD):
        found = constructor_arguments(detector)
    else:
        found = {each.name: getattr(detector, each.name) for each in fields(detector)}
    return {name: _plain(value) for name, value in found.items() if name not in ("seed", "device")}


def _plain(value: Any) -> Any:
    """Return a value of a setting for JSON; what JSON has no form for as python writes it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    exact = value is None or isinstance(value, bool | int | str)
    return value if exact or (isinstance(value, float) and isfinite(value)) else repr(value)


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """Let a user's file import modules beside it, as it can when python runs it."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def load_class(target: str) -> type[Detector]:
    """Import the class of a registry target, once for all threads.

    Raises:
        ValueError: the class does not exist or is not a Detector.
    """
    with GLOBALS:
        return _imported(target)


@cache
def _imported(target: str) -> type[Detector]:
    where, _, attribute = target.rpartition(":")
    if where.endswith(".py"):
        name = "fathom_file_" + re.sub(r"\W", "_", str(Path(where).resolve()))
        module_spec = importlib.util.spec_from_file_location(name, source_file(target))
        if module_spec is None or module_spec.loader is None:
            msg = f"{where} cannot be imported as a python file"
            raise ValueError(msg)
        module = importlib.util.module_from_spec(module_spec)
        sys.modules[name] = module  # dataclasses and pickle look their module up there
        with _on_path(Path(where).resolve().parent):
            module_spec.loader.exec_module(module)
    else:
        module = importlib.import_module(where)
    cls = getattr(module, attribute, None)
    if not (isinstance(cls, type) and issubclass(cls, Detector)):
        msg = f"{target} is not a Detector; write `class {attribute}(Detector)` as a dataclass"
        raise ValueError(msg)
    return cls
