"""What a detector prints, warns of and raises is kept in part, in characters that can be shown."""

from __future__ import annotations

import pytest

from tests.helpers.fault_matrix import DETECTORS

LIMIT = 2.5  # seconds


def faulty(label, **settings):
    return {"spec": "tests/helpers/faulty.py:Faulty", "label": label, "settings": settings}


@pytest.mark.fault(
    area=DETECTORS,
    kind="megabytes printed",
    how="`fit` prints 4 MB in several ways, with odd bytes",
    promise="the last 8 KiB are kept with the row",
)
def test_what_a_detector_prints_is_kept_at_its_end_and_for_its_seed(make_rows):
    first, second = make_rows(faulty("loud", fitting="print megabytes", only_seed=0), seeds=2)
    assert len(first.details["output"]) <= 8192
    assert first.details["output"].endswith("the end\n")
    assert "descriptor" in first.details["output"]
    assert second.details["output"] == ""


@pytest.mark.fault(
    area=DETECTORS,
    kind="last words",
    how="`fit` prints and segfaults",
    promise="the text is kept with the row",
)
def test_what_a_detector_prints_before_it_dies_is_kept(make_rows):
    (row,) = make_rows(faulty("bad", fitting="print and die"))
    assert row.details["output"] == "last words\n"


@pytest.mark.fault(
    area=DETECTORS,
    kind="output without end",
    how="`fit` prints until its time limit",
    promise="the file of output stays bounded",
)
def test_output_without_end_does_not_fill_the_disk(make_rows, monkeypatch):
    from bench.run import supervise

    sizes = []
    limit_output = supervise.Child._limit_output

    def watch(child):
        file = child.folder / "output"
        before = file.stat().st_size
        limit_output(child)
        sizes.append((before, file.stat().st_size))

    monkeypatch.setattr(supervise.Child, "_limit_output", watch)
    monkeypatch.setattr(supervise, "MAX_OUTPUT_BYTES", 2**20)
    (row,) = make_rows(faulty("bad", fitting="print without end"), seconds=LIMIT)
    assert row.status == "timeout"

    # The child prints on meanwhile, so that a file just emptied may be large again.
    shrunk = [before - after for before, after in sizes if after < before]
    assert len(shrunk) > len(sizes) / 2
    assert sum(shrunk) > 4 * max(before for before, _ in sizes)
    assert set(row.details["output"]) <= {"x"}


def test_warnings_are_kept_with_the_row(make_rows):
    rows = make_rows(faulty("warns", fitting="warn"), seeds=2)
    for row in rows:
        assert row.details["warnings"] == ["RuntimeWarning: converged to nothing"]


@pytest.mark.fault(
    area=DETECTORS,
    kind="odd characters",
    how="`fit` raises a message with ESC, NUL and a lone surrogate",
    promise="the reason is printable and the row is stored",
)
def test_odd_characters_reach_neither_terminal_nor_store(make_rows, tmp_path):
    from bench.store.store import Store

    (row,) = make_rows(faulty("bad", fitting="raise with odd characters"))
    assert row.reason.isprintable()
    assert len(row.reason) < 600
    store = Store(tmp_path)
    store.add(row)
    assert "ValueError" in store.details(row.wanted.key)["traceback"]
    store.close()
