"""Small tables, written in any format."""

import numpy as np
import pandas as pd
from scipy.io import savemat

FRAME = pd.DataFrame(
    {
        "id": ["a1", "b2", "c3", "d4"],
        "age": [30, 41, 52, 63],
        "income": [1.5, 2.5, 3.5, 4.5],
        "job": ["nurse", "cook", "nurse", "smith"],
        "class": ["ok", "ok", "fraud", "ok"],
    }
)
SETTINGS = "label=class&normal=ok&drop=id"
FORMATS = ("csv", "tsv", "parquet", "feather", "arff", "npz", "mat")


def write(folder, name="täble of mine.csv", **changes):
    """Write FRAME with changed columns in the format of the name's ending; return the path."""
    return write_frame(FRAME.assign(**changes), folder / name)


def write_frame(frame, path):
    """Write a frame in the format of the path's ending; return the path.

    In npz and mat files the last column is y. MATLAB's matrices hold numbers alone.
    """
    ending = path.suffix[1:]
    if ending in ("parquet", "feather"):
        getattr(frame, f"to_{ending}")(path)
    elif ending == "arff":
        path.write_text(arff_of(frame), encoding="utf-8")
    elif ending in ("npz", "mat"):
        features, labels = frame.iloc[:, :-1], frame.iloc[:, -1].to_numpy()
        x = features.to_numpy()
        if x.dtype == object:
            x = features.astype(object).where(features.notna(), "").to_numpy().astype(str)
        if labels.dtype == object:
            labels = labels.astype(str)
        save = np.savez if ending == "npz" else lambda path, **arrays: savemat(path, arrays)
        save(path, X=x, y=labels)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    return path


def arff_of(frame):
    """Return a frame as the text of an ARFF file."""
    kinds = [
        "string" if frame[name].dtype.kind not in "iuf" else "numeric" for name in frame.columns
    ]
    head = [f"@attribute '{name}' {kind}" for name, kind in zip(frame.columns, kinds, strict=True)]
    rows = [",".join(map(_arff_cell, row)) for row in frame.itertuples(index=False)]
    return "\n".join(["@relation t", *head, "@data", *rows, ""])


def _arff_cell(value):
    if pd.isna(value):
        return "?"
    text = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'" if isinstance(value, str) else text
