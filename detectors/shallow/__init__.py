"""Shallow detectors: one file a method or a close family of methods."""
