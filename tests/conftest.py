"""Settings of all tests."""

import os

# One thread each: workers whose threads wait for each other's cores take eight times as long.
# Read when numpy and torch are imported, which is later.
os.environ["OMP_NUM_THREADS"] = "1"

from hypothesis import settings

# A test's time depends on the machine and on who imported a library first; it says nothing here.
settings.register_profile("fathom", deadline=None)
settings.load_profile("fathom")
