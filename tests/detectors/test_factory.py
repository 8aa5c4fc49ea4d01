"""Detectors are made by their names: those of the package, and those in a user's file."""

import numpy as np
import pytest

from detectors import UnknownDetector, make
from detectors.factory import check
from tests.helpers.interpreter import run_python


def test_a_file_imports_what_lies_beside_it(mine):
    (mine.parent / "helper.py").write_text("NAME = 'helped'")
    mine.write_text(f"{mine.read_text()}\nimport helper\n")
    code = f"""
    from detectors import make
    before = list(sys.path)
    make("{mine}:Mine")
    print(sys.modules["helper"].NAME, sys.path == before)
    """
    assert run_python(code) == "helped True"


def test_a_detector_in_a_file_is_made_with_checked_settings(mine):
    x = np.eye(4)
    scores = make(f"{mine}:Mine:first", power=1.0).fit(x).score(x)
    assert scores.tolist() == [0.75, 0.25, 0.25, 0.25]
    with pytest.raises(ValueError, match="power = 0 is not accepted: a number > 0"):
        make(f"{mine}:Mine", power=0)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{mine}:Mime", UnknownDetector, r"no class 'Mime' there; did you mean Mine\?"),
        ("{mine}:Mine:last", ValueError, "has no read-out 'last'"),
        ("{mine}:NoDetector", ValueError, r"is not a Detector; write `class NoDetector\(Detector"),
        ("{mine}x.py:Mine", FileNotFoundError, "does not exist; give a detector's file as path.py"),
    ],
)
def test_a_wrong_file_or_class_is_named(mine, text, error, message):
    with pytest.raises(error, match=message):
        make(text.format(mine=mine))


def test_the_example_of_the_package_works():
    x = np.random.default_rng(0).normal(size=(40, 6))
    settings = {"latent_dim": 4, "epochs": 1, "head": {"n_neighbors": 20}}
    assert make("vae+lof", **settings).fit(x).score(x).shape == (40,)


def test_settings_in_effect_are_those_given_fixed_by_the_name_and_by_default():
    assert check("lof", {"n_neighbors": 7}) == {"n_neighbors": 7}
    found = check("untrained-vae+lof", {"latent_dim": 2, "head": {"n_neighbors": 3}})
    assert (found["latent_dim"], found["epochs"], found["head"]) == (2, 0, {"n_neighbors": 3})
    assert not {"seed", "device"} & found.keys()
    assert check("vae:kl", {}) == check("vae", {})
    assert check("pyod:KNN", {"n_neighbors": 3})["n_neighbors"] == 3
