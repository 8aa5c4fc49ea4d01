"""Deep detectors: one file per method, with its networks, its losses and its scores."""
