"""PyOD's detectors behind the contract: the one folder that knows PyOD."""
