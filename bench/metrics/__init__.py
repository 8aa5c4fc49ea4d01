"""Labels and scores to numbers."""
