"""An adapter to any detector of PyOD, by its name: `pyod:ECOD`.

Zhao, Nasrullah, Li, "PyOD: a Python toolbox for scalable outlier detection", JMLR 20(96), 2019,
arXiv:1901.01588.

PyOD's classes break the contract in several ways, which the adapter corrects: constructors and
`fit` seed or draw from the global generators, scoring draws random numbers for every call and every
row, a second `fit` continues the first, short batches fail, classes use a GPU without a request.
The scores are PyOD's. In threads its detectors run one after another, as they use globals of the
process.

Reference: [zhao2019pyod]
"""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from detectors.contract import Detector, Floats, Unsupported, require_rows, warn_of_copies
from detectors.pyod.table import PYOD
from detectors.settings import check_settings, nearest
from detectors.streams import global_generators, integer_seed

_SEED_NAMES = ("random_state", "random_seed")


@dataclass(kw_only=True)
class PyOD(Detector):
    """The `decision_function` of a PyOD detector, with PyOD's default settings.

    Attributes:
        class_name: one of the classes in `detectors.pyod.table`.
        arguments: arguments of its constructor, other than the seed, which `seed` sets.
    """

    device = "cpu"  # where it trains: the runner sets it, it is not a setting

    class_name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_settings(
        cls, name: str, preset: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> Self:
        """Return the adapter with settings checked by the class's constructor.

        Raises:
            ValueError: the constructor has no such argument or does not accept its value.
        """
        arguments = dict(settings)
        own = {"seed": arguments.pop("seed")} if "seed" in arguments else {}
        detector = cls(**preset, **check_settings(cls, own, name), arguments=arguments)
        accepted = set(detector._parameters()) - {*_SEED_NAMES, "device", "n_features"} | {"seed"}
        for key in arguments:
            if key not in accepted:
                msg = f"{name} has no setting {key!r}; {nearest(key, accepted)}"
                raise ValueError(msg)
        try:
            with detector._contained("estimator"):
                detector._estimator(n_features=1)
        except (TypeError, ValueError) as error:
            msg = f"{name} does not accept {arguments}: {error}"
            raise ValueError(msg) from error
        return detector

    def _fit(self, x: Floats) -> None:
        method = PYOD[self.class_name]
        fewest, most = method.features
        if not fewest <= x.shape[1] <= most:
            accepted = "a single feature" if most == 1 else f"{fewest} or more features"
            msg = f"{self.class_name} takes {accepted}, there are {x.shape[1]}"
            raise Unsupported(msg)
        self._check_rows(x)
        if method.fails_on_lone_row and len(x) % self._value("batch_size") == 1:
            msg = f"{self.class_name} fails on a last batch of one row; change batch_size"
            raise Unsupported(msg)
        if self.class_name == "LOF":
            warn_of_copies(x, self._value("n_neighbors"))
        with self._contained("fit"):
            self.estimator_ = self._estimator(x.shape[1])
            self.estimator_.fit(x)

    def _score(self, x: Floats, readout: str) -> Floats:
        method = PYOD[self.class_name]
        n = len(x)
        if method.scores_batch_alone:
            self._check_rows(x)
        if method.fails_on_lone_row and n % self._value("batch_size") == 1:
            x = np.concatenate([x, x[-1:]])
        with self._contained("score"), _one_draw() if method.draws_noise else nullcontext():
            scores = self.estimator_.decision_function(x)
        return np.asarray(scores, dtype=np.float64)[:n]

    def _check_rows(self, x: Floats) -> None:
        """Raise `Unsupported` if a setting needs more rows than x (n, d) has."""
        setting, more = PYOD[self.class_name].rows
        if setting:
            value = self._value(setting)
            require_rows(x, value + more, f"{self.class_name} with {setting} = {value}")

    def _value(self, setting: str) -> Any:
        return self.arguments.get(setting, self._parameters()[setting].default)

    def _class(self) -> Any:
        module = importlib.import_module(f"pyod.models.{PYOD[self.class_name].module}")
        return getattr(module, self.class_name)

    def _parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self._class()).parameters

    def _estimator(self, n_features: int) -> Any:
        """Return a new estimator, with the settings and what else its constructor needs."""
        given = {"device": self.device, "n_features": n_features, "verbose": 0}
        given |= dict.fromkeys(_SEED_NAMES, integer_seed(self.seed, "estimator"))
        known = {key: value for key, value in given.items() if key in self._parameters()}
        return self._class()(**{**known, **self.arguments})

    @contextmanager
    def _contained(self, purpose: str) -> Iterator[None]:
        """Isolate global generators and the hash seed; show a GPU only on request."""
        generators = global_generators(integer_seed(self.seed, purpose))
        on_cpu = PYOD[self.class_name].family == "deep" and self.device == "cpu"
        with generators, _hidden_gpu() if on_cpu else nullcontext():
            hash_seed = os.environ.get("PYTHONHASHSEED")
            try:
                yield
            finally:
                if hash_seed is None:
                    os.environ.pop("PYTHONHASHSEED", None)
                else:
                    os.environ["PYTHONHASHSEED"] = hash_seed


@contextmanager
def _one_draw() -> Iterator[None]:
    """Give all rows of all batches the same noise, so that a score depends on its row alone."""
    torch: Any = importlib.import_module("torch")
    overrides: Any = importlib.import_module("torch.overrides")
    seed = torch.initial_seed()

    class SameForAll(overrides.TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is not torch.randn_like:
                return func(*args, **(kwargs or {}))
            (rows,) = args
            draws = torch.Generator().manual_seed(seed)
            return torch.randn(rows.shape[1:], generator=draws).to(rows).expand_as(rows)

    with SameForAll():
        yield


@contextmanager
def _hidden_gpu() -> Iterator[None]:
    """Make torch report no GPU: classes that take no device train on any GPU that they find."""
    # With an `import` statement, the keys of the shallow classes would depend on torch.
    cuda: Any = importlib.import_module("torch.cuda")
    asked = cuda.is_available
    cuda.is_available = lambda: False
    try:
        yield
    finally:
        cuda.is_available = asked


def constructor_arguments(detector: PyOD) -> dict[str, Any]:
    """Return the arguments of a PyOD constructor, those given and the defaults, without the seed.

    What the adapter sets itself, and what a constructor passes on, is left out.
    """
    own = {*_SEED_NAMES, "device", "n_features", "verbose"}
    return {
        name: detector.arguments.get(name, parameter.default)
        for name, parameter in detector._parameters().items()
        if name not in own and parameter.default is not parameter.empty
    } | dict(detector.arguments)
