"""Scores of a method whose code is closed, as rows of a status of their own.

Nothing here saw the method: neither that it trained on the training samples alone, nor that labels
were kept from it. So the rows are `imported`, their names say so wherever they are printed, and
only boards show them; their metrics are computed from the scores as those of all rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import datasets
from bench.metrics import scored
from bench.protocols.named import parse, split
from bench.store.records import IMPORTED, Row, Wanted

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dataset", "seed", "sample", "score")
MOST_SEED = 2**31 - 1


def read(table: Path, name: str, family: str, protocol: str, data: Path | None) -> list[Row]:
    """Return the rows of a table of scores, one for each data set and seed.

    Args:
        table: a CSV file with `COLUMNS`; further columns are ignored.
        name: of the method.
        family: the method's type.
        protocol: that splits the data sets.
        data: the data folder, None for the default one.

    Raises:
        ValueError: the table has other columns, texts in place of numbers, or other samples than
            the test samples; or a data set or the protocol is unknown or does not fit.
        OSError: the table or a data set cannot be read.
    """
    import pandas as pd

    if not name.strip() or not name.isprintable():
        msg = f"the name {name!r} cannot stand on a board; give a text"
        raise ValueError(msg)
    try:
        found = pd.read_csv(table, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        msg = f"{table} is no CSV file: {str(error).strip()}"
        raise ValueError(msg) from None
    if absent := [column for column in COLUMNS if column not in found.columns]:
        msg = (
            f"{table} has no column {', '.join(absent)}; it takes {', '.join(COLUMNS)}, as "
            "`bench export scores.csv --table scores` writes them"
        )
        raise ValueError(msg)
    if found.empty:
        msg = f"{table} has no scores"
        raise ValueError(msg)
    numbers = {column: _numbers(found[column], f"{table}: {column}") for column in COLUMNS[1:]}
    if not 0 <= numbers["seed"].min() <= numbers["seed"].max() <= MOST_SEED:
        msg = f"{table}: a seed is a whole number from 0 to {MOST_SEED}"
        raise ValueError(msg)
    found = found[["dataset"]].assign(**numbers)
    source = {"source": table.name, "sha256": hashlib.sha256(table.read_bytes()).hexdigest()}
    made = {"date": datetime.now(UTC).isoformat(timespec="seconds"), **source}
    return list(_rows(found, name, family, str(parse(protocol)), made, data))


def _numbers(texts: pd.Series, what: str) -> NDArray[Any]:
    """Return numbers, whole ones of all columns but the scores."""
    kind = float if what.endswith("score") else int
    values = []
    for line, text in enumerate(texts, 2):
        try:
            values.append(kind(text))
        except ValueError:
            of = "number" if kind is float else "whole number"
            msg = f"{what} in line {line} is {text!r}; give a {of}"
            raise ValueError(msg) from None
    found = np.array(values)
    if not np.isfinite(found).all():
        line = int(np.flatnonzero(~np.isfinite(found))[0]) + 2
        msg = f"{what} in line {line} is {texts.iloc[line - 2]}; give a finite number"
        raise ValueError(msg)
    return found


def _rows(
    found: pd.DataFrame, name: str, family: str, protocol: str, made: dict[str, str],
    data: Path | None,
) -> Iterator[Row]:  # fmt: skip
    names = {given: datasets.find(str(given)).name for given in found["dataset"].unique()}
    for given, of_set in found.groupby("dataset", sort=False):
        dataset = names[given]
        loaded = datasets.load(dataset, data)
        for seed in map(int, np.unique(of_set["seed"])):
            lines = of_set[of_set["seed"] == seed]
            drawn = split(protocol, loaded, seed)
            scores = _in_order(lines, drawn.test, f"{dataset}, seed {seed}")
            truth = loaded.y[drawn.test]
            wanted = Wanted(
                spec=f"{IMPORTED}:{name}",
                model=IMPORTED,
                settings={},
                label=f"{name} ({IMPORTED})",
                family=family,
                transductive=False,
                dataset=dataset,
                dataset_family=datasets.find(dataset).family,
                data_sha256=loaded.card.sha256,
                protocol=protocol,
                scaler="unknown",
                seed=seed,
                device="unknown",
                code_id=IMPORTED,
            )
            sizes = {
                "n_train": len(drawn.train), "n_test": len(truth), "n_anomalies": int(truth.sum()),
            }  # fmt: skip
            yield Row(
                wanted, IMPORTED, sizes=sizes, metrics=scored.compute(truth, scores),
                provenance=made, scores=scores, truth=truth,
            )  # fmt: skip


def _in_order(lines: pd.DataFrame, test: NDArray[np.intp], where: str) -> NDArray[np.float64]:
    """Return the scores of the test samples, in their order.

    Raises:
        ValueError: a sample is there twice or missing, or is none of the test samples.
    """
    numbers = lines["sample"].to_numpy()
    if (twice := lines["sample"].duplicated()).any():
        msg = f"{where}: sample {numbers[twice][0]} has several scores; give one"
        raise ValueError(msg)
    if len(other := np.setdiff1d(numbers, test)):
        msg = (
            f"{where}: sample {other[0]} is no test sample ({len(other)} are not); score those "
            "that `bench export scores.csv --table scores` lists"
        )
        raise ValueError(msg)
    if len(absent := np.setdiff1d(test, numbers)):
        msg = f"{where}: {len(absent)} test samples have no score, the first is sample {absent[0]}"
        raise ValueError(msg)
    found: NDArray[np.float64] = lines.set_index("sample")["score"].reindex(test).to_numpy(float)
    return found
