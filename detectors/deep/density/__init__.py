"""Networks that estimate a density or the time of a diffusion."""
