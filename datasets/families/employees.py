"""Generated records of employees, of numbers and of texts, with planted anomalies, for encoders.

A normal's income follows from job, age and city. An anomaly is usual in every column alone: its
income is that of another job, its age is one at which nobody has that job, or it has a job in a
city that has none of it. The content is the same on every machine: `RandomState`, whose streams
numpy has frozen (NEP 19), and whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from datasets.codes import Codes
from datasets.record import Array, Card, DataSet

N_NORMALS = 1000
N_ANOMALIES = 60
SEED = 0

SEXES = ("female", "male")
CITIES = ("Bergen", "Kyoto", "Lima", "Porto")
JOBS = ("apprentice", "clerk", "engineer", "manager", "surgeon")
_AGES = ((16, 22), (20, 64), (24, 64), (32, 64), (34, 66))  # by job, years
_INCOMES = (900, 2200, 3800, 5600, 9000)  # by job, a month, at the youngest age
_COSTS = (1.2, 1.1, 0.7, 0.9)  # by city
_OPEN = ((1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 0, 1), (1, 1, 1, 1), (0, 1, 1, 0))  # by job and city


def employees(card: Card, paths: Sequence[Path]) -> DataSet:
    """Return records (sex, age, city, income, job); sex, city and job are codes, one-hot later."""
    rng = np.random.RandomState(SEED)
    normals = np.array([_normal(rng) for _ in range(N_NORMALS)])
    anomalies = np.array([_SPOILERS[k % 3](_normal(rng), rng) for k in range(N_ANOMALIES)])
    order = rng.permutation(N_NORMALS + N_ANOMALIES)
    x = np.concatenate([normals, anomalies])[order]
    codes = Codes("one-hot", {0: SEXES, 2: CITIES, 4: JOBS})
    return DataSet(card, x, order >= N_NORMALS, codes=codes)


def _normal(rng: np.random.RandomState) -> Array:
    job = int(rng.choice(len(JOBS), p=(0.15, 0.3, 0.3, 0.15, 0.1)))
    city = int(rng.choice(np.flatnonzero(_OPEN[job])))
    age = int(rng.randint(*_AGES[job]))
    return np.array([rng.randint(2), age, city, _income(job, city, age, rng), job], dtype=float)


def _income(job: int, city: int, age: int, rng: np.random.RandomState) -> int:
    raised = _INCOMES[job] * (1 + 0.015 * (age - _AGES[job][0]))
    return round(raised * _COSTS[city] * rng.uniform(0.95, 1.05))


def _other_income(record: Array, rng: np.random.RandomState) -> Array:
    """Return the record with the income of a job two steps up or down."""
    sex, age, city, _, job = record
    other = int(job) + (2 if job < 3 else -2)
    return np.array([sex, age, city, _income(other, int(city), int(age), rng), job])


def _other_age(record: Array, rng: np.random.RandomState) -> Array:
    """Return an apprentice of an age, or a surgeon of a youth, that none has."""
    sex, _, _, _, job = record
    job, age = (0, rng.randint(40, 60)) if job < 3 else (4, rng.randint(18, 26))
    city = int(rng.choice(np.flatnonzero(_OPEN[job])))
    return np.array([sex, age, city, _income(job, city, _AGES[job][0], rng), job])


def _other_city(record: Array, rng: np.random.RandomState) -> Array:
    """Return an engineer or a surgeon in a city without."""
    sex, _, _, _, job = record
    job, city = (2, 2) if job < 3 else (4, 0)
    age = int(rng.randint(*_AGES[job]))
    return np.array([sex, age, city, _income(job, city, age, rng), job])


_SPOILERS = (_other_income, _other_age, _other_city)
