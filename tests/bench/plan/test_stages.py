"""Where the time of a run goes, added up over threads."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.plan.stages import STAGES, Stages
from bench.render.documents.profile import profile


def test_stages_of_threads_add_up_also_after_an_error():
    stages = Stages()

    def work(fails):
        with stages.of("fit"):
            time.sleep(0.02)
            if fails:
                raise ValueError

    with ThreadPoolExecutor(4) as pool:
        ended = [pool.submit(work, fails) for fails in (True, False) * 2]
    assert sum(one.exception() is not None for one in ended) == 2
    assert stages.seconds["fit"] >= 0.08
    assert stages.seconds.keys() == STAGES.keys()
    assert stages.seconds["load"] == 0


@pytest.mark.parametrize("fit", [0.0, 3.0])
def test_the_table_has_shares_and_milliseconds_a_row(fit):
    table = profile({"load": 1.0, "fit": fit}, 50)
    assert table.texts()[0][:4] == ["load", "1.0", "25%" if fit else "100%", "20.0"]
