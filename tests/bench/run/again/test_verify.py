"""Capsules: written, read by others, verified, and refused where they were changed."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.run.again.verify import bound, contradictions, here
from bench.store import capsule
from bench.store.capsule import MANIFEST, CapsuleError, read
from bench.store.records import canonical
from tests.helpers.files.git_made import git

ROOT = Path(__file__).parents[4]
SUITE = 'title = "Small"\ndatasets = ["wine"]\nseeds = 3\ndetectors = ["knn", "mean-distance"]\n'


@pytest.fixture(scope="module")
def made(bench, tmp_path_factory):
    """A capsule of six rows."""
    folder = tmp_path_factory.mktemp("capsule")
    (folder / "small.toml").write_text(SUITE)
    run = bench("run", folder / "small.toml", "--results", folder)
    assert run.wait() == 0, run.stderr
    file = folder / "small.capsule.zip"
    run = bench("capsule", folder / "small.toml", "--results", folder, "--output", file)
    assert run.wait() == 0, run.stderr
    assert run.stdout.startswith("6 of 6 rows in ")
    return file


def members(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(file, change, to, *, signed=True):
    """Write a capsule with changed members; `signed`: with a manifest that agrees."""
    parts = members(file)
    change(parts)
    if signed:
        manifest = json.loads(parts[MANIFEST])
        for name in manifest["files"]:
            manifest["files"][name]["sha256"] = capsule._sha256(parts[name])
        parts[MANIFEST] = canonical(manifest).encode()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return to


def with_rows(parts, edit):
    records = json.loads(parts["rows.json"])
    edit(records)
    parts["rows.json"] = canonical(records).encode()


def with_scores(parts, edit):
    frame = pd.read_parquet(io.BytesIO(parts["scores.parquet"]))
    edit(frame)
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    parts["scores.parquet"] = out.getvalue()


def test_a_capsule_holds_rows_scores_versions_and_machine(made):
    found = read(made)
    assert len(found.records) == len(found.scores) == 6
    assert {record["dataset"] for record in found.records.values()} == {"wine"}
    assert found.manifest["suite"] == "small"
    assert found.manifest["made_by"]["processor"]
    assert b"numpy==" in members(made)["requirements.txt"]
    assert contradictions(found) == []
    able, reasons = here(found, None)
    assert len(able) == 6
    assert not reasons


@pytest.mark.slow
def test_drawn_rows_are_run_again_and_bound_the_share_of_wrong_rows(bench, made):
    run = bench("verify", made, "--sample", "4", "--seed", "1", "--jobs", "1")
    assert run.wait() == 0, run.stderr
    assert "4 of 6 rows run again (seed 1): 4 equal bit for bit" in run.stdout
    assert "at most 68.4% of these 6 rows are wrong: 1 - 0.01^(1/4)" in run.stdout


def test_45_draws_find_a_tenth_of_edited_rows_with_99_percent():
    assert bound(45) < 0.1
    rng = np.random.default_rng(0)
    hits = [(rng.permutation(1000)[:45] < 100).any() for _ in range(4000)]
    assert np.mean(hits) > 0.99


def test_edited_scores_whose_metrics_and_digests_agree_are_found_by_the_rerun(
    bench, made, tmp_path
):
    def edit(parts):
        (key,) = {r["key"] for r in json.loads(parts["rows.json"])
                  if r["spec"] == "knn" and r["seed"] == 0}  # fmt: skip

        def shift(frame):  # by more than rounding, in the same order: all metrics stay
            frame.loc[frame["key"] == key, "score"] *= 1.001

        with_scores(parts, shift)

    file = rewritten(made, edit, tmp_path / "edited.zip")
    assert contradictions(read(file)) == []
    run = bench("verify", file, "--jobs", "1")
    assert run.wait() == 1
    assert "knn on wine, seed 0): its scores differ on the same kind of processor" in run.stderr
    assert run.stderr.count("\n") == 1
    assert "5 equal bit for bit" in run.stdout


def test_edited_metrics_and_keys_are_found_without_a_run(bench, made, tmp_path):
    def better(records):
        records[0]["auroc"] = 0.9999
        records[1]["seed"] = 7

    file = rewritten(made, lambda parts: with_rows(parts, better), tmp_path / "edited.zip")
    run = bench("verify", file)
    assert run.wait() == 1
    assert "auroc is 0.9999, its scores have" in run.stderr
    assert "its key is not that of its settings and data" in run.stderr
    assert "run again" not in run.stdout


def test_rows_that_cannot_be_run_here_are_counted_by_reason(made, tmp_path):
    def elsewhere(records):
        records[0]["code_id"] = "0" * 64
        records[1]["data_sha256"] = "0" * 64
        records[2]["status"] = "timeout"
        records[3]["spec"] = "gone.py:Mine"
        records[4]["dataset"] = "nowhere"

    file = rewritten(made, lambda parts: with_rows(parts, elsewhere), tmp_path / "other.zip")
    able, reasons = here(read(file), None)
    assert len(able) == 1
    assert sum(reasons.values()) == 5
    assert set(reasons) == {
        "are of other code or libraries",
        "are of data that are not here",
        "have no scores",
    }


def tampered(made, to):
    def edit(parts):
        parts["rows.json"] = parts["rows.json"].replace(b'"seed":0', b'"seed":1')

    return rewritten(made, edit, to, signed=False)


def truncated(made, to):
    to.write_bytes(made.read_bytes()[:3000])
    return to


def of_another_version(made, to):
    def edit(parts):
        parts[MANIFEST] = parts[MANIFEST].replace(b'"version":1', b'"version":2')

    return rewritten(made, edit, to, signed=False)


def bomb(made, to):
    return rewritten(made, lambda parts: parts.update({"rows.json": bytes(1 << 25)}), to)


def without_rows(made, to):
    return rewritten(made, lambda parts: parts.update({"rows.json": b"[]"}), to)


def with_a_further_member(made, to):
    rewritten(made, lambda parts: None, to)
    with zipfile.ZipFile(to, "a") as archive:
        archive.writestr("../../evil.py", "1")
    return to


def no_zip(made, to):
    to.write_text("no capsule")
    return to


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (tampered, "rows.json in .* is not what its manifest says"),
        (truncated, "is no sound capsule, or was truncated"),
        (of_another_version, "of version 2; this program reads fathom-capsule of version 1"),
        (bomb, "unpacks to more than"),
        (without_rows, "is no sound capsule"),
        (with_a_further_member, "has other members than a capsule"),
        (no_zip, "is no sound capsule"),
    ],
)
@pytest.mark.fault(
    area="results and loss",
    kind="a capsule that was changed, cut, written by another version, or unpacks to far more",
    how="its members, its manifest or its bytes are edited",
    promise="nothing is unpacked or run; one sentence says what is wrong",
)
def test_a_file_that_is_no_sound_capsule_is_one_sentence(made, tmp_path, monkeypatch, fault, said):
    monkeypatch.setattr(capsule, "MOST_BYTES", 1 << 24)
    with pytest.raises(CapsuleError, match=said) as error:
        read(fault(made, tmp_path / "capsule.zip"))
    assert "\n" not in str(error.value)


def test_the_command_refuses_with_one_sentence_and_overwrites_no_other_file(bench, made, tmp_path):
    run = bench("verify", truncated(made, tmp_path / "cut.zip"))
    assert run.wait() == 2
    assert run.stderr.startswith("bench: ")
    assert run.stderr.count("\n") == 1
    own = tmp_path / "notes.txt"
    own.write_text("mine")
    folder = made.parent
    run = bench("capsule", folder / "small.toml", "--results", folder, "-o", own)
    assert run.wait() == 2
    assert own.read_text() == "mine"


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_a_capsule_is_verified_on_a_second_clone_and_an_edited_one_is_refused_there(made, tmp_path):
    if git(ROOT, "diff", "HEAD", "--stat", "--", "bench", "datasets", "detectors"):
        pytest.skip("the code here has changes that a clone has not")
    clone = tmp_path / "clone"
    git(ROOT, "clone", "-q", str(ROOT), str(clone))

    def verify(file):
        command = [sys.executable, "-m", "bench", "verify", file, "--sample", "3", "--jobs", "1"]
        return subprocess.run(command, cwd=clone, capture_output=True, text=True)

    sound = verify(made)
    assert sound.returncode == 0, sound.stderr
    assert "3 of 6 rows run again" in sound.stdout
    assert "3 equal bit for bit" in sound.stdout

    def worse(parts):
        with_scores(parts, lambda frame: frame.update(frame[["score"]] * 1.001))

    edited = verify(rewritten(made, worse, tmp_path / "edited.zip"))
    assert edited.returncode == 1
    assert edited.stderr.count("its scores differ on the same kind of processor") == 3


@pytest.mark.fault(
    area="results and loss", kind="a ZIP file of another program", how="named by --output",
    promise="it is refused and stays as it is; a capsule is replaced",
)  # fmt: skip
def test_a_capsule_replaces_capsules_and_no_other_file(bench, made, tmp_path):
    foreign = tmp_path / "photos.zip"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr(MANIFEST, "{}")
    before, of = foreign.read_bytes(), ("--results", made.parent, "--output")
    run = bench("capsule", made.parent / "small.toml", *of, foreign)
    assert run.wait() == 2
    assert "photos.zip was not written by this program; move it away" in run.stderr
    assert foreign.read_bytes() == before
    own = tmp_path / "own.zip"
    own.write_bytes(made.read_bytes())
    run = bench("capsule", made.parent / "small.toml", *of, own)
    assert run.wait() == 0, run.stderr
