"""One file for each file format: bytes to arrays and tables, for whatever data set."""
