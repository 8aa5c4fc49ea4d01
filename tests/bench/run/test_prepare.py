"""Columns of text are encoded by the rows that train, before scaling."""

import numpy as np

from bench.plan.planning import wanted_rows
from bench.plan.suite import Suite
from bench.run.prepare import Unit, prepare
from datasets import load


def test_texts_become_columns_of_their_own_and_nothing_of_the_test_rows_shows():
    suite = Suite(
        name="toy", title="toy", detectors=["knn"], datasets=["employees"], seeds=[0], scaler="none"
    )
    unit = prepare(load("employees"), wanted_rows(suite, "cpu"))

    assert isinstance(unit, Unit)
    assert unit.x_train.shape[1] == unit.x_test.shape[1] == 2 + 2 + 4 + 5
    assert set(np.unique(unit.x_train[:, 2:])) == {0, 1}
    assert (unit.x_train[:, 2:].sum(axis=1) == 3).all()
