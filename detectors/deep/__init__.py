"""Deep detectors: networks, losses and scores on one training loop."""
