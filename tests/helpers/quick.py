"""Settings that make a fit or a score of the dearest detectors short."""

QUICK = {"anogan": {"search_steps": 5}, "goad": {"n_transforms": 16}}
