"""One file for each family or collection of data sets: its loaders and its `ENTRIES`."""
