"""Settings of all tests."""

import os

# One thread each: workers whose threads wait for each other's cores take eight times as long.
# Read when numpy, torch and numba are imported, which is later. Numba, which some detectors of PyOD
# import, would set the number of torch's threads with its own.
os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

from pathlib import Path

from hypothesis import settings

from tests.helpers.fault_matrix import FaultMatrix

# A test's time depends on the machine and on who imported a library first; it says nothing here.
settings.register_profile("fathom", deadline=None)
settings.load_profile("fathom")


def pytest_addoption(parser):
    parser.addoption("--fault-matrix", type=Path, help="write the table of injected faults to it")


def pytest_configure(config):
    path = config.getoption("--fault-matrix")
    if path and not hasattr(config, "workerinput"):  # the process that sees all outcomes
        config.pluginmanager.register(FaultMatrix(path))


def pytest_collection_modifyitems(items):
    for item in items:
        for marker in item.iter_markers("fault"):
            fault = [marker.kwargs[part] for part in ("area", "kind", "how", "promise")]
            item.user_properties.append(("fault", fault))
