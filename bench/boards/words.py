"""The types of detectors and the marks, as boards print them."""

TYPES = {"deep": "deep", "shallow": "shallow", "hybrid": "hybrid", "control": "baseline"}
FAMILIES = tuple(TYPES)  # as rows store them
MARKS = {
    "weak": "\N{DEGREE SIGN}", "transductive": "\N{DAGGER}", "shared": "*",
    "near": "\N{ALMOST EQUAL TO}", "inverted": "\N{UP DOWN ARROW}",
}  # fmt: skip
