"""The tests, which mirror the packages; a package, as others install one of this name."""
