"""Values to text and pictures; computes nothing.

Every command builds a document of the tables of `table`, and `formats` lists what writes it: a new
format is one line there.
"""
