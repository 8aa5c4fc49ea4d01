"""Pure functions from rows and published tables to the comparison of both."""
