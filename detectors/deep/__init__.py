"""Deep detectors: one file a method and nothing else."""
