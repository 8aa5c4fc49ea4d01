"""Pure functions from rows of several commits to comparisons of them."""
