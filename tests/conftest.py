"""Settings of all tests."""

from hypothesis import settings

# A test's time depends on the machine and on who imported a library first; it says nothing here.
settings.register_profile("fathom", deadline=None)
settings.load_profile("fathom")
