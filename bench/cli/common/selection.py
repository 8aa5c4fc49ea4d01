"""What the options of a command select: a suite, its rows, the statuses to rerun."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.cli.common.errors import Usage, one_of, usage

if TYPE_CHECKING:
    from bench.cli.common.options import DeviceName
    from bench.plan.suite import Suite
    from bench.store.invocations import Invocation
    from bench.store.records import Wanted
    from bench.store.store import Store

Listed = Sequence[str] | None  # the values of an option, each with commas between several
MANY = 6  # data sets that a message names
# Prefixes of the names of the user's own data.
OWN = ("file:", "folder:", "groups:", "ucr:", "openml/")


class Unreadable(Usage):
    """Raised for a stored run whose suite cannot be read any more: a detector's file has moved."""

    def __init__(self, why: str, run: Invocation) -> None:
        super().__init__(why)
        self.run = run
        self.notice = (
            f"The rows of the run {run.name} are shown as stored; whether they are of the present "
            f"code cannot be said: {why}"
        )


def suite_of(
    base: str | Suite,
    *,
    detectors: Listed = None,
    datasets: Listed = None,
    label: str | None = None,
    normal: Listed = None,
    drop: Listed = None,
    protocol: str | None = None,
    scaler: str | None = None,
    seeds: str | None = None,
    weights: Path | None = None,
) -> Suite:
    """Return a suite, given or by name, with the parts that options replace.

    Raises:
        Usage: the suite cannot be read, or an option is not accepted.
    """
    from bench.plan.suite import read, select

    with usage():
        return select(
            read(base) if isinstance(base, str) else base,
            detectors=listed(detectors),
            datasets=own_data(named_sets(datasets), label=label, normal=normal, drop=drop),
            protocol=protocol,
            scaler=scaler,
            seeds=_seeds(seeds),
            weights=None if weights is None else str(weights),
        )


def stored_suite(
    store: Store, name: str | None, device: DeviceName, data: Path | None, **parts: Any
) -> tuple[Suite, DeviceName, Path | None]:
    """Return the suite whose stored rows a command reads, with its device and data folder.

    A name or file is that of a suite, or else of the last run so called, which then needs no
    option again; without a name it is the last run of all.

    Raises:
        Unreadable: the suite of the run cannot be read any more.
        Usage: no suite or run has the name, or an option is not accepted.
    """
    from bench.plan.suite import build, names

    if name is not None and (name in names() or name.endswith(".toml")):
        return suite_of(name, **parts), device, data
    last = run_of(store, name, also=names())
    if last is None:
        return suite_of("default", **parts), device, data
    try:
        suite = build(dict(last.suite))
    except (ValueError, FileNotFoundError) as error:
        raise Unreadable(str(error), last) from error
    kept: DeviceName = last.device if device == "auto" else device  # type: ignore[assignment]
    return suite_of(suite, **parts), kept, data or (Path(last.data) if last.data else None)


def run_of(store: Store, name: str | None, also: Sequence[str] = ()) -> Invocation | None:
    """Return the last run, of a name if one is given; None where no run is recorded.

    Raises:
        Usage: no run has the name; the message has the nearest ones, with `also` among them.
    """
    from detectors.settings import nearest

    found = store.invocations(name, most=1)
    if name is not None and not found:
        runs = {one.name for one in store.invocations()}
        what = "suite or run" if also else "run"
        msg = f"unknown {what} {name!r}; {nearest(name, sorted({*also, *runs}))}"
        raise Usage(msg)
    return found[0] if found else None


def need_few(n_rows: int, most: int) -> None:
    """Refuse to run more rows than `--most` allows.

    Raises:
        Usage: there are more.
    """
    if n_rows > most:
        msg = (
            f"{n_rows:,} rows, more than the {most:,} that --run makes; take fewer data sets, "
            f"detectors or seeds, or give --most {n_rows}"
        )
        raise Usage(msg)


def rows_of(
    suite: Suite, device: Literal["auto", "cpu", "cuda"], data: Path | None = None
) -> list[Wanted]:
    """Return the rows that a suite wants.

    Raises:
        Usage: a detector, a data set or a protocol is not accepted.
    """
    from bench.plan.planning import wanted_rows

    with usage():
        return wanted_rows(suite, device, data)


def rows_as_stored(
    store: Store, found: Unreadable, *, detectors: Listed, **parts: Any
) -> list[Wanted]:
    """Return the stored rows of a run whose suite cannot be read any more.

    Raises:
        Usage: none is stored, no row is of one of the `detectors`, or another part is given.
    """
    from bench.store.records import as_wanted
    from detectors.settings import nearest

    run, why = found.run, found
    chosen = listed(detectors)
    given = [f"--{name}" for name, value in parts.items() if value is not None]
    rows = [as_wanted(record) for record in store.as_kept(run.keys)]
    labels = sorted({row.label for row in rows})
    if given or not rows:
        next_step = f"leave out {', '.join(given)}" if given else "none of its rows is stored"
        msg = f"the suite of the run {run.name} cannot be read any more ({why}); {next_step}"
        raise Usage(msg)
    for label in chosen or ():
        if label not in labels:
            msg = f"no stored row of the run {run.name} is of {label!r}; {nearest(label, labels)}"
            raise Usage(msg)
    return rows if chosen is None else [row for row in rows if row.label in chosen]


def only(wanted: list[Wanted], what: Literal["type", "kind"], names: Listed) -> list[Wanted]:
    """Return the rows of detectors of some types, or of data of some kinds.

    Raises:
        Usage: no row has one of the types or kinds.
    """
    from bench.boards.words import TYPES
    from datasets import find
    from detectors.settings import nearest

    if names is None:
        return wanted
    found = [TYPES[row.family] if what == "type" else find(row.dataset).kind for row in wanted]
    known, chosen = sorted(set(found)), listed(names) or []
    for name in chosen:
        if name not in known:
            msg = f"{what}: no row of the suite is {name!r}; {nearest(name, known)}"
            raise Usage(msg)
    return [row for row, each in zip(wanted, found, strict=True) if each in chosen]


def only_decisive(wanted: list[Wanted], verdicts: Mapping[str, str]) -> list[Wanted]:
    """Return the rows of data sets whose audit calls them decisive.

    Raises:
        Usage: a data set has no audit, or none is decisive.
    """
    names = list(dict.fromkeys(row.dataset for row in wanted))
    if absent := [name for name in names if name not in verdicts]:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        msg = (
            f"--only decisive: {absent[0]}{more} of {len(names)} data sets have no audit of this "
            "code; run `bench data audit SUITE` with the same --results, or --datasets without them"
        )
        raise Usage(msg)
    rows = [row for row in wanted if verdicts[row.dataset] == "decisive"]
    if not rows:
        found = ", ".join(f"{name} is {verdicts[name]}" for name in names[:MANY])
        msg = f"--only decisive: none of {len(names)} data sets is: {found}; see `bench data audit`"
        raise Usage(msg)
    return rows


def own_data(
    names: list[str] | None, *, label: str | None, normal: Listed, drop: Listed
) -> list[str] | None:
    """Return data sets by name, those of the user's own with the settings in their names.

    A comma of a value is written as %2C, as it is in a name.

    Raises:
        Usage: settings are given, but no data of the user's own.
    """
    from urllib.parse import urlencode

    settings = {
        "label": [] if label is None else [label],
        "normal": _values(normal),
        "drop": _values(drop),
    }
    query = urlencode(settings, doseq=True)
    if not query:
        return names
    own = [name for name in names or () if name.casefold().startswith(OWN)]
    if not own:
        from bench.plan.suite import matching

        with usage():
            for name in names or ():  # of an unknown one, the message names the prefix
                matching(name)
        msg = "--label, --normal and --drop are for data of your own, such as file:PATH"
        raise Usage(msg)
    mark = {name: "&" if "?" in name else "?" for name in own}
    return [f"{name}{mark[name]}{query}" if name in own else name for name in names or ()]


def _values(texts: Listed) -> list[str]:
    """Return the values in lists, in which a comma of a value is written as %2C."""
    return [re.sub("%2c", ",", part, flags=re.I) for part in listed(texts) or ()]


def named_sets(texts: Listed) -> list[str] | None:
    """Return the names in lists of data sets, or patterns for them.

    Commas also separate the values of a setting of the user's own data: what is no name belongs to
    such a setting before it.
    """
    if texts is None:
        return None
    names: list[str] = []
    for part in listed(texts) or ():
        if names and _ends_in_values(names[-1]) and not _is_name(part):
            names[-1] += f",{part}"
        else:
            names.append(part)
    return names


def _ends_in_values(name: str) -> bool:
    from datasets.own import SEVERAL

    setting = re.split("[?&]", name)[-1]
    return name.casefold().startswith(OWN) and "?" in name and setting.partition("=")[0] in SEVERAL


def _is_name(part: str) -> bool:
    import datasets

    pattern = part.partition("?")[0]
    return part.casefold().startswith(OWN) or bool(datasets.matching(pattern))


def need_device(device: str) -> None:
    """Check that there is a GPU where one is required.

    Raises:
        Usage: there is none.
    """
    from bench.plan.planning import has_cuda

    if device == "cuda" and not has_cuda():
        msg = "--device cuda: torch finds no GPU here; use --device cpu, or auto"
        raise Usage(msg)


def listed(texts: Listed) -> list[str] | None:
    """Return the parts of lists that are separated by commas."""
    if texts is None:
        return None
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def failures(texts: Listed) -> Sequence[str]:
    """Return the statuses that `--retry` names.

    Raises:
        Usage: one is unknown.
    """
    from bench.store.records import FAILURES

    named = listed(texts) or []
    if named == ["all"]:
        return FAILURES
    for status in named:
        one_of("retry", status, FAILURES)
    return named


def mib(gib: float | None) -> float | None:
    """Return GiB in MiB."""
    return None if gib is None else gib * 1024


def _seeds(text: str | None) -> int | list[int] | None:
    if text is None:
        return None
    try:
        numbers = [int(part) for part in text.removesuffix(",").split(",")]
    except ValueError:
        msg = f"--seeds {text!r} is neither a number of seeds nor a list such as 0,1,2"
        raise Usage(msg) from None
    return numbers if "," in text else numbers[0]
