"""The sandbox: a fork server in which detectors run, one child a job.

`python -m bench.run.server MODULE...` imports the modules once, then forks a child for every
request that comes over its standard input, a socket. A child talks with the harness over a
channel of its own and gets training samples, settings and seeds; after `fit` returned, the
test samples, in permuted order; never a label. This process is started anew (not forked from
the harness), so that no label was ever in its memory. That guards against accident and
convenience, not against malice: a detector runs with the user's rights.

The server ends when the socket closes, and takes its child along.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from bench.metrics.pixels import scores_of
from bench.run import scoring
from bench.run.diagnostics import read_diagnostics
from bench.store.codeid import file_digest
from detectors.contract import Collapsed, Detector, Diverged, Unsupported
from detectors.factory import check, make
from detectors.spec import Spec, parse

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CANNOT_GO_ON = 70  # exit status of a child that fails outside the detector's own code
MAX_WARNINGS = 20
MAX_REASON = 500  # characters


def main(modules: Sequence[str]) -> None:
    """Import the modules, then serve until the harness closes the socket."""
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    for module in modules:
        importlib.import_module(module)
    if "sklearn" in sys.modules:  # its first fit looks up thread pools: here once, not a child
        make("lof", n_neighbors=1).fit(np.eye(3)).score(np.eye(3))
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control.sendall(b"R")
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not request:
            return
        pid = os.fork()
        if pid == 0:
            _become_child(control, *descriptors)
        with contextlib.suppress(OSError):  # the child does the same; whoever comes first
            os.setpgid(pid, pid)
        for descriptor in descriptors:
            os.close(descriptor)
        control.sendall(pid.to_bytes(8, "little"))
        status = _wait(pid, control, woken)
        control.sendall(status.to_bytes(8, "little"))


def _wait(pid: int, control: socket.socket, woken: int) -> int:
    """Wait for the child's end; if the harness goes away first, kill the child and leave."""
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if control.fileno() in ready:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            _end_strays()
            sys.exit(1)
        os.read(woken, 4096)
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _end_strays()
            return status


def _end_strays() -> None:
    """Kill the processes that a child left behind, whatever group or session they went to.

    On Linux they became children of this process, their subreaper, when their parent died.
    """
    while strays := _children():
        for pid in strays:
            os.kill(pid, signal.SIGKILL)
        for pid in strays:
            os.waitpid(pid, 0)


def _children() -> list[int]:
    with contextlib.suppress(OSError):
        listed = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
        return [int(pid) for pid in " ".join(listed).split()]
    return []


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


def _become_child(control: socket.socket, channel: int, output: int) -> None:
    """Set up the forked child and do what the harness asks for; never returns."""
    parent = os.getppid()
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    control.close()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    try:
        with Connection(channel) as connection:
            # A copy of this process, made by a detector, must not answer in its place.
            os.register_at_fork(after_in_child=connection.close)
            _serve(connection)
    except BaseException:  # the last line of defence: the harness reads it in the output
        with contextlib.suppress(Exception):  # whatever a detector has made of standard error
            traceback.print_exc()
        os._exit(CANNOT_GO_ON)
    os._exit(0)


def _serve(connection: Connection) -> None:
    request = json.loads(connection.recv_bytes())
    if "check" in request:
        for pair in request["check"]:
            _send(connection, error=_error_of(*pair))
        return
    spec, home = parse(request["model"]), os.getcwd()
    while block := json.loads(connection.recv_bytes()):
        os.chdir(home)  # a detector of the block before may have left it
        _run_block(connection, spec, request, block)


def _error_of(text: str, settings: Mapping[str, Any]) -> str | None:
    try:
        check(text, settings)
    except ValueError as error:
        return str(error)
    except BaseException as error:  # a user's file may raise anything when it is imported
        return f"{text} cannot be made: {_failure(error)['reason']}"
    return None


def _run_block(
    connection: Connection, spec: Spec, job: Mapping[str, Any], block: Sequence[Mapping[str, Any]]
) -> None:
    """Fit the block's models, tell the harness, then read out every wanted score in order."""
    wants = {want["spec"]: parse(want["spec"]) for unit in block for want in unit["wants"]}
    scoring.seed_generators(block[0]["seed"])
    models, files, told = _fit(spec, job, block)
    _send(connection, files=files)
    _send(connection, units=told)
    tests = json.loads(connection.recv_bytes())
    for i, (unit, outcome) in enumerate(zip(block, told, strict=True)):
        if "status" in outcome:
            continue
        model = models[i]
        x_test = np.load(tests[str(unit["seed"])])
        x_test.setflags(write=False)
        for want in unit["wants"]:
            scoring.seed_generators(unit["seed"])
            result, scores = _read_out(model, wants[want["spec"]], want, unit, x_test)
            _send(connection, result=result)
            if scores is not None:
                connection.send_bytes(scores.tobytes())


def _files_read(spec: Spec) -> dict[str, str]:
    """Return the sha256 of the user's file that a model was imported from, as it is now."""
    file = spec.entry.target.rpartition(":")[0]
    return {file: file_digest(Path(file))} if file.endswith(".py") else {}


def _fit(
    spec: Spec, job: Mapping[str, Any], block: Sequence[Mapping[str, Any]]
) -> tuple[list[Detector], dict[str, str], list[dict[str, Any]]]:
    """Fit one model a unit; return them, `_files_read` and what is told of each: its costs and
    diagnostics, or its failure."""
    samples = [np.load(unit["x_train"]) for unit in block]
    models: list[Detector] = []
    files: dict[str, str] = {}
    outcomes: list[dict[str, Any]] = [{}] * len(block)
    start_peak = _reset_peak()
    cpu, wall = time.process_time(), time.perf_counter()
    with _warnings() as caught:
        try:
            seeds = [unit["seed"] for unit in block]
            models = scoring.build(spec, job["settings"], job["device"], seeds)
            files = _files_read(spec)
            errors = scoring.fit(spec, models, samples)
            outcomes = [
                _failure(error) if error else _size(model)
                for model, error in zip(models, errors, strict=True)
            ]
        except BaseException as error:  # also SystemExit and KeyboardInterrupt
            outcomes = [_failure(error)] * len(block)
    costs = {
        "model_fit_seconds": (time.process_time() - cpu) / len(block),
        "fit_wall_seconds": (time.perf_counter() - wall) / len(block),
        "peak_mib": _peak_mib(start_peak),
        "warnings": caught,
    }
    told = [{**costs, **outcome} for outcome in outcomes]
    for i, outcome in enumerate(told):
        if "status" not in outcome:
            told[i] = outcome | _diagnostics(models[i], caught)
    return models, files, told


def _diagnostics(model: Detector, before: Sequence[str]) -> dict[str, Any]:
    """Return what a fitted model says of its fit, and the warnings with those that this raises."""
    with _warnings() as caught:
        diagnostics, left_out = read_diagnostics(model)
    sentences = [_encodable(_one_line(sentence)) for sentence in left_out]
    return {"diagnostics": diagnostics, "warnings": [*before, *caught, *sentences]}


def _size(model: Detector) -> dict[str, Any]:
    n_parameters = model.n_parameters_
    return {"parameters": None if n_parameters is None else int(n_parameters)}


def _read_out(
    model: Detector,
    spec: Spec,
    want: Mapping[str, Any],
    unit: Mapping[str, Any],
    x_test: np.ndarray,
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Return costs and scores of one read-out or head of a fitted model, or its failure.

    Where they are asked for, the scores of pixels go to their file.
    """
    start_peak = _reset_peak()
    head_seconds = head_wall_seconds = 0.0
    with _warnings() as caught:
        try:
            detector = model
            start, wall = time.process_time(), time.perf_counter()
            if spec.head:
                x_train = np.load(unit["x_train"])
                detector = scoring.with_head(spec, model, want["head"], unit["seed"], x_train)
                head_seconds = time.process_time() - start
                head_wall_seconds = time.perf_counter() - wall
            start = time.process_time()
            scores = scoring.score(detector, spec.readout, x_test)
            score_us = (time.process_time() - start) / len(x_test) * 1e6
            peak_mib = _peak_mib(start_peak)
            if want["pixels"] and not spec.head and (found := scores_of(model, x_test)) is not None:
                np.save(want["pixels"], found)
        except BaseException as error:  # also SystemExit and KeyboardInterrupt
            return {**_failure(error), "warnings": caught}, None
    costs = {
        "head_fit_seconds": head_seconds,
        "head_wall_seconds": head_wall_seconds,
        "score_us": score_us,
        "peak_mib": peak_mib,
        "warnings": caught,
    }
    return costs, scores


def _failure(error: BaseException) -> dict[str, Any]:
    """Return status, reason and traceback of what a detector raised."""
    status = "error"
    told = str(traceback.TracebackException.from_exception(error))  # str(error) itself may raise
    reason = f"{type(error).__name__}: {told}"
    own = {Unsupported: "unsupported", Diverged: "non-finite", Collapsed: "constant"}
    named = [status for kind, status in own.items() if isinstance(error, kind)]
    if named:
        status, reason = named[0], told
    elif isinstance(error, MemoryError) or _is_torch_memory_error(error):
        status = "memory"
    elif isinstance(error, SystemExit):
        reason = f"the detector called exit({error.code!r})"
    text = "".join(traceback.format_exception(error))
    return {"status": status, "reason": _one_line(reason), "traceback": _encodable(text)}


def _one_line(text: str) -> str:
    """Return a text that may be printed: no control characters, no lone surrogates, not long."""
    line = "".join(c if c.isprintable() else " " for c in text[: 2 * MAX_REASON])
    return line if len(line) <= MAX_REASON else line[:MAX_REASON] + " ..."


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _is_torch_memory_error(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in str(error) or type(error).__name__ == "OutOfMemoryError"
    )


@contextlib.contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect the distinct warnings raised inside, as text."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            yield texts
        finally:
            distinct = dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)
            texts.extend(_encodable(text) for text in list(distinct)[:MAX_WARNINGS])


def _reset_peak() -> int:
    """Let the kernel forget the peak so far (Linux); return the present memory in KiB."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _high_water_kib()


def _peak_mib(start_kib: int) -> float:
    return max(0, _high_water_kib() - start_kib) / 1024


def _high_water_kib() -> int:
    """Return the peak resident memory of this process in KiB."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def _send(connection: Connection, **message: Any) -> None:
    connection.send_bytes(json.dumps(message).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
