"""The page of results: one HTML file that needs no network, made from stored rows alone."""

from bench.report.page import render
from bench.report.rows import as_stored, chosen_rows

__all__ = ["as_stored", "chosen_rows", "render"]
