"""`compare.most`: spare pairs are planned, and not run once nothing more can be learnt from them."""

from __future__ import annotations

import pytest
from temporary_lab import RUN_S, TemporaryLab

from lab.images.built import BuiltImage

pytestmark = [pytest.mark.e2e, pytest.mark.vm, pytest.mark.timeout(600)]

CRASH = "BUG: unable to handle kernel paging request in demo_sensor_match"


def test_a_candidate_that_crashes_is_not_repeated_and_the_report_says_so_also_after_a_kill(
    lab: TemporaryLab, tiny_image: BuiltImage
) -> None:
    assert tiny_image.disk.exists()
    lab.write(compare={"most": 3})
    planned, whole = lab("plan"), lab("plan", "--json")
    assert "at least 2 cells" in planned.out
    assert "up to 3 pairs per place" in planned.out
    assert "6 cells, " in planned.out

    done = lab("run", timeout_s=RUN_S)
    assert done.code == 1, done
    run = lab.run_directory()
    ran = {path.name for path in (run.path / "cells").iterdir()}
    assert ran == {f"tiny_small_content-update_{arm}_r1" for arm in ("baseline", "candidate")}
    left = [one for one in run.plan().omitted if one.kind == "decided"]
    assert len(left) == 4
    (reason,) = {one.reason for one in left}
    assert reason == f"enough after 1 pair: the candidate failed: {CRASH}"
    gaps = [gap for gap in lab.report()["not_tested"] if gap["kind"] == "decided"]
    assert [(gap["reason"], len(gap["cells"])) for gap in gaps] == [(reason, 4)]
    assert "Not needed" in (run.path / "report.html").read_text()

    (run.path / "plan.json").write_text(whole.out)  # as a killed orchestrator leaves it
    again = lab("resume", timeout_s=RUN_S)
    assert again.code == 1, again
    assert {path.name for path in (run.path / "cells").iterdir()} == ran
    assert all((run.path / "cells" / name / "a1").is_dir() for name in ran)
    assert not list((run.path / "cells").glob("*/a2"))
    assert [one for one in run.plan().omitted if one.kind == "decided"] == left
    assert lab.left_behind() == []
