"""Says what is to be run; runs nothing."""
