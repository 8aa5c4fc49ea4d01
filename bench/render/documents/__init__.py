"""The documents of single commands, one file for each."""
