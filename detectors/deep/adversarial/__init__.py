"""Models that match a distribution: by a discriminator, or by a distance between samples."""
