"""Detectors of groups, one file for each method, and nothing else."""
