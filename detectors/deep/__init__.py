"""Deep detectors: a folder for each family, and in it one file per method."""
