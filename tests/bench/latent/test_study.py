"""A study of a latent space, and the sheet of it."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image
from rich.console import Console

from bench.latent.paths import STEPS
from bench.latent.study import study
from bench.plan import suite as suites
from bench.plan.planning import wanted_rows
from bench.render.documents.latent import page
from bench.render.latent import draw
from bench.render.sheet import png

QUIET = Console(file=io.StringIO())


def of(model, dataset, sizes=(), **settings):
    chosen = suites.build({
        "name": "latent", "title": "latent", "datasets": [dataset], "scaler": "standard",
        "detectors": [{"spec": model, "settings": settings}] if settings else [model],
        "protocol": "one-class", "seeds": [0],
    })  # fmt: skip
    return study(wanted_rows(chosen)[0], None, sizes, QUIET)


@pytest.fixture(scope="module")
def found():
    return of("vae", "digits/3", sizes=(1, 2), epochs=3, latent_dim=4)


def test_a_study_has_all_that_a_model_has(found):
    assert set(found.spectra) == {"means", "samples"}
    assert len(found.units.kl) == 4
    assert set(found.active) == {1, 2}
    assert set(found.separable) == {"mu", "mu and log sigma"}
    assert set(found.planes) == {"vae", "ae"}
    assert len(found.y) == len(found.planes["vae"].points)
    assert "latent_dim = 4" in found.caption


def test_digits_are_drawn_as_images_in_their_own_units(found):
    assert {path.shape for path in found.paths.values()} == {(STEPS, 1, 8, 8)}
    straight = found.paths["between samples: input"]
    assert_allclose(straight[[0, -1]], straight[[0, -1]].round(), atol=1e-9)  # whole greys
    assert found.limits == (0, 16)


def test_all_ways_between_two_samples_have_the_same_reconstructions_at_their_ends(found):
    ways = {name: path for name, path in found.paths.items() if name.startswith(("between", "Fi"))}
    assert len(ways) == 6
    for name, path in ways.items():
        if name not in ("between samples: input", "Fisher-Rao geodesic: decoded draws"):
            ends = found.paths["between samples: codes"][[0, -1]]
            assert_allclose(path[[0, -1]], ends, atol=1e-4)


def test_a_sheet_is_a_picture_and_a_page_of_numbers(found):
    picture = png(lambda: draw(found))
    assert picture == png(lambda: draw(found))
    assert min(Image.open(io.BytesIO(picture)).size) > 600
    made = page(found)
    assert [len(table.rows) for table in made.tables] == [0, 4, 4, 2, 2, 0]
    assert f"{found.prior.n_holes} of 500 draws" in made.tables[-1].text[0]


def test_a_model_without_decoder_or_prior_has_what_is_left():
    left = of("deep-svdd", "wine", epochs=1)
    assert (left.units, left.prior, left.paths, left.active) == (None, None, {}, {})
    assert len(left.spectra["codes"]) == 32
    assert len(page(left).tables) == 3
    assert np.isfinite(left.planes["ae"].points).all()
    assert png(lambda: draw(left))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("knn", "knn has no latent space; models that have: aae, "),
        ("vae+knn", r"vae\+knn: a head has no latent space; give its model, vae"),
    ],
)
def test_a_model_without_codes_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        of(model, "wine")


@pytest.mark.slow
def test_the_command_writes_a_sheet_and_prints_the_numbers(bench, tmp_path):
    folders = ("--output", tmp_path / "sheet", "--results", tmp_path / "results")
    ran = bench("latent", "wine", "vae", "--sizes", "1", *folders)
    assert ran.wait() == 0, ran.stderr
    assert "the sheet is not in mlflow at " in ran.stdout  # of a server that is away
    names = {path.name for path in (tmp_path / "sheet").iterdir()}
    assert names == {"wine-vae-latent.png", "wine-vae-latent.html"}
    assert "Active units by latent size" in ran.stdout
    wrong = bench("latent", "wine", "vae", "--sizes", "many")
    assert wrong.wait() == 2
    assert "--sizes: 'many' is no list of numbers; write it as 2,5,10,20,30" in wrong.stderr
