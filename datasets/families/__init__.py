"""One file for each family of data sets, or each origin of several."""
