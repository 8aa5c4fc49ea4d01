"""Published tables: their files, how cells agree, and values that are reproduced."""

import csv
import io
import math
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import datasets
from bench.cli.app import app
from bench.metrics.scored import METRICS
from bench.metrics.thresholded import OF_CALLED, above, f1, most_anomalous, precision, recall
from bench.plan.planning import wanted_rows
from bench.protocols import named as protocols
from bench.render.documents.reproduction import Overview, ReproductionDocument
from bench.render.formats import FORMATS
from bench.render.table import NONE
from bench.reproduce import kept as cells
from bench.reproduce import published as tables
from bench.reproduce.comparison import reproduce
from bench.reproduce.published import Contender, Description, PrintedValue, UnknownTable
from bench.store.store import Store
from detectors.factory import check

EXACT = "KNN,LOF,OCSVM,IForest,PCA"
MEDIUM = 12_000  # rows; the larger sets take hours


def written(name, made):
    """Return a reproduction in a format."""
    return FORMATS[name].write(ReproductionDocument(made))


def rows(table, detector, dataset):
    """Return the rows wanted of a detector on a data set, by printed names."""
    (suite,) = table.suites(detector, [dataset])
    return wanted_rows(suite, "cpu")


def recorded(wanted, aurocs):
    """Return made-up records of rows, as many as there are values."""
    code = {"commit": "0123456789abcdef", "versions": {"numpy": "2.4", "scikit-learn": "1.8"}}
    fixed = {"status": "ok", "reason": "", "provenance": code}
    pairs = zip(wanted, aurocs, strict=False)
    return {row.key: {"key": row.key, "auroc": value, **fixed} for row, value in pairs}


def areas(name, detectors, dataset):
    """Return the AUROCs of a table of some detectors on a data set, by printed names."""
    table = tables.select(tables.read(name), detectors, [dataset])
    figures = tuple(figure for figure in table.values if figure.metric == "auroc")
    return replace(table, values=figures)


def one_cell(aurocs, printed):
    """Return the cell of made-up stored rows beside one printed value."""
    table = tables.read("dte-2024-semi")
    figure = PrintedValue("wine", "KNN", "auroc", *printed, "first hand")
    table = replace(table, values=(figure,))
    wanted = rows(table, "KNN", "wine")
    (cell,) = reproduce(table, wanted, recorded(wanted, aurocs), lambda key: None).cells
    return cell


@pytest.mark.parametrize("name", tables.names())
def test_every_table_says_what_its_names_stand_for(name):
    table = tables.read(name)
    assert str(protocols.parse(table.description.protocol)) == table.description.protocol
    assert set(table.detectors) == set(table.description.detectors)
    assert set(table.datasets) == set(table.description.datasets)
    for detector in table.runnable:
        for suite in table.suites(detector, table.datasets):
            assert suite.seeds == table.seeds(detector)
            check(suite.detectors[0].spec, suite.detectors[0].settings)
    assert set(table.description.called) <= set(table.datasets)
    for figure in table.values:
        exceptions = [reason for reason in table.description.reasons if reason.absent]
        assert figure.metric in {*METRICS, *OF_CALLED} or any(
            reason.covers(*figure.place) for reason in exceptions
        )
        assert figure.source
    for reason in table.description.reasons:
        assert set(reason.detectors) <= set(table.detectors)
        assert set(reason.datasets) <= set(table.datasets)
        assert set(reason.metrics) <= {figure.metric for figure in table.values}


@pytest.mark.parametrize(
    ("printed", "agreement"),
    [
        ((80.02, 1.58), "exact"),
        ((80.03, 1.58), "within the spread"),
        ((80.0, 1.65), "within the spread"),  # the mean agrees, the spread does not
        ((81.7, 1.58), "outside"),
        ((80.02, None), "exact"),
        ((80.03, None), "outside"),
    ],
)
def test_a_cell_agrees_as_far_as_mean_and_spread_do(printed, agreement):
    cell = one_cell([0.78, 0.79, 0.8, 0.81, 0.82], printed)
    assert cell.ours == pytest.approx(80)
    assert cell.std == pytest.approx(math.sqrt(2.5))
    assert cell.agreement == agreement


def test_a_cell_with_a_missing_seed_has_no_value():
    cell = one_cell([0.8, 0.8], (80.0, 0.0))
    assert (cell.agreement, cell.reason) == ("not run", "3 of 5 rows not run yet")
    assert math.isnan(cell.ours)


def test_a_cell_whose_rows_failed_has_failed_and_counts_them():
    table = tables.select(tables.read("dte-2024-semi"), ["KNN", "CBLOF"], ["wine"])
    wanted = rows(table, "KNN", "wine")
    wanted += rows(table, "CBLOF", "wine")
    records = {row.key: {"status": "timeout", "reason": "over 1 s"} for row in wanted[1:]}
    made = reproduce(table, wanted, records, lambda key: None)
    assert {(c.printed.detector, c.agreement, c.reason) for c in made.cells} == {
        ("KNN", "failed", "4 of 5 rows: timeout: over 1 s"),  # the fifth is merely not stored
        ("CBLOF", "failed", "5 of 5 rows: timeout: over 1 s"),
    }
    assert made.summary == "6 cells: 6 failed"
    assert made.strict_summary == ("required cells: 3 of 6: 0 exact, 0 off, 3 failed, 0 not run")
    lines = list(csv.DictReader(io.StringIO(written("csv", made))))
    assert {(line["agreement"], line["ours"]) for line in lines} == {("failed", "")}
    assert ">failed<" in written("html", made)
    page = written("md", made)
    assert f"| wine | KNN | AUROC | 99.19 ± 0.22 | {NONE} | {NONE} | failed |" in page
    assert "- 3 cells failed (KNN): 4 of 5 rows: timeout: over 1 s\n" in page
    assert {cell.printed.detector for cell in made.failed} == {"KNN"}
    assert reproduce(table, wanted, {}, lambda key: None).failed == ()
    assert reproduce(table, [], {}, lambda key: None).failed == ()


def test_a_set_in_several_files_has_the_mean_of_both_values():
    table = tables.read("dte-2024-semi")
    figure = PrintedValue("agnews", "KNN", "auroc", 75.0, 1.0, "first hand")
    table = replace(table, values=(figure,))
    assert table.members == {"agnews": tuple(f"adbench-nlp/agnews_{i}" for i in range(4))}
    wanted = rows(table, "KNN", "agnews")
    assert len(wanted) == 20
    records = recorded(wanted, [0.6] * 10 + [0.88, 0.89, 0.9, 0.91, 0.92] * 2)
    (cell,) = reproduce(table, wanted, records, lambda key: None).cells
    assert cell.ours == pytest.approx(75)
    assert cell.std == pytest.approx(math.sqrt(2.5) / 2)  # of all values together it is 15.4
    records.popitem()
    (cell,) = reproduce(table, wanted, records, lambda key: None).cells
    assert cell.reason == "1 of 20 rows not run yet"


def test_the_page_lists_what_is_off_with_and_without_a_reason():
    table = tables.read("dte-2024-semi")
    figures = [
        PrintedValue("wine", "KNN", "auroc", 79.0, 2.0, "first hand"),  # off, nobody knows why
        PrintedValue(
            "lymphography", "LODA", "auroc", 79.0, 2.0, "first hand"
        ),  # off, for a known reason
        PrintedValue("wine", "VAE", "auroc", 79.0, 2.0, "first hand"),  # as near as has to be
        PrintedValue("wine", "IForest", "auroc", 90.0, 2.0, "first hand"),
        PrintedValue("glass", "LOF", "auroc", 79.0, 2.0, "first hand"),
        PrintedValue("wine", "LOF", "auroc", 79.0, 2.0, "first hand"),
        PrintedValue("glass", "OCSVM", "auroc", 79.0, 2.0, "first hand"),
        PrintedValue("wine", "DROCC", "auroc", 79.0, 2.0, "first hand"),
    ]
    table = replace(table, values=tuple(figures))
    pairs = [(f.detector, f.dataset) for f in figures if f.detector in table.runnable]
    wanted = [row for pair in pairs for row in rows(table, *pair)]
    made = reproduce(table, wanted, recorded(wanted, [0.8] * 20), lambda key: None)
    assert [cell.printed.detector for cell in made.off] == ["KNN", "IForest"]
    assert [cell.printed.detector for cell in made.explained] == ["LODA"]
    page = FORMATS["md"].write(Overview([made]))
    assert "| dte-2024-semi | 8 | 5 | 4 | 0 | 3 | 1 | 0 | 2 | 1 |" in page
    _, listed = page.split("dte-2024-semi: cells that are outside, failed, or off\n\n")
    assert [line.split(" | ")[1] for line in listed.splitlines()[2:]] == ["KNN", "LODA", "IForest"]
    assert "- 2 cells not run (LOF on glass, wine): not run yet\n" in page
    assert "- 1 cell not run (OCSVM on glass): not run yet\n" in page
    assert "- 2 cells not as printed (KNN, IForest on wine): no reason known\n" in page
    assert "- 1 cell not run (DROCC on wine): the implementation was different from ours\n" in page
    assert "| DROCC |" not in page
    assert "- Versions: numpy 2.4, scikit-learn 1.8. Commit: 0123456789.\n" in page


def test_a_value_that_is_known_to_differ_is_not_held_against_a_row():
    table = tables.select(tables.read("dte-2024-semi"), ["PCA"], ["cardio", "wine"])
    cells = reproduce(table, [], {}, lambda key: None).cells
    assert [cell.printed for cell in cells if not cell.deterministic] == [
        figure
        for figure in table.values
        if (figure.dataset, figure.metric) == ("cardio", "average_precision")
    ]


def test_a_row_without_scores_says_what_to_do():
    table = tables.select(tables.read("dte-2024-semi"), ["KNN"], ["wine"])
    wanted = rows(table, "KNN", "wine")
    records = {
        key: {**r, "average_precision": 0.8} for key, r in recorded(wanted, [0.8] * 5).items()
    }
    with pytest.raises(ValueError, match=r"has no scores, which f1 needs; .* --results DIR"):
        reproduce(table, wanted, records, lambda key: None)


def test_deep_models_alone_are_wanted_on_another_device():
    need("odds/arrhythmia")
    table = tables.select(tables.read("goad-2020"), ["LOF", "GOAD"], ["Arrhythmia"])
    wanted = table.wanted(None, "cuda")
    assert {(row.label, row.device) for row in wanted} == {("LOF", "cpu"), ("GOAD", "cuda")}
    assert {row.device for row in table.wanted(None)} == {"cpu"}


def test_a_printed_method_that_is_not_here_says_why():
    told = tables.read("pyod-2019").description
    with pytest.raises(ValueError, match="give either the detector, as spec, or why there is none"):
        Contender()
    absent = Contender(absent="it is not here")
    told = told.model_copy(update={"detectors": {**told.detectors, "KNN": absent}})
    table = replace(tables.read("pyod-2019"), description=told)
    assert "KNN" not in table.runnable
    cells = reproduce(table, [], {}, lambda key: None).cells
    reasons = {cell.reason for cell in cells if cell.printed.detector == "KNN"}
    assert reasons == {"it is not here"}


def test_settings_of_one_data_set_replace_those_of_all():
    table = tables.read("goad-2020")
    suites = table.suites("GOAD", table.datasets)
    assert [len(suite.datasets) for suite in suites] == [2, 1]
    settings = [suite.detectors[0].settings for suite in suites]
    assert [(s["n_transforms"], s["epochs"]) for s in settings] == [(256, 1), (64, 25)]
    assert len(table.suites("LOF", table.datasets)) == 1
    told = table.description.model_dump()
    told["detectors"]["GOAD"]["by_dataset"] = {"Thyroids": {}}
    text = "GOAD has settings for the unknown data set 'Thyroids'; .*Thyroid"
    with pytest.raises(ValueError, match=text):
        Description.model_validate(told)


def test_the_page_in_the_documentation_is_of_the_tables_as_they_are():
    page = (tables.FOLDER.parents[2] / "docs" / "reproduction.md").read_text()
    for table in map(tables.read, tables.names()):
        description = table.description
        assert f"\n## {table.name}: {description.title}\n\n{description.paper}. " in page
        assert re.search(rf"^\| {table.name} \| {len(table.values)} \|", page, re.MULTILINE)
        assert [note for note in description.notes if f"\n- {note}\n" not in page] == []


def test_a_value_is_kept_where_its_rows_are_missing(tmp_path):
    table = areas("dte-2024-semi", ["KNN", "LOF"], "wine")
    wanted = rows(table, "KNN", "wine")
    made = reproduce(table, wanted, recorded(wanted, [0.9919] * 5), lambda key: None)
    path = tmp_path / "cells.csv"
    path.write_text(cells.to_csv([made]))
    kept = cells.read(path)
    assert set(kept) == {("dte-2024-semi", "wine", "KNN", "auroc")}  # of what was run alone
    again = reproduce(table, wanted, {}, lambda key: None, kept)
    assert again.summary == made.summary == "2 cells: 1 within the spread, 1 not run"
    assert again.made_by == made.made_by
    assert cells.to_csv([again]) == path.read_text()
    better = reproduce(table, wanted, recorded(wanted, [0.99] * 5), lambda key: None, kept)
    assert better.cells[0].ours == pytest.approx(99)


def test_a_kept_value_of_another_recipe_is_dropped_and_of_other_code_is_reported(tmp_path):
    table = areas("dte-2024-semi", ["KNN"], "wine")
    wanted = rows(table, "KNN", "wine")
    made = reproduce(table, wanted, recorded(wanted, [0.9919] * 5), lambda key: None)
    path = tmp_path / "cells.csv"
    path.write_text(cells.to_csv([made]))
    knn = table.description.detectors["KNN"]
    others = [
        {"detectors": table.description.detectors | {"KNN": knn.model_copy(update=change)}}
        for change in ({"settings": {"n_neighbors": 6}}, {"seeds": (1,)}, {"scaler": "none"})
    ]
    others += [{"protocol": "dte-2024-unsup"}, {"seeds": (1, 2)}, {"scaler": "robust"},
               {"called": {"wine": 0.1}}, {"rounds": 4}, {"points": 0.01}]  # fmt: skip
    for change in others:
        other = replace(table, description=table.description.model_copy(update=change))
        (cell,) = reproduce(other, (), {}, lambda key: None, cells.read(path)).cells
        assert cell.reason == "the kept value is of other settings; not run yet", change
    moved = [replace(row, data_sha256="0" * 64) for row in wanted]
    (cell,) = reproduce(table, moved, {}, lambda key: None, cells.read(path)).cells
    assert cell.reason == "the kept value is of other data; not run yet"

    path.write_text(path.read_text().replace(table.code("KNN", "wine"), "0" * 12))
    again = reproduce(table, (), {}, lambda key: None, cells.read(path))
    assert [cell.outdated for cell in again.cells] == [True]
    assert "1 cell computed by code that has changed since" in written("md", again)
    assert "changed since" not in written("md", made)


def test_a_failure_is_kept_where_its_rows_are_not_here(tmp_path):
    table = areas("dte-2024-semi", ["KNN"], "wine")
    wanted = rows(table, "KNN", "wine")
    records = recorded(wanted, [0.9919] * 5)
    records[wanted[2].key] = {"status": "error", "reason": "no, so not"}
    made = reproduce(table, wanted, records, lambda key: None)
    path = tmp_path / "cells.csv"
    path.write_text(cells.to_csv([made]))
    again = reproduce(table, wanted, {}, lambda key: None, cells.read(path))
    (cell,) = again.cells
    assert (cell.agreement, cell.reason) == ("failed", "1 of 5 rows: error: no, so not")
    assert again.failed == (cell,)
    assert cells.to_csv([again]) == path.read_text()
    whole = recorded(wanted, [0.99] * 5)
    better = reproduce(table, wanted, whole, lambda key: None, cells.read(path))
    assert better.counts["failed"] == 0
    assert better.cells[0].ours == pytest.approx(99)
    path.write_text(path.read_text().replace(table.recipe("KNN", "wine"), "0" * 12))
    other = reproduce(table, wanted, {}, lambda key: None, cells.read(path))
    assert other.cells[0].reason == "the kept value is of other settings; not run yet"


def test_a_kept_value_that_a_failure_replaces_is_reported(bench, tmp_path):
    need("adbench/wine")
    table = areas("dte-2024-semi", ["IForest"], "wine")
    wanted = table.wanted(None)
    made = reproduce(table, wanted, recorded(wanted, [0.9919] * 5), lambda key: None)
    (tmp_path / "page.csv").write_text(cells.to_csv([made]))
    asked = ("--detectors", "IForest", "--datasets", "wine", "--time-limit", "0.01")
    done = bench("reproduce", "dte-2024-semi", *asked, "--results", tmp_path)
    assert done.wait() == 0, done.stderr
    done = bench("reproduce", "--write", tmp_path / "page.md", "--results", tmp_path)
    assert done.wait() == 0, done.stderr
    assert "replaced: 1 kept values by failures of rows that are stored here" in done.stdout


def test_a_kept_value_hides_no_failure(tmp_path):
    table = areas("dte-2024-semi", ["KNN"], "wine")
    wanted = rows(table, "KNN", "wine")
    made = reproduce(table, wanted, recorded(wanted, [0.9919] * 5), lambda key: None)
    path = tmp_path / "cells.csv"
    path.write_text(cells.to_csv([made]))
    records = recorded(wanted, [0.9919] * 5)
    records[wanted[2].key] = {"status": "crashed", "reason": "by signal 11"}
    (cell,) = reproduce(table, wanted, records, lambda key: None, cells.read(path)).cells
    assert (cell.agreement, cell.reason) == ("failed", "1 of 5 rows: crashed: by signal 11")
    told = table.description.detectors | {"KNN": Contender(absent="no longer here")}
    other = replace(table, description=table.description.model_copy(update={"detectors": told}))
    (cell,) = reproduce(other, (), {}, lambda key: None, cells.read(path)).cells
    assert cell.reason == "no longer here"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("my,own\n1,2\n", "is not a file of reproduced cells, whose columns are table,dataset"),
        ("{head}\n<<<<<<< HEAD\n", "page.csv is damaged: it does not have 16 fields"),
        ("{head}\n{line},\n", "page.csv is damaged: it does not have 16 fields"),
        ("{head}\n{line}\n{line}\n", "page.csv is damaged: its cell has an earlier line"),
        ("{head}\n{failed}\n", "page.csv is damaged: it needs either a value or a failure"),
    ],
)
def test_a_file_of_other_or_damaged_cells_is_refused_and_stays(bench, tmp_path, text, sentence):
    line = ",".join("" if name == "failure" else "1" for name in cells.COLUMNS)
    failed = ",".join(["1"] * len(cells.COLUMNS))
    text = text.format(head=",".join(cells.COLUMNS), line=line, failed=failed)
    (tmp_path / "page.csv").write_text(text)
    done = bench("reproduce", "--write", tmp_path / "page.md", "--results", tmp_path)
    assert done.wait() == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "page.csv").read_text() == text


def test_the_page_in_the_documentation_has_the_cells_beside_it():
    docs = tables.FOLDER.parents[2] / "docs"
    page, kept = (docs / "reproduction.md").read_text(), cells.read(docs / "reproduction.csv")
    for table in map(tables.read, tables.names()):
        made = reproduce(table, (), {}, lambda key: None, kept)
        run = len(made.cells) - made.counts["not run"]
        agree = [made.counts[a] for a in ("exact", "within the spread", "outside", "failed")]
        counts = (len(made.cells), len(made.required), run)
        line = [table.name, *counts, *agree, len(made.off), len(made.explained)]
        assert f"\n| {' | '.join(map(str, line))} | " in page


def test_cells_of_a_gpu_say_so():
    table = tables.select(tables.read("dagmm-2018"), ["DAGMM"], ["Thyroid"])
    (suite,) = table.suites("DAGMM", ["Thyroid"])
    wanted = wanted_rows(suite, "cpu")
    records = {
        row.key: {
            "key": row.key,
            "status": "ok",
            "auroc": 0.5,
            "provenance": {"gpu": "NVIDIA H100"},
        }
        for row in wanted
    }
    table = replace(table, values=(replace(table.values[0], metric="auroc"),))
    assert reproduce(table, wanted, records, lambda key: None).made_by == ()
    on_gpu = [replace(row, device="cuda") for row in wanted]
    records = {row.key: record for row, record in zip(on_gpu, records.values(), strict=True)}
    (sentence,) = reproduce(table, on_gpu, records, lambda key: None).made_by
    assert sentence == "Device: cuda (NVIDIA H100)."


def test_targets_have_their_mean_difference_and_a_spread_of_their_own():
    table = tables.select(tables.read("dagmm-2018"), ["DAGMM"], ["Thyroid", "Arrhythmia"])
    auroc = [replace(f, metric="auroc") for f in table.values if f.metric == "f1"]
    table = replace(table, values=tuple(auroc))  # printed .4782 and .4983
    wanted = rows(table, "DAGMM", "Thyroid")
    made = reproduce(table, wanted, recorded(wanted, [0.5, 0.6] * 10), lambda key: None)
    assert made.cells[1].agreement == "not run"
    page = written("md", made)
    assert "| 0.4782 | 0.5500 ± 0.0513 | +0.07180 | outside |" in page
    assert "DAGMM, mean of ours less printed: AUROC +0.0718 (1 cell)\n" in page


def test_a_page_of_html_says_what_the_others_do():
    table = tables.select(tables.read("dte-2024-semi"), ["KNN"], ["wine"])
    wanted = rows(table, "KNN", "wine")
    table = replace(table, values=table.values[:1])
    made = reproduce(table, wanted, recorded(wanted, [0.9919] * 5), lambda key: None)
    page = written("html", made)
    assert page.startswith("<!doctype html>")
    for text in ("<h1>dte-2024-semi: ADBench, one class", "1 cell: 1 within the spread.",
                 "99.19 ± 0.00", "Sources of the values: 1 first hand"):  # fmt: skip
        assert text in page


def test_a_detector_may_have_another_scaler_than_its_table():
    table = tables.read("oc-nn-2018-mnist")
    scalers = {name: table.suites(name, ["1"])[0].scaler for name in table.runnable}
    assert scalers.pop("OCSVM") == "gcn-l1"
    assert set(scalers.values()) == {table.description.scaler} == {"global-minmax"}


def test_methods_that_are_not_implemented_are_summed_up():
    made = reproduce(tables.read("dte-2024-unsup"), [], {}, lambda key: None)
    page = written("md", made)
    others = "DROCC, GANomaly, SLAD, DIF, DDPM, DTE-IG"
    assert f"- 684 cells not run ({others}): the implementation was different from ours\n" in page
    assert "- 114 cells not run (DTE-NP): the printed values are not those of the mean" in page


def test_every_value_has_a_source_and_equal_ones_are_merged():
    table = tables.read("oc-nn-2018-mnist")
    notebook = "OC-NN/MNIST/OCNN_Experiments.ipynb cell 21"
    assert table.values[0].source == f"first hand, output of the authors' notebooks, {notebook}"
    made = reproduce(table, [], {}, lambda key: None)
    assert (
        "- Sources of the values: 42 first hand, output of the authors' notebooks; "
        "2 quoted by an anonymous ICLR 2019 submission, table 2\n"
    ) in written("md", made)


def test_cells_of_data_that_are_not_here_say_so(tmp_path):
    table = tables.select(tables.read("dte-2024-semi"), ["lof"], ["glass"])
    assert table.wanted(tmp_path) == []
    made = reproduce(table, [], {}, lambda key: None)
    assert {cell.reason for cell in made.cells} == {"the data are not here"}
    assert made.summary == "3 cells: 3 not run"
    assert "3 cells not run (glass): the data are not here" in written("md", made)


def test_a_part_is_chosen_by_printed_names_or_ours():
    table = tables.read("dte-2024-semi")
    part = tables.select(table, ["KNN", "ocsvm"], ["adbench/glass", "wine"])
    assert (part.detectors, part.datasets) == (("KNN", "OCSVM"), ("glass", "wine"))
    part = tables.select(table, None, ["W*", "mvtec-*"])
    assert part.datasets == (
        "waveform", "wbc", "wdbc", "wilt", "wine", "wpbc", "MVTec-AD",
    )  # fmt: skip
    with pytest.raises(UnknownTable, match=r"the table has no detector 'knnn'; .*KNN"):
        tables.select(table, ["knnn"], None)
    with pytest.raises(UnknownTable, match=r"unknown table 'dte'; .*dte-2024-semi"):
        tables.read("dte")


def test_at_the_count_of_anomalies_f1_is_precision():
    import numpy as np

    y = np.array([0, 0, 1, 1, 0, 1], dtype=np.int8)
    scores = np.array([0.1, 0.9, 0.8, 0.7, 0.2, 0.3])
    called = most_anomalous(y, scores)
    assert called.tolist() == [False, True, True, True, False, False]
    assert f1(y, called) == precision(y, called) == recall(y, called) == pytest.approx(2 / 3)


def test_above_a_share_fewer_may_be_called_than_are():
    import numpy as np

    y = np.array([0, 0, 1, 1, 0, 1], dtype=np.int8)
    scores = np.array([0.1, 0.9, 0.8, 0.7, 0.2, 0.3])
    called = above(scores, 1 / 3)
    assert called.tolist() == [False, True, True, False, False, False]
    assert precision(y, called) == pytest.approx(1 / 2)
    assert recall(y, called) == pytest.approx(1 / 3)
    assert f1(y, called) == pytest.approx(2 / 5)
    assert precision(y, above(np.zeros(6), 0.5)) == 0.0  # equal scores: none is above


def test_without_a_table_all_are_listed(bench):
    done = bench("reproduce")
    assert done.wait() == 0
    for name in tables.names():
        assert name in done.stdout


def test_an_unknown_table_is_bad_usage(bench):
    done = bench("reproduce", "dte-2024-sem")
    assert done.wait() == 2
    assert "unknown table 'dte-2024-sem'; " in done.stderr


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--format", "csv"], "--format: only for one table; name it, without --write, or leave"),
        (["--write", "a.md", "--detectors", "KNN"], "--detectors: only for one table"),
        (["--datasets", "wine", "--strict"], "--datasets, --strict: only for one table"),
        (["--memory-limit", "2", "--retry", "all"], "--memory-limit, --retry: only for one table"),
        (["dte-2024-semi", "--write", "a.md"], "--write makes one page of all tables"),
        (["--write", "a.csv"], "--write a.csv: name the page FILE.md; its cells go beside it"),
        (["--write", "page"], "--write page: name the page FILE.md"),
        (["dte-2024-semi", "--detectors", ""], "no detector is named; name some, or leave"),
        (["dte-2024-semi", "--datasets", ","], "no data set is named; name some, or leave"),
        (["dte-2024-semi", "--retry", "crash"], "retry: unknown 'crash'; did you mean crashed?"),
    ],
)
def test_an_option_that_would_do_nothing_is_bad_usage(bench, options, text):
    done = bench("reproduce", *options)
    assert done.wait() == 2
    assert text in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_page_of_nothing_is_not_written(bench, tmp_path):
    page = tmp_path / "page.md"
    done = bench("reproduce", "--write", page, "--data", tmp_path, "--results", tmp_path)
    assert done.wait() == 2
    assert done.stderr == (
        f"bench: none of the data of the tables are in {tmp_path}; run `bench data fetch NAME`, or "
        "name another folder with --data or $BENCH_DATA (docs/troubleshooting.md)\n"
    )
    asked = ["reproduce", "dte-2024-semi", "--datasets", "wine,glass", "--data", tmp_path]
    done = bench(*asked, "--results", tmp_path)
    assert done.wait() == 2
    assert "none of the data of wine,glass are in" in done.stderr
    assert "run `bench data fetch adbench/glass adbench/wine`, or" in done.stderr
    need("adbench/wine")
    done = bench("reproduce", "--write", page, "--results", tmp_path)
    assert done.wait() == 2
    assert "run `bench reproduce NAME` first" in done.stderr
    Store(tmp_path).close()
    done = bench("reproduce", "--write", page, "--results", tmp_path)
    assert done.wait() == 2
    assert "run `bench reproduce NAME` first, or name another with --results" in done.stderr
    assert not page.exists()


@pytest.mark.parametrize(
    ("name", "n_cells", "n"),
    [
        ("dte-2024-semi", 4446, 45),
        pytest.param("dte-2024-unsup", 2964, 30, marks=pytest.mark.slow),
    ],
)
def test_small_sets_match_the_printed_values(bench, tmp_path, name, n_cells, n):
    for dataset in ("wine", "Hepatitis", "glass"):
        need(f"adbench/{dataset}")
    done = bench(
        "reproduce", name, "--detectors", EXACT, "--datasets", "wine,hepatitis,glass",
        "--format", "csv", "--strict", "--results", tmp_path,
    )  # fmt: skip
    assert done.wait() == 0, done.stderr
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(lines) == n
    off = [line for line in lines if line["agreement"] != "exact"]
    assert [line for line in off if line["deterministic"] == "true"] == []
    page = tmp_path / "page.md"
    assert bench("reproduce", "--write", page, "--results", tmp_path).wait() == 0
    text = page.read_text()
    assert re.search(rf"\| {name} \| {n_cells} \| \d+ \| {n} \| {n - len(off)} \|", text)
    assert bench("reproduce", "--write", page, "--results", tmp_path / "none").wait() == 0
    assert page.read_text() == text  # from the cells beside it


def test_strict_fails_where_a_deterministic_cell_is_off(bench, tmp_path, monkeypatch):
    need("adbench/wine")
    asked = ["reproduce", "dte-2024-semi", "--detectors", "KNN", "--datasets", "wine", "--strict"]
    asked += ["--format", "md", "--results", str(tmp_path / "results")]
    assert bench(*asked).wait() == 0
    shutil.copytree(tables.FOLDER, tmp_path / "tables")
    figures = tmp_path / "tables" / "dte-2024-semi.csv"
    text = figures.read_text()
    assert "wine,KNN,auroc,99.19," in text
    figures.write_text(text.replace("wine,KNN,auroc,99.19,", "wine,KNN,auroc,99.29,"))
    monkeypatch.setattr(tables, "FOLDER", tmp_path / "tables")

    done = CliRunner().invoke(app, asked)  # every row is stored, so that nothing runs
    assert done.exit_code == 1
    assert "not as printed: KNN on wine; see docs/reproduction.md" in done.stderr
    assert "required cells: 3 of 3: 2 exact, 1 off, 0 failed, 0 not run" in done.stderr
    assert "| 99.29 ± 0.22 | 99.19 ± 0.22 | -0.103 | within the spread |" in done.stdout


def test_strict_fails_where_a_deterministic_cell_failed(bench, tmp_path):
    need("adbench/thyroid")
    done = bench(
        "reproduce", "dte-2024-semi", "--detectors", "OCSVM,CBLOF", "--datasets", "thyroid",
        "--strict", "--time-limit", "0.05", "--results", tmp_path,
    )  # fmt: skip
    assert done.wait() == 1
    assert done.stderr.splitlines() == [
        "bench: failed: OCSVM on thyroid; run them again with --retry all",
        "bench: required cells: 3 of 6: 0 exact, 0 off, 3 failed, 0 not run",
    ]
    done = bench(
        "reproduce", "dte-2024-semi", "--detectors", "OCSVM", "--datasets", "thyroid", "--strict",
        "--retry", "timeout", "--results", tmp_path,
    )  # fmt: skip
    assert done.wait() == 0
    assert done.stderr == ("bench: required cells: 3 of 3: 3 exact, 0 off, 0 failed, 0 not run\n")


def test_a_job_has_the_memory_that_is_asked_for(bench, tmp_path):
    need("adbench/wine")
    done = bench(
        "reproduce", "dte-2024-semi", "--detectors", "IForest", "--datasets", "wine",
        "--memory-limit", "0.001", "--format", "md", "--results", tmp_path,
    )  # fmt: skip
    assert done.wait() == 0, done.stderr
    assert re.search(
        r"3 cells failed \(wine\): . of 5 rows: memory: used .* limit 1 MiB", done.stdout
    )


def test_the_table_of_pyod_matches_to_four_decimals(bench, tmp_path):
    for dataset in ("adbench/vertebral", "odds/lympho", "odds/wbc", "odds/cardio"):
        need(dataset)
    done = bench(
        "reproduce", "pyod-2019", "--detectors", "KNN,LOF,OCSVM,PCA",
        "--datasets", "vertebral,lympho,wbc,cardio",
        "--format", "csv", "--results", tmp_path,
    )  # fmt: skip
    assert done.wait() == 0, done.stderr
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(lines) == 32
    for line in lines:
        assert abs(float(line["difference"])) <= 0.000051, line


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("name", "detector", "dataset", "metrics", "points"),
    [
        ("dagmm-2018", "OC-SVM", "Arrhythmia", ["precision", "recall", "f1"], 12),
        ("goad-2020", "LOF", "Arrhythmia", ["f1"], 0.5),
        ("goad-2020", "LOF", "Thyroid", ["f1"], 0.5),
        pytest.param("lsa-2019", "OCSVM", "1", ["auroc"], 3, marks=pytest.mark.slow),
        pytest.param(
            "oc-nn-2018-mnist", "Isolation forest", "1", ["auroc"], 3, marks=pytest.mark.slow
        ),
    ],
)
def test_cells_of_tables_of_few_values_are_near_the_printed_ones(
    bench, tmp_path, name, detector, dataset, metrics, points
):
    need(tables.read(name).description.datasets[dataset])
    done = bench(
        "reproduce", name, "--detectors", detector, "--datasets", dataset, "--strict",
        "--format", "csv", "--results", tmp_path,
    )  # fmt: skip
    assert done.wait(1700) == 0, done.stderr
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [line["metric"] for line in lines] == metrics
    for line in lines:
        assert abs(float(line["difference"])) < points * tables.read(name).description.points, line


def test_a_table_that_cannot_be_made_says_why(bench, tmp_path):
    done = bench(
        "reproduce", "mvtec-2019", "--detectors", "AnoGAN", "--format", "md", "--results", tmp_path
    )
    assert done.wait() == 0, done.stderr
    assert "40 cells: 40 not run" in done.stdout
    assert "our detector gives no scores of pixels" in done.stdout


def test_of_a_table_of_pixels_what_can_be_made_is_compared():
    table = tables.select(tables.read("mvtec-2019"), ["AE (SSIM)"], ["bottle"])
    wanted = rows(table, "AE (SSIM)", "bottle")
    assert all(row.pixels_id for row in wanted)
    (record,) = recorded(wanted, [0.5]).values()
    stored = {record["key"]: {**record, "pixel_auroc": 0.934}}
    cells = {c.printed.metric: c for c in reproduce(table, wanted, stored, lambda key: None).cells}
    assert cells["pixel_auroc"].printed.value == 0.93
    assert cells["pixel_auroc"].agreement == "exact"  # half a unit of the last digit
    assert cells["region_overlap"].agreement == "not run"
    assert "minimum defect area" in cells["region_overlap"].reason


def test_a_row_without_the_value_of_a_cell_says_so():
    table = tables.select(tables.read("mvtec-2019"), ["AE (L2)"], ["bottle"])
    wanted = rows(table, "AE (L2)", "bottle")
    found = reproduce(table, wanted, recorded(wanted, [0.5]), lambda key: None)
    cells = {c.printed.metric: c for c in found.cells}
    assert cells["pixel_auroc"].agreement == "failed"
    assert cells["pixel_auroc"].reason == (
        "1 of 1 rows have no pixel_auroc; rerun them with --results DIR, a new folder"
    )


@pytest.fixture
def kept(tmp_path):
    """Return the folder of rows that take hours: $BENCH_REPRODUCTION, where tests that were cut
    short go on, or a new one.
    """
    named = os.environ.get("BENCH_REPRODUCTION")
    return Path(named) if named else tmp_path


@pytest.mark.slow
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize("large", [False, True], ids=["small and medium sets", "large sets"])
@pytest.mark.parametrize("name", ["dte-2024-semi", "dte-2024-unsup", "pyod-2019"])
def test_all_deterministic_cells_match_the_printed_values(bench, kept, name, large):
    table = tables.read(name)
    here = [n for n in table.present(None) if (rows_of(table, n) > MEDIUM) == large]
    if not here:
        pytest.skip(f"no such data of {name} in the data folder")
    detectors = [d for d in table.detectors if table.description.detectors[d].deterministic]
    done = bench(
        "reproduce", name, "--detectors", ",".join(detectors), "--datasets", ",".join(here),
        "--format", "csv", "--results", kept,
    )  # fmt: skip
    assert done.wait(6 * 3600) == 0, done.stderr
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert lines
    assert [n for n in lines if n["agreement"] == "not run"] == []
    off = [n for n in lines if n["agreement"] != "exact" and n["deterministic"] == "true"]
    assert off == []
    if name == "pyod-2019":
        exact = [
            n
            for n in lines
            if n["detector"] in ("KNN", "LOF", "OCSVM") and n["deterministic"] == "true"
        ]
        assert exact
        assert [n for n in exact if abs(float(n["difference"])) > 0.000051] == []


def rows_of(table, name):
    facts = [datasets.find(member).facts for member in table.members[name]]
    return max(each.n if each else MEDIUM for each in facts)


def need(dataset):
    if not datasets.present(dataset):
        pytest.skip(f"{dataset} is not in the data folder")
