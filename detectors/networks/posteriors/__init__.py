"""Families of approximate posteriors q(z|x), and distances between their members."""
