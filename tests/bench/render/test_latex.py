"""Boards as LaTeX: what is escaped, marked, cited and split, and that it compiles."""

import ast
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from bench.boards.against import against
from bench.boards.board import build
from bench.render import formats, latex
from datasets import names
from tests.helpers.boards_made_up import DETECTORS, failed, rows_of, written

ROOT = Path(__file__).parents[3]
ADBENCH = sorted(name for name in names() if name.startswith("adbench/"))[:30]
MANY = {name: f"f{i // 2}" for i, name in enumerate(ADBENCH)}


def floats(text):
    """The tables of a text: (caption, heads, lines)."""
    found = []
    for table in text.split(r"\begin{table*}")[1:]:
        caption = re.search(r"\\caption\{(.*)\}\\smallskip", table)[1]
        heads, body = table.partition(r"\toprule")[2].split(r"\midrule")
        lines = body.partition(r"\bottomrule")[0].strip().splitlines()
        found.append((caption, heads.strip().split(" & "), lines))
    return found


def made_up(**more):
    rows = rows_of(**more)
    rows["provenance"] = [{"processor": "Chip_9 & co", "cores": 2, "commit": "0" * 40}] * len(rows)
    return build(rows, title="100 % of #1 & more")


def test_the_caption_and_notes_say_protocol_seeds_coverage_and_hardware():
    text = written("tex", made_up())
    caption, heads, lines = floats(text)[0]
    assert caption.startswith(r"100 \% of \#1 \& more: auroc. 4 detectors, 5 data sets in 3 famil")
    assert "3 seeds (0-2); protocol one-class, scaler standard" in caption
    assert heads[:4] == [r"\#", "detector", "type", "mean rank"]
    assert len(lines) == 4
    assert "15/15" in lines[0]
    assert r"Machine: Chip\_9 \& co, 2 cores." in text
    assert r"\toprule" in text
    assert r"wine~\cite{aeberhard1992wine}" in text


def test_the_best_is_bold_and_what_is_not_distinguishable_underlined():
    made = made_up(
        datasets={"wine": "wine", "digits/0": "digits", "digits/1": "digits"},
        auroc={"lof": 0.9, "vae:elbo": 0.89, "ae+lof": 0.88, "random": 0.5},
    )
    matrix = floats(written("tex", made))[-1]
    cells = made.cells.set_index(["label", "dataset"])
    shown = {line.split(" & ")[0]: line.removesuffix(r" \\").split(" & ")[1:] for line in matrix[2]}
    for head, texts in shown.items():
        label = re.search(r"\\texttt\{(.*?)\}", head)[1]
        for name, text in zip(made.datasets["dataset"], texts, strict=True):
            assert text.startswith(r"\textbf") == cells.loc[(label, name), "best"]
            assert text.startswith(r"\underline") == cells.loc[(label, name), "near"]
    assert any(r"\underline" in line for line in matrix[2])


def test_cells_without_a_value_say_why():
    rows = rows_of(datasets=MANY)
    first = rows["dataset"] == ADBENCH[0]
    rows = failed(rows, first & (rows["label"] == "lof"), "timeout", "600 s")
    rows = failed(rows, first & (rows["label"] == "random"), "missing")
    made = build(rows, title="t")
    matrix = next(t for t in floats(written("tex", made)) if t[0].startswith("AUROC of every"))
    cells = {line.split(" & ")[0]: line.split(" & ")[1] for line in matrix[2]}
    assert cells[r"\texttt{lof}"] == "timeout"
    assert cells[r"\texttt{random}"] == "--"


def test_what_does_not_go_on_a_page_goes_on_in_another_table():
    detectors = {f"d{i}": "deep" for i in range(120)}
    made = build(rows_of(detectors, MANY, seeds=[0]).assign(spec="knn"), title="t")
    tables = floats(written("tex", made))
    assert [len(lines) for _, _, lines in tables[:3]] == [55, 55, 10]
    assert tables[1][0] == "t: auroc (continued)."
    matrix = [heads for caption, heads, _ in tables if caption.startswith("AUROC of every")]
    assert sum(len(heads) - 1 for heads in matrix[::3]) == 30
    assert max(len(heads) for heads in matrix) == latex.COLUMNS + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b & 5 % #1 {x} $y$ ~ ^ \\", r"a\_b \& 5 \% \#1 \{x\} \$y\$ \textasciitilde{} "
         r"\textasciicircum{} \textbackslash{}"),
        ("Sch\N{LATIN SMALL LETTER O WITH DIAERESIS}lkopf", r'Sch\"{o}lkopf'),
        ("\N{MICRO SIGN}s/x \N{DEGREE SIGN}", r"$\mu$s/x $^\circ$"),
        ("\N{CJK UNIFIED IDEOGRAPH-77E5}", "U+77E5"),
    ],
)  # fmt: skip
def test_signs_of_latex_are_escaped(text, expected):
    assert latex.escaped(text) == expected


def test_every_sign_that_is_printed_has_one_in_latex():
    printing = ("boards", "claims", "history", "render", "reproduce")
    files = [file for name in printing for file in (ROOT / "bench" / name).glob("*.py")]
    texts = [
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    signs = {sign for text in texts for sign in text if not sign.isascii()}
    accents = {sign for sign in signs if unicodedata.combining(sign)}
    assert len(signs) > 10
    assert {sign for sign in signs - accents if "U+" in latex.escaped(sign)} == set()


def test_the_bib_holds_all_that_is_cited():
    made = build(rows_of(DETECTORS | {"vae+lof": "hybrid"}), title="t")
    cited = {
        key
        for keys in re.findall(r"\\cite\{(.*?)\}", written("tex", made))
        for key in keys.split(",")
    }
    assert cited == set(re.findall(r"^@\w+\{(.*),$", written("bib", made), re.M))
    assert "kingma2014vae" in cited


@pytest.mark.slow
@pytest.mark.parametrize("size", ["small", "large"])
def test_the_paper_compiles_with_every_citation_resolved(tmp_path, size):
    missing = [name for name in ("pdflatex", "bibtex") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} here; install TeX Live to compile the tables")
    detectors = DETECTORS
    datasets = {"wine": "wine", "breast-cancer": "breast-cancer", "digits/0": "digits"}
    if size == "large":
        detectors = {f"lof[n_neighbors={i}, p=\\{i}_%&#]": "shallow" for i in range(60)} | DETECTORS
        datasets |= {f"adbench/{name}": name for name in ("ALOI", "Cardiotocography", "WBC")}
        datasets |= {f"mnist/{i}": "mnist" for i in range(10)}
    rows = rows_of(detectors, datasets)
    rows["spec"] = np.where(rows["label"].isin(list(DETECTORS)), rows["label"], "lof")
    rows = failed(rows, (rows["label"] == "ae+lof") & (rows["dataset"] == "wine"), "timeout", "6_s")
    made = build(rows, title="100 % & é \N{CYRILLIC SMALL LETTER A}")
    formats.save(made, against(made), tmp_path)
    for command in ("pdflatex", "bibtex", "pdflatex", "pdflatex"):
        options = ["-interaction=nonstopmode", "-halt-on-error"] if command == "pdflatex" else []
        done = subprocess.run([command, *options, "paper"], cwd=tmp_path, capture_output=True,
                              text=True, check=False, timeout=120)  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "paper.log").read_text(errors="replace")
    assert not re.search("(Citation|Reference).* undefined", log)
    assert "Overfull" not in log
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
