"""Which rows train and test, and how they are scaled."""
