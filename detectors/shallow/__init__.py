"""Shallow detectors: one file for a method or for closely related methods."""
