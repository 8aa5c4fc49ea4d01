"""The embedded sets are scikit-learn's, and say so when scikit-learn's files are not right."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

import datasets
from datasets import load

CASES = [
    ("breast-cancer", load_breast_cancer, [1]),
    ("wine", load_wine, [1, 2]),
    *((f"digits/{k}", load_digits, [k]) for k in range(10)),
]


@pytest.mark.parametrize(("name", "reference", "normal"), CASES, ids=[name for name, *_ in CASES])
def test_content_is_what_scikit_learn_gives(name, reference, normal):
    data, bunch = load(name), reference()

    np.testing.assert_array_equal(data.x, bunch.data)
    np.testing.assert_array_equal(data.y == 0, np.isin(bunch.target, normal))


def test_benign_is_normal():
    assert load_breast_cancer().target_names[1] == "benign"
    assert (load("breast-cancer").y == 0).sum() == 357


def failure_of_loading_wine(site: Path) -> str:
    """Return the last line a fresh interpreter prints when it finds scikit-learn in `site`."""
    root = Path(datasets.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", "import datasets; datasets.load('wine')"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


@pytest.fixture
def data_of_another_scikit_learn(tmp_path):
    folder = tmp_path / "sklearn" / "datasets" / "data"
    folder.mkdir(parents=True)
    (tmp_path / "sklearn" / "__init__.py").touch()
    return folder


def test_a_source_file_with_one_changed_value_is_refused(data_of_another_scikit_learn, tmp_path):
    true = Path(find_spec("sklearn").origin).parent / "datasets" / "data" / "wine_data.csv"
    text = true.read_text()
    assert text.count("14.23,") == 1
    (data_of_another_scikit_learn / "wine_data.csv").write_text(text.replace("14.23,", "14.24,"))

    assert "ValueError: wine: content has sha256" in failure_of_loading_wine(tmp_path)


@pytest.mark.usefixtures("data_of_another_scikit_learn")
def test_a_missing_source_file_is_named_with_what_to_do(tmp_path):
    line = failure_of_loading_wine(tmp_path)

    assert line.startswith("FileNotFoundError: ")
    assert line.endswith(
        "wine_data.csv does not exist; it comes with scikit-learn: reinstall scikit-learn"
    )
