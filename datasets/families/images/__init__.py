"""Families of image data sets: a loader and its catalogue entries in one file."""
