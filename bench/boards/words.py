"""The types of detectors and the marks, as boards print them, and lists of names in sentences."""

from collections.abc import Sequence

# As rows store them, and as they are printed.
TYPES = {"deep": "deep", "shallow": "shallow", "hybrid": "hybrid", "control": "baseline"}
MARKS = {
    "weak": "\N{DEGREE SIGN}", "transductive": "\N{DAGGER}", "shared": "*",
    "near": "\N{ALMOST EQUAL TO}", "inverted": "\N{UP DOWN ARROW}",
}  # fmt: skip


def listed(names: Sequence[str], most: int) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
