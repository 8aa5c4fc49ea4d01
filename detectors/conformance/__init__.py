"""The contract as checks, for the tests and for `bench check`: whether a detector keeps it."""
