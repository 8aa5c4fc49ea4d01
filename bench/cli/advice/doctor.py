"""The command `bench doctor`: whether this environment can run, on one screen."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import typer

from bench.cli.common.options import FOLDER, Data, Results
from bench.cli.common.output import say

OLDEST = (3, 11, 4)  # Python
SYSTEMS = ("Linux", "Darwin")
LEAST_DISK_GIB = 1.0
NEEDS_NONE = "the suites default and smoke need no files"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Finding(NamedTuple):
    """What is so, and what to do about it if it is wrong."""

    text: str
    remedy: str = ""


def doctor(results: Results = FOLDER, data: Data = None) -> None:
    """Check Python, libraries, machine, MLflow and data.

    A line that starts with WRONG ends with what to do; then the exit status is 1.
    """
    from bench.run.remarks import PAGE

    n_wrong = 0
    for name, check in CHECKS.items():
        try:
            findings = list(check(results, data))
        except Exception as error:  # whatever is broken here is what the command is for
            why = f"{type(error).__name__}: {error}".partition("\n")[0]
            findings = [Finding(why, f"see {PAGE}")]
        for text, remedy in findings:
            n_wrong += bool(remedy)
            say(f"{'WRONG' if remedy else 'ok':<6} {name:<9} {text}{remedy and f': {remedy}'}")
    if n_wrong:
        say(f"{n_wrong} wrong; {PAGE} has more")
        raise typer.Exit(1)


def _system(results: Path, data: Path | None) -> Iterator[Finding]:
    known = platform.system() in SYSTEMS
    yield Finding(platform.platform(), "" if known else "use Linux, macOS, or Linux within Windows")


def _python(results: Path, data: Path | None) -> Iterator[Finding]:
    old = sys.version_info < OLDEST
    remedy = f"needs {'.'.join(map(str, OLDEST))}; `make setup PYTHON=python3.11`" if old else ""
    yield Finding(f"{platform.python_version()} in {sys.prefix}", remedy)


def _packages(results: Path, data: Path | None) -> Iterator[Finding]:
    """Compare what is installed with what the project requires, extras apart."""
    from packaging.requirements import Requirement

    wrong: list[str] = []
    extras: dict[str, bool] = {}
    required = [Requirement(text) for text in metadata.requires("fathom") or ()]
    for each in required:
        here = _version(each.name)
        extra = str(each.marker).partition('extra == "')[2].partition('"')[0]
        if extra:
            extras[extra] = extras.get(extra, True) and here is not None
        elif here is None or not each.specifier.contains(here, prereleases=True):
            wrong.append(f"{each} ({here or 'missing'})")
    text = f"fathom {metadata.version('fathom')}, {len(required)} requirements read"
    remedy = "`pip install -c constraints.txt -e .` in the checkout"
    yield Finding(f"{text}; not met: {', '.join(wrong)}", remedy) if wrong else Finding(text)
    there = sorted(extra for extra, known in extras.items() if known and extra not in ("dev",))
    yield Finding(f"extras: {', '.join(there) or 'none'} (pip install 'fathom[NAME]')")


def _datasets(results: Path, data: Path | None) -> Iterator[Finding]:
    """Look for another distribution whose package has the name of one of the project's."""
    for name in ("datasets", "detectors"):
        others = set(metadata.packages_distributions().get(name, ())) - {"fathom"}
        if others:
            found = ", ".join(sorted(others))
            yield Finding(
                f"{found} has a package {name!r}, too: one hides the other",
                f"`pip uninstall {' '.join(sorted(others))}`, or an environment of its own",
            )
            return
    yield Finding("no other distribution has a package 'datasets' or 'detectors'")


def _torch(results: Path, data: Path | None) -> Iterator[Finding]:
    import torch

    from bench.plan.planning import DRIVERS

    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU that it can use"
    unused = any(Path(driver).exists() for driver in DRIVERS) and not torch.cuda.is_available()
    note = "; a GPU's driver is there: a CUDA build would use it" if unused else ""
    yield Finding(f"{torch.__version__}, {build} build, {device}{note}")


def _machine(results: Path, data: Path | None) -> Iterator[Finding]:
    from bench.run.processes import default_limit_mib, most_jobs

    cores, jobs = os.cpu_count() or 1, most_jobs()
    may = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    at_once = max(1, min(cores, jobs))
    limit = default_limit_mib(at_once) / 1024
    own = [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    threads = f"; {', '.join(own)} (detectors run with one thread each)" if own else ""
    yield Finding(
        f"{cores} cores, {may} usable; {at_once} jobs at once with {limit:.1f} GiB each{threads}",
        f"give --jobs {may}, so that jobs do not share cores" if may < at_once else "",
    )


def _disk(results: Path, data: Path | None) -> Iterator[Finding]:
    import tempfile

    for what, path in (("results", results), ("temporary files", Path(tempfile.gettempdir()))):
        place = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
        free = shutil.disk_usage(place).free / 2**30
        remedy = "" if free >= LEAST_DISK_GIB else f"free {LEAST_DISK_GIB:.0f} GiB"
        if not os.access(place, os.W_OK):
            remedy = "it cannot be written; give another with --results, or set TMPDIR"
        yield Finding(f"{free:.1f} GiB free for {what} in {place}", remedy)


def _results(results: Path, data: Path | None) -> Iterator[Finding]:
    from bench.cli.common.stores import statuses
    from bench.store.folder import STORE
    from bench.store.records import FAILURES

    if not (results / STORE).is_file():
        yield Finding(f"no {STORE} in {results} yet; `bench run smoke` makes one")
        return
    found = statuses(results)
    n_failed = sum(status in FAILURES for status in found.values())
    yield Finding(f"{results / STORE}: {len(found)} rows, {n_failed} of them not ok")


def _mlflow(results: Path, data: Path | None) -> Iterator[Finding]:
    """Look whether the local database, if there is one, or else the server can be read."""
    import sqlite3
    import urllib.request
    from contextlib import closing

    from bench.tracking.destination import local_file, tracking_uri, without_password

    uri, version = tracking_uri(results), _version("mlflow")
    file, place = local_file(uri), without_password(uri)
    try:
        if file is None:
            with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=5):
                pass
            yield Finding(f"{version}, {place} answers")
        elif not file.exists():
            yield Finding(f"{version}; {file} is made by the first run")
        else:
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
                ((n_runs,),) = database.execute("SELECT count(*) FROM runs").fetchall()
            yield Finding(f"{version}, {n_runs} runs in {file}")
    except (OSError, ValueError, sqlite3.Error) as error:
        why = f"{version}, {place} cannot be opened ({error})"
        act = "move the file away and `bench track` rebuilds it" if file else "start it, or unset"
        yield Finding(why, act if file else f"{act} MLFLOW_TRACKING_URI")


def _data(results: Path, data: Path | None) -> Iterator[Finding]:
    import datasets

    folder = datasets.data_folder(data)
    if not folder.is_dir():
        remedy = "name a folder by --data or BENCH_DATA" if folder.exists() else ""
        text = f"{folder} is no folder yet; `bench data fetch NAME` makes it; {NEEDS_NONE}"
        yield Finding(text, remedy)
        return
    entries = {name: datasets.find(name) for name in datasets.names()}
    names = [name for name, entry in entries.items() if entry.files or entry.folders]
    here = [name for name in names if datasets.present(name, data)]
    groups: dict[str, int] = {}
    for name in here:
        groups[name.partition("/")[0]] = groups.get(name.partition("/")[0], 0) + 1
    found = ", ".join(f"{group} {n}" for group, n in groups.items()) or "none"
    text = f"{folder}: {len(here)} of {len(names)} data sets ({found})"
    yield Finding(text if here else f"{text}; {NEEDS_NONE}")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


CHECKS: dict[str, Callable[[Path, Path | None], Iterator[Finding]]] = {
    "system": _system,
    "python": _python,
    "packages": _packages,
    "names": _datasets,
    "torch": _torch,
    "machine": _machine,
    "disk": _disk,
    "results": _results,
    "mlflow": _mlflow,
    "data": _data,
}
