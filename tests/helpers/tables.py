"""A small table, written in any format."""

import pandas as pd

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


def write(folder, name="täble of mine.csv", **changes):
    """Write FRAME with changed columns in the format of the name's ending; return the path."""
    path = folder / name
    frame = FRAME.assign(**changes)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".feather":
        frame.to_feather(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path
