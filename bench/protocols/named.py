"""Protocols: from a data set and a seed to the training and test rows.

A protocol returns index arrays into the data set. It may use labels; a detector never does. The
name of a protocol includes its parameters, `one-class(contamination=0.05, max_train=10000)`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Lt

from bench.metrics.scored import NOMINAL_ALARM_RATE
from bench.protocols.papers import PUBLISHED
from bench.protocols.split import Indices, NotApplicable, Protocol, Split
from bench.stats.conformal import normals_needed
from datasets import DataSet
from datasets.facts import row_ids
from datasets.grouping import labels_of_groups
from detectors.settings import check_settings, nearest
from detectors.streams import stream

__all__ = ["EXAMPLE", "PARAMETERS", "PROTOCOLS", "NotApplicable", "Split", "find", "parse", "split"]


@dataclass(frozen=True)
class Parameters:
    """The values that parameters of a protocol accept; PARAMETERS describes their effect."""

    calibration: Annotated[float, Ge(0), Lt(1)]
    contamination: Annotated[float, Ge(0), Lt(1)]
    dedup: bool
    max_train: Annotated[int, Ge(1)]


EXAMPLE = "one-class(contamination=0.05, max_train=10000)"
PARAMETERS = {
    "calibration": "share of the training rows, or of their groups, that is held out of the fit; "
    "their scores set the alarms behind `alarm_rate@0.05` and `alarm_recall@0.05`",
    "contamination": "share of anomalies among the training rows, to the nearest row; they are "
    "drawn from their own random stream, untested ones first, and removed from the test rows",
    "dedup": "true: one of several equal rows is kept, a training row if the source has an "
    "official split, and none if their labels differ",
    "max_train": "largest number of training rows, drawn by the seed",
}


@dataclass(frozen=True)
class Named:
    """A protocol with its parameters.

    Attributes:
        name: of the protocol.
        parameters: by name; those that have their default are left out.
    """

    name: str
    parameters: Mapping[str, Any]

    @property
    def protocol(self) -> Protocol:
        return PROTOCOLS[self.name]

    def __str__(self) -> str:
        """Return the canonical text, which rows store and keys contain."""
        told = (f"{k}={str(v).lower()}" for k, v in sorted(self.parameters.items()))
        return f"{self.name}({', '.join(told)})" if self.parameters else self.name


def parse(value: str | Mapping[str, Any]) -> Named:
    """Return the protocol of a text, or of a table with the key "name".

    Raises:
        ValueError: the protocol or a parameter is unknown, with the nearest names, or a value is
            not accepted.
    """
    given = {**value} if isinstance(value, Mapping) else _read(value)
    name = given.pop("name", "")
    if not isinstance(name, str) or name not in PROTOCOLS:
        msg = f"unknown protocol {name!r}; {nearest(str(name), PROTOCOLS)}"
        raise ValueError(msg)
    protocol = PROTOCOLS[name]
    if given and (protocol.paper or protocol.scores_groups):
        why = "is fixed as published" if protocol.paper else "splits whole groups"
        msg = f"the protocol {name} {why} and takes no parameters"
        raise ValueError(msg)
    checked = check_settings(Parameters, given, f"the protocol {name}")
    if checked.get("calibration") and protocol.overlap != "none":
        msg = (
            f"the protocol {name} tests on its training rows, so that none can be held out; leave "
            "out calibration"
        )
        raise ValueError(msg)
    default = {
        "calibration": 0,
        "dedup": False,
        "contamination": None if protocol.trains_on_anomalies else 0,
    }
    return Named(name, {k: v for k, v in checked.items() if k not in default or v != default[k]})


def _read(text: str) -> dict[str, Any]:
    found = re.fullmatch(r"\s*([^()\s]+)\s*(?:\((.*)\))?\s*", text)
    try:
        if found is None:
            raise tomllib.TOMLDecodeError
        given = tomllib.loads(f"table = {{{found[2] or ''}}}")["table"]
    except tomllib.TOMLDecodeError:
        msg = (
            f"cannot read the protocol {text!r}; write a name, or a name with parameters such as "
            f"{EXAMPLE}"
        )
        raise ValueError(msg) from None
    return {**given, "name": found[1]}


def find(text: str) -> Protocol:
    """Return the protocol of that name, whatever its parameters.

    Raises:
        ValueError: as `parse` does.
    """
    return parse(text).protocol


def split(text: str, data: DataSet, seed: int) -> Split:
    """Return the split of a data set under a protocol; it depends on no other randomness.

    Raises:
        NotApplicable: the protocol does not fit the data set.
        ValueError: as `parse` does.
    """
    named = parse(text)
    protocol, parameters = named.protocol, named.parameters
    rows = _distinct(data) if parameters.get("dedup") else np.arange(len(data.y))
    train, test = protocol.choose(data, rows, seed)
    limit = parameters.get("max_train")
    if "contamination" in parameters:
        train, test = _contaminated(named, data, rows, train, test, limit, seed)
    train, held = _held_out(named, data, train[:limit])
    if protocol.overlap == "whole":
        test = train
    if not protocol.paper:
        test = np.sort(test)
    n_anomalies = int(data.y[test].sum())
    if not 0 < n_anomalies < len(test) or not len(train):
        msg = (
            f"{named} gives {data.card.name} {len(train)} training rows, and "
            f"{len(test) - n_anomalies} normal and {n_anomalies} anomalous test rows; "
            "at least one of each is needed"
        )
        raise NotApplicable(msg)
    order = stream(seed, "test order").permutation(len(test) + len(held))
    return Split(train, test, order, held)


def _held_out(named: Named, data: DataSet, train: Indices) -> tuple[Indices, Indices]:
    """Return the training rows that remain, and those held out: the last ones, or groups."""
    share = named.parameters.get("calibration")
    if share is None:
        return train, train[:0]
    groups = _groups(data)[train] if named.protocol.whole_groups else np.arange(len(train))
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    last = np.argsort(first)[len(first) - round(share * len(first)) :]
    out = np.isin(group, last)
    if out.sum() < (needed := normals_needed(NOMINAL_ALARM_RATE)):
        msg = (
            f"{named} holds out {out.sum()} of {len(train)} training rows of {data.card.name}; an "
            f"alarm rate of {NOMINAL_ALARM_RATE} needs {needed}: give a larger calibration"
        )
        raise NotApplicable(msg)
    return train[~out], train[out]


def _contaminated(
    named: Named,
    data: DataSet,
    rows: Indices,
    train: Indices,
    test: Indices,
    limit: int | None,
    seed: int,
) -> tuple[Indices, Indices]:
    """Return training rows with the requested share of anomalies, and the remaining test rows.

    A smaller share takes a subset of the anomalies of a larger one.
    """
    share = named.parameters["contamination"]
    normals = train[data.y[train] == 0]
    n_wanted = round(len(normals) * share / (1 - share))
    if limit is not None and len(normals) + n_wanted > limit:
        n_wanted = round(limit * share)
        normals = normals[: limit - n_wanted]
    rng = stream(seed, "contamination")
    pool = rng.permutation(rows[data.y[rows] == 1])
    if n_wanted > len(pool):
        msg = (
            f"{named} needs {n_wanted} anomalies for {len(normals)} normal rows, and "
            f"{data.card.name} has {len(pool)}; lower contamination or max_train"
        )
        raise NotApplicable(msg)
    pool = pool[np.argsort(np.isin(pool, test), kind="stable")]
    group = np.arange(len(data.y))
    if named.protocol.whole_groups:
        group = _groups(data)
        _, first, place = np.unique(group[pool], return_index=True, return_inverse=True)
        pool = pool[np.argsort(first[place], kind="stable")]  # one group after the other
    drawn = pool[:n_wanted]
    mixed = rng.permutation(np.concatenate([normals, drawn]))
    return mixed, test[~np.isin(group[test], group[drawn])]


@lru_cache(maxsize=4)
def _distinct(data: DataSet) -> Indices:
    """Return (m,) rows without duplicates, ascending.

    The first of several equal rows is kept, rows of an official training part before all others;
    none is kept if their labels differ, since the values do not determine the label.
    """
    ids = row_ids(data.x)
    n_rows, n_anomalies = np.bincount(ids), np.bincount(ids, data.y)
    order = np.arange(len(ids))
    if data.split is not None:
        order = np.concatenate([data.split.train, np.setdiff1d(order, data.split.train)])
    _, first = np.unique(ids[order], return_index=True)
    rows: Indices = np.sort(order[first])
    mixed = (n_anomalies > 0) & (n_anomalies < n_rows)
    rows = rows[~mixed[ids[rows]]]
    return rows


def _one_class(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    rng = stream(seed, "split")
    normals = rng.permutation(rows[data.y[rows] == 0])
    if len(normals) < 2:
        msg = f"{data.card.name} has {len(normals)} normal rows; one-class needs at least two"
        raise NotApplicable(msg)
    n_train = len(normals) // 2
    anomalies = _capped(data, rows[data.y[rows] == 1], len(normals) - n_train, rng)
    return normals[:n_train], np.concatenate([normals[n_train:], anomalies])


def _capped(data: DataSet, anomalies: Indices, n_normals: int, rng: np.random.Generator) -> Indices:
    """Return the test anomalies for a number of normal rows, as the card limits them."""
    cap = data.card.max_test_anomaly_rate
    if cap is not None:
        n_allowed = int(cap / (1 - cap) * n_normals)
        if n_allowed < len(anomalies):
            anomalies = rng.choice(anomalies, size=max(1, n_allowed), replace=False)
    return anomalies


def _official(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    rng = stream(seed, "split")
    if data.split is None:
        msg = f"{data.card.name} has no official split; use the protocol one-class"
        raise NotApplicable(msg)
    train, test = (part[np.isin(part, rows)] for part in (data.split.train, data.split.test))
    return rng.permutation(train[data.y[train] == 0]), test


def _transductive(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    return stream(seed, "split").permutation(rows), rows


def _stratified(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    rng = stream(seed, "split")
    normals, anomalies = (rng.permutation(rows[data.y[rows] == label]) for label in (0, 1))
    n, a = round(0.7 * len(normals)), round(0.7 * len(anomalies))
    train = rng.permutation(np.concatenate([normals[:n], anomalies[:a]]))
    tested = _capped(data, anomalies[a:], len(normals) - n, rng)
    return train, np.concatenate([normals[n:], tested])


def _group_split(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    rng = stream(seed, "split")
    groups, anomalous = _groups(data)[rows], data.y[rows] == 1
    normal_groups = rng.permutation(np.setdiff1d(groups, groups[anomalous]))
    if len(normal_groups) < 2:
        msg = (
            f"{data.card.name} has {len(normal_groups)} groups without an anomaly; group-split "
            "needs at least two"
        )
        raise NotApplicable(msg)
    trains = np.isin(groups, normal_groups[: len(normal_groups) // 2])
    normals = rows[~trains & ~anomalous]
    tested = _capped(data, rows[anomalous], len(normals), rng)
    return rng.permutation(rows[trains]), np.concatenate([normals, tested])


def _of_groups(data: DataSet, rows: Indices, seed: int) -> tuple[Indices, Indices]:
    rng = stream(seed, "split")
    _groups(data)
    try:
        groups, labels = labels_of_groups(data)
    except ValueError as error:
        msg = f"{data.card.name}: {error}; group-split scores the rows of such data"
        raise NotApplicable(msg) from None
    normals = rng.permutation(np.flatnonzero(labels == 0))
    if len(normals) < 2:
        msg = f"{data.card.name} has {len(normals)} normal groups; groups needs at least two"
        raise NotApplicable(msg)
    n_train = len(normals) // 2
    anomalies = _capped(data, np.flatnonzero(labels), len(normals) - n_train, rng)
    tested = np.concatenate([normals[n_train:], anomalies])
    train, test = (rows[np.isin(groups[rows], part)] for part in (normals[:n_train], tested))
    return rng.permutation(train), test


def _groups(data: DataSet) -> Indices:
    if data.bags is None:
        msg = f"the rows of {data.card.name} are not in groups; use the protocol one-class"
        raise NotApplicable(msg)
    return data.bags


PROTOCOLS = {
    "group-split": Protocol(
        "trains on half of the groups without an anomaly; tests on all other groups",
        _group_split,
        whole_groups=True,
    ),
    "groups": Protocol(
        "samples are groups: trains on half of the normal groups; tests on all other groups",
        _of_groups,
        whole_groups=True,
        scores_groups=True,
    ),
    "official": Protocol(
        "trains on the normal rows of the official training part; tests on the official test part",
        _official,
    ),
    "one-class": Protocol(
        "trains on a random half of the normal rows; tests on the other half and the anomalies",
        _one_class,
    ),
    "stratified-70-30": Protocol(
        "trains on 70 % of the normal rows and of the anomalies, without labels; tests on the rest",
        _stratified,
        trains_on_anomalies=True,
    ),
    "transductive": Protocol(
        "trains on all rows, without labels; tests on all rows",
        _transductive,
        trains_on_anomalies=True,
        overlap="whole",
        transductive=True,
    ),
    **PUBLISHED,
}
