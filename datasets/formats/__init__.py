"""One file for each file format: files to arrays and tables, independent of any data set."""
