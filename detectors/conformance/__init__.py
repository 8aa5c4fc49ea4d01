"""Checks whether a detector keeps the contract, for the tests and for `bench check`."""
