"""From a suite to the rows wanted, and from missing rows to jobs. Runs nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import datasets
from bench.plan.costs import Costs
from bench.plan.job import Job, Limits
from bench.plan.suite import Suite, SuiteError
from bench.store.codeid import code_id, digest_of, file_digest, libraries, origin
from bench.store.records import Wanted, canonical
from detectors.networks.backbones import DIGEST
from detectors.spec import parse
from detectors.training.augmentation import DECLARED

Device = Literal["auto", "cpu", "cuda"]
MEASURE_VOLUMES = ("bench.metrics.volumes:draws", "bench.metrics.volumes:areas")
JUDGE_PIXELS = ("bench.metrics.pixels:scores_of", "bench.metrics.pixels:compute")
AUGMENT = "augment"  # the setting of deep detectors on images
SLOW_IMPORTS = ("sklearn", "torch")  # which users' files import: seconds, once for all seeds
# Files of a GPU's driver: on Linux, in containers, and on Linux within Windows.
DRIVERS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")


def wanted_rows(suite: Suite, device: Device = "auto", data: Path | None = None) -> list[Wanted]:
    """Return every row a suite asks for, in the suite's order.

    Raises:
        SuiteError: two of its data sets are the same data, whose rows would be the same.
    """
    digests = {member.name: _digest(member.name, data) for member in suite.datasets}
    names: dict[tuple[str, str], str] = {}  # broken files may have one content by chance
    for name, digest in digests.items():
        if (other := names.setdefault((digest, name.partition("?")[0]), name)) != name:
            msg = f"{other} and {name} are the same data; keep one of them"
            raise SuiteError(msg)
    under = [
        (m.name, protocol) for m in suite.datasets for protocol in m.protocol or suite.protocol
    ]
    judged = digest_of(*JUDGE_PIXELS) if suite.pixels else ""
    measured = digest_of(*MEASURE_VOLUMES) if suite.volumes else ""
    rows = []
    for entrant in suite.detectors:
        spec = parse(entrant.spec)
        on = _device(device) if spec.entry.takes_device else "cpu"
        given = with_digests(entrant.settings, spec.entry.files)
        for name, protocol in under:
            settings = _of_card(given, name) if spec.is_own else given
            code = code_id(origin(spec, protocol, name))
            rows += [
                Wanted(
                    spec=str(spec),
                    model=spec.model,
                    settings=settings,
                    label=entrant.name,
                    family=spec.family,
                    transductive=spec.transductive,
                    dataset=name,
                    dataset_family=datasets.find(name).family,
                    data_sha256=digests[name],
                    protocol=protocol,
                    scaler=suite.scaler,
                    seed=seed,
                    device=on,
                    code_id=code,
                    pixels_id=judged,
                    volumes_id=measured,
                )
                for seed in suite.seeds
            ]
    return rows


def with_digests(settings: Mapping[str, Any], files: Collection[str]) -> dict[str, Any]:
    """Return settings in which the path of a file is followed by the sha256 of its content.

    A path without a file stays as it is; the detector says what is wrong with it.
    """
    digests = {
        name: f"{settings[name]}{DIGEST}{file_digest(path)}"
        for name in files
        if settings.get(name) and (path := Path(settings[name]).expanduser()).is_file()
    }
    return {**settings, **digests}


def _of_card(settings: Mapping[str, Any], dataset: str) -> Mapping[str, Any]:
    """Return settings with the symmetries of a data set, if these are what it is to augment by.

    Where it has none, nothing is augmented; that stands in the settings too, so that such a row has
    another key than one with defaults.
    """
    if settings.get(AUGMENT) != DECLARED:
        return settings
    return {**settings, AUGMENT: datasets.find(dataset).symmetries or None}


def _digest(name: str, data: Path | None) -> str:
    """Return the digest that identifies a data set's content.

    If that needs files that are missing or wrong, a placeholder stands for it: such a row is never
    run, since the data set cannot be loaded.
    """
    try:
        return datasets.card(name, data).sha256
    except (OSError, datasets.WrongData):
        return f"absent: {name}"


def missing(
    wanted: Iterable[Wanted], stored: Mapping[str, str], retry: Collection[str] = ()
) -> list[Wanted]:
    """Return the rows that are not stored, or stored with a status that is retried."""
    return [row for row in wanted if row.key not in stored or stored[row.key] in retry]


def jobs(
    wanted: Iterable[Wanted],
    data: Path | None,
    limits: Limits,
    run: str,
    costs: Costs | None = None,
    *,
    by_seed: bool = False,
) -> list[Job]:
    """Return the rows as jobs, one for each model and data set, the shortest first.

    Where `by_seed`, every seed is a job of its own; numbers do not depend on that.

    Of a user's class, every seed is a job, hence a process: what the class keeps of one seed would
    change the next, whose numbers would depend on which seeds are asked for.

    Short jobs come first, so that a board has lines within seconds, and a run that is ended early
    has made the most rows. The price: workers may be idle while the longest job ends.
    """
    groups: dict[tuple[str, ...], list[Wanted]] = {}
    for row in wanted:
        same_fit = (row.model, canonical(row.model_settings), row.dataset, row.protocol, row.scaler)
        alone = str(row.seed) if by_seed or not _is_own(row.spec) else ""
        groups.setdefault((*same_fit, alone), []).append(row)
    expected = (costs or Costs(())).rank
    ordered = sorted(groups.values(), key=lambda group: sum(map(expected, group)))
    return [Job(tuple(group), data, limits, run) for group in ordered]


@cache
def _is_own(spec: str) -> bool:
    return parse(spec).is_own


def modules(detectors: Iterable[str]) -> list[str]:
    """Return the modules that a fork server imports before it runs detectors with these specs."""
    specs = [parse(text) for text in set(detectors)]
    entries = [entry for spec in specs for entry in (spec.entry, spec.head_entry) if entry]
    own = {entry.target.rpartition(":")[0] for entry in entries if entry.file is None}
    users = [spec for spec in specs if not spec.is_own]
    slow = {name for spec in users for name in libraries(spec) if name in SLOW_IMPORTS}
    return sorted(own.union(slow, *(entry.preload for entry in entries)))


def users_file(wanted: Iterable[Wanted]) -> Path | None:
    """Return the first file of the user's that defines a detector of these rows."""
    for text in dict.fromkeys(row.spec for row in wanted):
        spec = parse(text)
        for entry in (spec.entry, spec.head_entry):
            if entry and entry.file:
                return entry.file
    return None


@cache
def has_cuda() -> bool:
    """Return whether torch can train on a GPU of this machine."""
    if not any(Path(driver).exists() for driver in DRIVERS):
        return False  # the import of torch takes seconds
    import torch

    return torch.cuda.is_available()


def _device(asked: Device) -> str:
    """Return the device of deep models; "auto" is the GPU if there is one."""
    if asked != "auto":
        return asked
    return "cuda" if has_cuda() else "cpu"
