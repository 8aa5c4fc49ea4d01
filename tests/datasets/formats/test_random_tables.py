"""Random tables with random traits, in random formats: what is read is what was meant."""

import math
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets import load
from tests.helpers.files.tables import write_frame

TEXTS = st.text("abcxyzäß '\"%,;{}\\?-", min_size=1, max_size=6).map(lambda t: f"t{t}".strip())
FORMS = (
    *("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%SZ", "%Y%m%dT%H%M%S", "%Y-%jT%H:%M:%S"),
    *("%G-W%V-%uT%H:%M:%S", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dt%H:%M:%S\u221200:00"),
)
MISSING = ("", "NA", "nan", "null", "None", "<NA>")


def missing_in(cells, draw):
    """Replace some cells by texts that mean a missing value; return which."""
    at = draw(st.lists(st.integers(0, len(cells) - 1), max_size=3, unique=True))
    for place in at:
        cells[place] = draw(st.sampled_from(MISSING))
    return at


@st.composite
def columns(draw, n):
    """Return a column's cells, how it is declared, and the numbers that are meant."""
    kind = draw(st.sampled_from(["float", "whole", "text number", "truth", "category", "date"]))
    many = {"min_size": n, "max_size": n}
    if kind in ("float", "text number"):
        finite = st.floats(allow_nan=False, allow_infinity=False)
        values = draw(st.lists(finite, **many))
    elif kind == "whole":
        values = list(map(float, draw(st.lists(st.integers(-999, 999), **many))))
    elif kind == "truth":
        values = list(map(float, draw(st.lists(st.booleans(), **many))))
    elif kind == "category":
        return _category(draw(st.lists(TEXTS, **many)), draw)
    else:
        return _dates(draw(st.lists(st.integers(0, 10**9), **many)), draw)
    written = {"truth": [str(v == 1) for v in values], "whole": [str(int(v)) for v in values]}
    cells = written.get(kind, list(map(repr, values)))
    if kind == "text number":
        pad = draw(st.sampled_from([" ", "\u00a0", ""]))
        cells = [f"{pad}{cell}{pad}" for cell in cells]
    if kind in ("float", "whole") and draw(st.booleans()):  # typed, in formats that have types
        return np.array(values), "", [np.array(values)]
    for place in missing_in(cells, draw):
        values[place] = math.nan
    return cells, "", [np.array(values)]


def _category(texts, draw):
    known = sorted({" ".join(text.split()) for text in texts})
    codes = [float(known.index(" ".join(text.split()))) for text in texts]
    cells = list(texts)
    gone = missing_in(cells, draw)
    left = sorted({" ".join(t.split()) for k, t in enumerate(texts) if k not in gone})
    codes = [
        math.nan if k in gone else float(left.index(" ".join(t.split())))
        for k, t in enumerate(texts)
    ]
    return cells, "categorical", [np.array(codes)]


def _dates(seconds, draw):
    times = [datetime(1970, 1, 1) + timedelta(seconds=second) for second in seconds]
    form = draw(st.sampled_from(FORMS))
    cells = [time.strftime(form) for time in times]
    parts = [
        (time.year, time.month, time.weekday(), time.hour, second)
        for time, second in zip(times, seconds, strict=True)
    ]
    meant = np.array(parts, float)
    for place in missing_in(cells, draw):
        meant[place] = math.nan
    return cells, "", list(meant.T)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_random_table_is_read_as_it_was_meant(tmp_path_factory, data):
    n = data.draw(st.integers(4, 9))
    made = data.draw(st.lists(columns(n), min_size=1, max_size=4))
    normal = data.draw(TEXTS)
    labels = [normal if k % 3 else f"other {normal}" for k in range(n)]
    ending = data.draw(st.sampled_from(["csv", "tsv", "parquet", "feather", "arff", "npz"]))
    frame = pd.DataFrame({f"c{j}": cells for j, (cells, *_) in enumerate(made)} | {"y": labels})
    path = write_frame(frame, tmp_path_factory.mktemp("table") / f"a.{ending}")
    name = {f"c{j}": str(j) if ending == "npz" else f"c{j}" for j in range(len(made))}
    declared = "".join(f"&categorical={name[f'c{j}']}" for j, (_, how, _) in enumerate(made) if how)
    meant = np.column_stack([part for *_, parts in made for part in parts])

    from urllib.parse import quote

    asked = f"label=y&normal={quote(normal)}&missing=keep&dates=calendar{declared}"
    if all(all(str(cell) in MISSING for cell in cells) for cells, *_ in made):
        return
    read = load(f"file:{path}?{asked}")

    np.testing.assert_array_equal(read.x, meant)
    assert read.y.tolist() == [int(label != normal) for label in labels]
