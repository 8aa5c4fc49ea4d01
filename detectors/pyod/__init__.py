"""Adapters to PyOD's detectors: the only folder that knows PyOD's interface."""
