"""What a user says of a table: the settings of its name or its card, each with its default."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

ENCODINGS = ("one-hot", "ordinal")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "missing": ("refuse", "keep", "drop-rows"),
    "dates": ("refuse", "calendar"),
    "decimal": ("plain", "point", "comma"),
    "header": ("guess", "yes", "no"),
}
"""The values that a setting accepts, where they are few."""


class Settings(NamedTuple):
    """How a table is read.

    Attributes:
        label: the label column; "" for none named, which npz and mat need not, with labels as y.
        normal: labels of normal rows, every other one is anomalous; empty for 0 and 1.
        drop: columns to leave out.
        na: texts and numbers that mean a missing value, besides the usual ones.
        categorical: columns to encode, or an encoding alone for all columns of text; an encoding
            beside columns is theirs, one-hot otherwise.
        missing: "keep" (as NaN, for a scaler that imputes), "drop-rows", or "refuse".
        dates: "calendar" for five numbers for each column of dates, or "refuse".
        decimal: "plain" numbers such as 1000.5, or "point" for 1,000.5, or "comma" for 1.000,5.
        header: whether the first line of a csv or tsv file has the names of columns.
        group: the column that says which group a row is of; "" for a table without groups.
    """

    label: str = ""
    normal: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    na: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    missing: str = "refuse"
    dates: str = "refuse"
    decimal: str = "plain"
    header: str = "guess"
    group: str = ""

    @property
    def encoding(self) -> str:
        """How columns of text are encoded."""
        return next((word for word in self.categorical if word in ENCODINGS), "one-hot")

    @property
    def encoded(self) -> tuple[str, ...] | None:
        """The columns to encode; None for all columns of text."""
        named = tuple(word for word in self.categorical if word not in ENCODINGS)
        return None if self.categorical and not named else named

    def tidied(self, label: str) -> Settings:
        """Return the settings with names as those of columns are compared, and a default label."""
        return self._replace(
            label=tidy(self.label) or label,
            drop=tuple(map(tidy, self.drop)),
            group=tidy(self.group),
            categorical=tuple(map(tidy, self.categorical)),
        )


_UNSEEN = re.compile(r"[\x00\u00ad\u200b\u200e\u200f\u2060\ufeff]")


def tidy(text: str) -> str:
    """Return a text with its blanks joined, accents in one form, and no invisible characters."""
    return " ".join(unicodedata.normalize("NFC", _UNSEEN.sub("", text)).split())
