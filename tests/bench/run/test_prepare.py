"""Columns of text are encoded by the rows that train; what overflows in a scaler is named."""

import numpy as np
import pandas as pd
import pytest

from bench.plan.planning import wanted_rows
from bench.plan.suite import Suite
from bench.protocols.named import NotApplicable
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


@pytest.mark.fault(
    area="data",
    kind="finite values that overflow",
    how="a feature is so large that its square or its range is beyond the largest float",
    promise="the rows are unsupported, and the reason names the feature and its largest value",
)
@pytest.mark.parametrize(
    ("scaler", "largest"),
    [
        ("standard", 1e200),
        ("median+standard", 1e200),
        ("minmax", 1.5e308),
        ("robust", 1.5e308),
        ("global-minmax", 1.5e308),
    ],
)
def test_a_feature_that_overflows_in_a_scaler_is_named(tmp_path, scaler, largest):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    table["b"] = np.sign(table["b"]) * largest
    table["label"] = np.arange(60) >= 50
    table.to_csv(tmp_path / "t.csv", index=False)
    name = f"file:{tmp_path}/t.csv?label=label"
    suite = Suite(name="t", title="t", detectors=["knn"], datasets=[name], seeds=[0], scaler=scaler)
    reason = f"feature 1 of file:.* has values up to {largest:.3g}, which overflow in the scaler"
    with pytest.raises(NotApplicable, match=reason.replace("+", r"\+")):
        prepare(load(name), wanted_rows(suite, "cpu"))
