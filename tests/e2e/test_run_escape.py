"""A guest that the July content took down is had back by deleting a file from its disk, in one command."""

from __future__ import annotations

import pytest
from temporary_lab import RUN_S, temporary_lab

from lab.model import Capture, Figure, Step

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(RUN_S + 100)]
CANDIDATE = "tiny_small_escape_candidate"


def test_the_planned_drill_follows_the_crash_and_the_candidate_still_fails() -> None:
    with temporary_lab() as lab:
        lab.write(matrix={"images": ["tiny"], "profiles": ["small"], "scenarios": ["escape"]})
        answer = lab("run", "-k", "candidate", timeout_s=RUN_S)
        assert answer.code == 1, str(answer)
        (cell,) = (one for one in lab.report()["cells"] if one["id"] == CANDIDATE)
        assert cell["outcome"] == "failed"
        seen = lab.recorded(CANDIDATE)
        drill = [one for one in seen if isinstance(one, Step) and one.name == "escape"]
        assert [one.phase for one in drill] == ["start", "end"]
        assert drill[1].outcome == "completed", drill[1].detail
        assert "/var/lib/demo-sensor/content/291.content" in drill[1].detail["files"]
        figures = {one.name: one.value for one in seen if isinstance(one, Figure)}
        assert 0 < figures["repair_s"] < figures["recover_s"]
        evidence = [one.t_s for one in seen if isinstance(one, Capture) and one.what == "registers"]
        assert evidence
        assert evidence[0] < drill[0].t_s, "the crash is recorded before its cause is removed"
        assert "escape: completed" in (lab.run_directory().path / "report.html").read_text()
        assert lab.left_behind() == []
