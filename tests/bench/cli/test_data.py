"""The commands `bench data`, in this process, and what `bench run` does without the network."""

import hashlib
import http.server
import json
import shlex
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import datasets
from bench.cli.app import main
from datasets import Entry, File
from datasets.catalogue import TABLE
from datasets.entry import Facts
from datasets.families.images import textures
from datasets.kept import FEATURES
from tests.helpers.plain_shell import spied_environment

ROOT = Path(__file__).parents[3]


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def origin(tmp_path):
    """The folder and the address of a server."""
    folder = tmp_path / "origin"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Silent, directory=folder)
    ) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def toy(origin, monkeypatch, tmp_path):
    """A set of five rows in the table, on the server and not in the data folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder, address = origin
    x = np.array([[0.0, 1.0], [0.0, 1.0], [2.0, 1.0], [3.0, 1.0], [2.0, 1.0]])
    np.savez(folder / "toy.npz", X=x, y=np.array([0, 0, 0, 1, 1]))
    content = (folder / "toy.npz").read_bytes()
    pins = {"sha256": hashlib.sha256(content).hexdigest(), "n_bytes": len(content)}
    entry = Entry(
        name="toy/five",
        kind="tabular",
        family="toy",
        source="https://example.org",
        licence="made up, for tests only",
        citation="Nobody, 2026",
        loader="datasets.families.adbench:table",
        known_issues=("there is next to nothing in it",),
        restricted=True,
        files=(File("toy/five.npz", (f"{address}/gone.npz", f"{address}/toy.npz"), **pins),),
        facts=Facts(5, (2,), 2, 2),
    )
    monkeypatch.setitem(TABLE, entry.name, entry)
    return entry


@pytest.fixture
def bench_data(monkeypatch, capsys, tmp_path):
    """`bench data` with these arguments: its exit status, output and errors."""
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))

    def call(*args):
        monkeypatch.setattr(sys, "argv", ["bench", "data", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return call


def test_list_shows_every_set_in_a_hundred_columns(bench_data, toy):
    status, out, _ = bench_data("list")
    lines = out.splitlines()

    assert status == 0
    assert max(map(len, lines)) <= 100
    names = [line.split()[0] for line in lines[2:] if not line.startswith(" ")]
    assert names == list(datasets.names())
    assert lines[1].split() == ["data", "set", "kind", "n", "d", "anom.", "size", "here", "licence"]
    (line,) = [line for line in lines if line.startswith("toy/five ")]
    kilobytes = (toy.files[0].n_bytes or 0) / 1000
    assert line.split()[1:6] == ["tabular", "5", "2", "40.0%", f"{kilobytes:.1f}"]
    assert line.split()[7] == "no"
    assert "made up" in line


def test_list_shows_what_names_and_patterns_stand_for(bench_data):
    status, out, err = bench_data("list", "wine", "synthetic/c*")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["wine", "synthetic/cluster"]


def test_list_shows_rates_below_one_percent_with_two_significant_digits(bench_data):
    _, out, _ = bench_data("list", "adbench/smtp", "adbench/http", "adbench/cardio")

    assert [line.split()[4] for line in out.splitlines()[2:]] == ["0.032%", "0.39%", "9.6%"]


def test_a_set_is_fetched_verified_and_described(bench_data, toy):
    status, out, err = bench_data("fetch", "toy/five")
    assert (status, err) == (1, "")
    assert "toy/five: the licence restricts use (made up, for tests only)" in out

    status, out, err = bench_data("fetch", "toy/*", "--accept-licence")
    assert (status, err) == (0, "")
    assert "toy/five: licence made up, for tests only; https://example.org" in out
    assert "1 of 1 data sets are in" in out

    status, out, _ = bench_data("verify", "toy/five")
    assert (status, out.splitlines()[0]) == (
        0, "ok: toy/five.npz has the sha256 of the published file"
    )  # fmt: skip

    status, out, _ = bench_data("card", "toy/five", "--format", "json")
    told = json.loads(out)
    assert status == 0
    assert told["present"] is True
    assert told["digest"] == "published"
    assert bench_data("list", "TOY/Five")[1].splitlines()[2].split()[7] == "yes"
    assert (told["n"], told["anomaly_rate"], told["shape"]) == (5, 0.4, [2])
    assert told["files"] == {"toy/five.npz": f"sha256:{toy.files[0].sha256}"}
    assert told["sha256"] == datasets.card("toy/five").sha256
    assert told["known_issues"] == ["there is next to nothing in it"]
    counted = told["counted"]
    assert counted["dtype"] == "float64"
    assert counted["constant_columns"] == 1
    assert counted["duplicates"] == 2
    assert counted["conflicting_labels"] == 1
    assert counted["one-class split, seed 0"]["n_train"] == 1


def test_a_set_without_a_published_digest_is_called_unverified(bench_data, toy, monkeypatch):
    file = replace(toy.files[0], sha256="", n_bytes=None)
    monkeypatch.setitem(TABLE, toy.name, replace(toy, files=(file,)))
    bench_data("fetch", "toy/*", "--accept-licence")

    assert bench_data("list", "toy/five")[1].splitlines()[2].split()[7] == "unverified"
    assert "digest: unverified: no published digest is known" in bench_data("card", "toy/five")[1]


def test_the_card_of_an_absent_set_has_what_the_table_says(bench_data, toy):
    status, out, _ = bench_data("card", "toy/five")

    assert status == 0
    assert "citation: Nobody, 2026" in out
    assert "anomaly rate: 0.4" in out
    assert "present: no" in out
    assert "counted: \N{EN DASH}" in out


def test_the_card_of_a_set_without_files_is_counted_at_once(bench_data):
    status, out, _ = bench_data("card", "wine", "--format", "json")

    assert status == 0
    assert json.loads(out)["counted"]["duplicates"] == 0


def counted(bench_data, *asked):
    status, out, _ = bench_data("card", *asked, "--format", "json")
    assert status == 0
    return json.loads(out)["counted"]


def test_the_card_counts_what_the_chosen_split_shows_twice(bench_data, tmp_path):
    lines = [f"{i // 2 * 7 % 50},{int(i >= 90)}" for i in range(100)]  # each row twice
    (tmp_path / "a.csv").write_text("\n".join(["x,label", *lines]))
    name = f"file:{tmp_path}/a.csv?label=label"

    told = counted(bench_data, name)["one-class split, seed 0"]
    assert (told["n_train"], told["n_test_normals"]) == (45, 45)
    assert told["seen_normals"] > 10
    told = counted(bench_data, name, "--protocol", "one-class(dedup=true)", "--seed", "3")
    assert told["one-class(dedup=true) split, seed 3"]["seen_normals"] == 0
    told = counted(bench_data, name, "--protocol", "official")
    assert "has no official split" in told["official split, seed 0"]
    status, _, err = bench_data("card", name, "--protocol", "offical")
    assert (status, err) == (2, "bench: unknown protocol 'offical'; did you mean official?\n")


def test_the_card_of_images_has_symmetries_and_what_the_images_say_of_them(bench_data):
    status, out, _ = bench_data("card", "textures/stripes", "--format", "json")
    card = json.loads(out)
    assert (status, card["symmetries"]) == (0, "flips")
    shares = card["counted"]["unlike_others_after"]
    assert shares["quarter turn"] == 1
    assert "unlike others after:" in bench_data("card", "textures/stripes")[1]
    assert "symmetries" not in json.loads(bench_data("card", "wine", "--format", "json")[1])


def test_the_card_of_images_counts_the_official_split_and_has_a_digest_a_file(bench_data, tmp_path):
    textures.write("weave", tmp_path / "weave")
    train = tmp_path / "weave" / "train" / "good"
    shutil.copy(train / "000.png", tmp_path / "weave" / "test" / "good" / "zzz.png")
    name = f"folder:{tmp_path}/weave?size=32"

    told = counted(bench_data, name)
    assert (told["dtype"], told["duplicates"]) == ("uint8", 1)
    assert told["official split, seed 0"]["seen_normals"] == 1
    _, out, _ = bench_data("card", name)
    assert f"{tmp_path}/weave/ground_truth/scratch/000_mask.png:" in out
    assert "... 205 more: all are in --format json" in out
    _, out, _ = bench_data("card", name, "--format", "json")
    files = json.loads(out)["files"]
    assert len(files) == 211
    assert files[str(train / "000.png")] == files[f"{tmp_path}/weave/test/good/zzz.png"]


def test_the_card_takes_the_options_of_a_run_and_says_how_columns_are_used(bench_data, tmp_path):
    lines = (f"{k % 4},{k},2024-01-{10 + k},{'no' if k % 5 else 'yes'},x\n" for k in range(12))
    (tmp_path / "a.csv").write_text("day,size,when,fraud,id\n" + "".join(lines))
    name = f"file:{tmp_path}/a.csv?dates=calendar&categorical=day"
    options = ("--label", "fraud", "--normal", "no", "--drop", "id", "--protocol", "one-class")
    with pytest.warns(UserWarning, match=r"a\.csv: column 'size' is sorted: it may tell the time"):
        status, out, _ = bench_data("card", name, *options)

    assert status == 0
    for line in (
        "one-hot: day (4 texts)",
        "calendar: when",
        "label: fraud",
        "left out: id",
        "number in the order of the rows: size",
        "- column 'size' is sorted: it may tell the time, the order or the number",
    ):
        assert line in out
    status, _, err = bench_data("card", "wine", "--label", "fraud")
    assert status == 2
    assert "are for data of your own, such as file:PATH" in err


def test_a_warning_is_one_sentence_without_a_line_of_source(tmp_path):
    rows = "".join(f"{k},{k * 7 % 5},{k % 2}\n" for k in range(12))
    (tmp_path / "a.csv").write_text(f"id,size,y\n{rows}")
    name = f"file:{tmp_path}/a.csv?label=y"
    card = (sys.executable, "-m", "bench", "data", "card", name)
    ran = subprocess.run(card, cwd=ROOT, capture_output=True, text=True, check=True)

    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"note: {tmp_path}/a.csv: column 'id' is sorted: it may tell the time")
    *_, without = shlex.split(line.partition("to leave it out: ")[2])
    assert datasets.load(without).x.shape == (12, 1)


@pytest.mark.parametrize(
    ("column", "options"),
    [
        ([k * 7 % 12 + 1000 for k in range(12)], ""),
        ([f"{k * k:x}-a" for k in range(12)], "&categorical=one-hot"),
    ],
    ids=["numbers", "texts"],
)
def test_a_column_that_differs_in_every_row_is_to_be_left_out(tmp_path, column, options):
    rows = "".join(f"{cell},{k % 5},{k % 2}\n" for k, cell in enumerate(column))
    (tmp_path / "a.csv").write_text(f"id,size,y\n{rows}")
    with pytest.warns(
        UserWarning, match="column 'id' differs in every row: .*: bench data card "
    ) as told:
        datasets.load(f"file:{tmp_path}/a.csv?label=y{options}")
    *_, without = shlex.split(str(told[0].message).partition("to leave it out: ")[2])
    assert datasets.load(without).x.shape == (12, 1)


@pytest.mark.fault(
    area="data",
    kind="data beyond memory",
    how="`bench data card` of images at a size of 900,000 pixels",
    promise="one sentence, exit 2",
)
def test_data_that_memory_does_not_hold_end_in_one_sentence(bench_data, tmp_path):
    textures.write("weave", tmp_path / "weave")
    status, _, err = bench_data("card", f"folder:{tmp_path}/weave?size=900000")
    assert status == 2
    assert err.startswith("bench: memory does not suffice: Unable to allocate")


def test_a_copy_of_the_label_is_known_as_one(tmp_path):
    rows = "".join(f"{k * 7 % 5},{int(k > 8) + 1},{int(k > 8)}\n" for k in range(12))
    (tmp_path / "a.csv").write_text("a,is_bad,label\n" + rows)
    with pytest.warns(UserWarning, match=r"column 'is_bad' has one value .*a copy of the label 'l"):
        issues = datasets.load(f"file:{tmp_path}/a.csv?label=label").card.known_issues
    assert "&drop=is_bad" in issues[0]


def test_labels_of_repeated_options_are_all_normal(bench_data, tmp_path):
    rows = "".join(f"{k * 7 % 5},{('north', 'south', 'east')[k % 3]}\n" for k in range(12))
    (tmp_path / "a.csv").write_text(f"size,region\n{rows}")
    asked = ("card", f"file:{tmp_path}/a.csv", "--label", "region", "--format", "json")
    for normal in (("--normal", "north", "--normal", "south"), ("--normal", "north,south")):
        status, out, err = bench_data(*asked, *normal)
        assert status == 0, err
        assert json.loads(out)["anomalies"] == 4


def test_the_command_of_a_refusal_is_one_that_reads_the_file(bench_data, tmp_path):
    rows = "".join(
        f"{'?' if k == 3 else k % 4},{'ab'[k % 2]},{'ok' if k % 5 else 'bad'}\n" for k in range(12)
    )
    (tmp_path / "it's, a.csv").write_text(f"size,kind,state\n{rows}")
    status, _, err = bench_data("card", f"file:{tmp_path}/it's, a.csv", "--label", "state")
    assert status == 2
    assert "labels are ok, bad" in err
    assert "column 'kind' has 12 cells of text, such as 'a' in row 1" in err

    _, _, command = err.partition("bench data ")
    words = shlex.split(command.partition(" (and run")[0])
    assert bench_data(*words)[0] == 0


def test_the_card_of_a_path_that_leads_nowhere_says_so(bench_data, tmp_path):
    status, out, err = bench_data("card", f"file:{tmp_path}/a.csv")

    assert (status, out) == (2, "")
    assert f"{tmp_path}/a.csv does not exist; give the path of a file" in err


def test_every_table_of_adbench_has_its_sizes_before_it_is_fetched():
    sets = [name for name in datasets.names() if name.startswith("adbench/")]

    assert all(datasets.find(name).facts for name in sets)
    assert datasets.find("adbench/donors").facts == Facts(619326, (10,), 36710)


def test_a_wrong_file_is_reported_by_verify_and_card(bench_data, toy, tmp_path):
    path = tmp_path / "data" / "toy" / "five.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"<html>sorry</html>")

    for names in (["toy/five"], ["all"]):
        status, out, _ = bench_data("verify", *names)
        assert status == 1
        assert "wrong: toy/five.npz is a web page, not data" in out

    status, _, err = bench_data("card", "toy/five")
    assert status == 2
    assert "is a web page" in err
    assert len(err.splitlines()) == 1


def test_verify_of_a_missing_set_fails_and_of_all_does_not(bench_data, toy):
    status, out, _ = bench_data("verify", "toy/five")
    assert status == 1
    assert out.startswith("missing: toy/five.npz is not in ")
    assert "run `bench data fetch toy/five`" in out

    assert bench_data("verify", "all")[0] == 0


def test_what_cannot_be_fetched_is_one_sentence_for_all_sets_it_concerns(
    bench_data, toy, monkeypatch
):
    for k in range(3):
        file = File("toy/none.npz", ("http://127.0.0.1:9/none.npz",))
        known = {"name": f"none/{k}", "facts": None, "files": (file,), "restricted": False}
        monkeypatch.setitem(TABLE, f"none/{k}", replace(toy, **known))

    status, out, err = bench_data("fetch", "none/*")

    assert (status, err) == (1, "")
    assert out.count("cannot be reached") == 1
    assert (
        "none/0 and 2 more: toy/none.npz could not be fetched: http://127.0.0.1:9/none.npz" in out
    )
    assert "0 of 3 data sets are in" in out


def test_a_suite_stands_for_its_sets(bench_data):
    status, out, _ = bench_data("fetch", "default")

    assert status == 0
    assert "data sets are in" in out


@pytest.mark.parametrize("command", ["fetch", "verify", "card"])
def test_an_unknown_name_is_answered_with_the_nearest(bench_data, command):
    status, out, err = bench_data(command, "digit/3")

    assert (status, out) == (2, "")
    assert err.startswith("bench: unknown data set 'digit/3'; the nearest: digits/3")
    assert len(err.splitlines()) == 1


def test_an_unknown_format_is_refused(bench_data):
    status, _, err = bench_data("card", "wine", "--format", "yaml")

    assert (status, err) == (2, "bench: format: unknown 'yaml'; table and json are known\n")


def test_a_data_folder_that_cannot_be_written_is_one_sentence(bench_data, toy, tmp_path):
    (tmp_path / "data").write_bytes(b"")

    status, out, _ = bench_data("fetch", "toy/five")

    assert status == 1
    assert "cannot be written to (File exists); name another with --data" in out


def test_a_run_never_touches_the_network_and_names_the_command_that_fetches(tmp_path):
    log = tmp_path / "network.log"
    env = spied_environment(log, HOME=str(tmp_path))
    spied = partial(subprocess.run, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    asked = ("--detectors", "knn", "--datasets", "wine,adbench/cardio", "--seeds", "1")
    folders = ("--results", tmp_path / "results", "--data", tmp_path / "data")

    ran = spied([sys.executable, "-m", "bench", "run", *asked, *folders])

    assert ran.returncode == 0, ran.stderr
    assert "run `bench data fetch adbench/cardio`" in " ".join(ran.stdout.split())
    assert not log.exists(), log.read_text()
    spied([sys.executable, "-c", "import socket; socket.getaddrinfo('127.0.0.1', 1)"])
    assert "getaddrinfo" in log.read_text()


def test_what_is_kept_is_described_and_cleared(bench_data, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    textures.write("weave", tmp_path / "weave")
    datasets.load(f"folder:{tmp_path / 'weave'}?size=16&grey=yes")
    FEATURES.put("0" * 64, {"results": np.zeros(107)})
    images, features = (tmp_path / "cache" / "fathom" / kind for kind in ("images", "features"))
    kilobytes = 2 * (170 * 16 * 16 + 128 + 16) / 1e3

    for args, verb in ((), "kept"), (("--clear",), "removed"):
        assert bench_data("cache", *args) == (
            0,
            f"{verb}: 2 files of decoded images, {kilobytes:.1f} kB of at most 8.6 GB, in "
            f"{images}\n"
            f"{verb}: 1 files of features of pretrained networks, 1.0 kB of at most 8.6 GB, in "
            f"{features}\n",
            "",
        )
    assert [*images.iterdir(), *features.iterdir()] == []
    status, out, _ = bench_data("cache")
    assert (status, out.split(",")[0]) == (0, "kept: 0 files of decoded images")
