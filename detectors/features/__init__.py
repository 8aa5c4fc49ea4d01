"""Detectors on the features of a pretrained network: one file for each method."""
