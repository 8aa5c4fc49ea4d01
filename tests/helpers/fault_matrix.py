"""The table of injected faults, `docs/faults.md`: written from the outcomes of the tests that are
marked `fault(area, kind, how, promise)`, when pytest is given `--fault-matrix FILE`."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

HEAD = """# Injected faults

`make test-slow` injects each of these faults for real, checks what is promised, and writes this
page. *Held* means that every test of the fault passed; *skipped* means that the machine which wrote
the page lacks what the test needs.

"""


DETECTORS = "detectors and their processes"


def fault(
    kind: str, how: str, promise: str, *, area: str = DETECTORS, case: object = None
) -> ParameterSet:
    """A case of a parametrised test, by default of the name of the fault."""
    mark = pytest.mark.fault(area=area, kind=kind, how=how, promise=promise)
    return pytest.param(kind if case is None else case, marks=mark, id=str(case or kind))


def faults(kinds: Iterable[str], how: str, promise: str) -> list[ParameterSet]:
    """Cases of a parametrised test: faults that are injected alike and promise the same."""
    return [fault(kind, how, promise) for kind in kinds]


class FaultMatrix:
    """Collects the outcome of each marked test, also of those that ran in other processes."""

    def __init__(self, path: Path):
        self.path = path
        self.outcomes: dict[tuple[str, ...], set[str]] = defaultdict(set)

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, fault in report.user_properties:
            if name == "fault" and (report.when == "call" or report.outcome != "passed"):
                self.outcomes[tuple(fault)].add(report.outcome)

    @pytest.hookimpl
    def pytest_sessionfinish(self) -> None:
        areas: dict[str, list[str]] = defaultdict(list)
        for (area, *texts), outcomes in sorted(self.outcomes.items()):
            cells = [*texts, result(outcomes)]
            areas[area].append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        sections = [
            f"## {area}\n\n| fault | injected by | promise | result |\n|---|---|---|---|\n"
            + "\n".join(lines)
            for area, lines in areas.items()
        ]
        self.path.write_text(HEAD + "\n\n".join(sections) + "\n")


def result(outcomes: set[str]) -> str:
    """One word for the outcomes of all tests of a fault."""
    if "failed" in outcomes:
        return "**not held**"
    return "held" if "passed" in outcomes else "skipped"
