"""Pure functions from rows to a board, and from a board to tests of its detectors."""
