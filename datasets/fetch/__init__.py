"""Fetch and verify files: the only code of this package that uses the network."""
