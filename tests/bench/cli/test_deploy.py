"""The commands `bench fit`, `score` and `explain`, and that they overwrite nothing of others."""

import io

import numpy as np
import pandas as pd


def test_a_model_is_fitted_scores_and_explains(bench, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=120), "b": rng.normal(size=120)})
    frame.to_csv(tmp_path / "old.csv", index=False)
    frame.head(5).assign(b=[0, 0, 9, 0, 0], id=list("vwxyz")).to_csv(tmp_path / "new.csv")
    model, scores = tmp_path / "m.fathom", tmp_path / "s.csv"
    fitted = bench("fit", "knn", f"file:{tmp_path}/old.csv", "-o", model)
    assert fitted.wait() == 0, fitted.stderr
    assert "no labels, so all 120 samples count as normal" in fitted.stdout
    scored = bench("score", model, tmp_path / "new.csv", "-o", scores, "--id", "id")
    explained = bench("explain", model, tmp_path / "new.csv", "--top", 1, "--format", "csv")
    assert scored.wait() == 0, scored.stderr
    assert pd.read_csv(scores).query("alarm == 1")["id"].tolist() == ["x"]
    assert explained.wait() == 0, explained.stderr
    (shares,) = pd.read_csv(io.StringIO(explained.stdout))["shares of the score"]
    assert shares.startswith("b ")
    other = bench("score", model, tmp_path / "new.csv", "-o", tmp_path / "old.csv")
    assert other.wait() == 2
    assert "old.csv was not written by this program" in other.stderr
    assert "Traceback" not in other.stderr
