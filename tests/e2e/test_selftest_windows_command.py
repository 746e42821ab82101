"""`lab selftest --windows` on the STAND-IN, all of it: its steps tell what is there, and say what it is."""

from __future__ import annotations

import json
import shutil

import pytest
from temporary_lab import ROOT, RUN_S, temporary_lab

from lab.selftest.windows import CHECKS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(RUN_S + 100)]


def test_every_step_is_as_documented_and_title_and_verdict_say_stand_in() -> None:
    names = [one.name for one in CHECKS]
    with temporary_lab() as lab:
        shutil.copy(ROOT / "images/windows-stand-in.yaml", lab.root / "images")
        answer = lab("selftest", "--windows", "windows-stand-in", "--json", timeout_s=RUN_S)
        assert answer.code == 0, str(answer)
        assert "STAND-IN, no Windows" in answer.err
        told = json.loads(answer.out)
        assert told["stand_in"] is True
        outcomes = {one["name"]: one["outcome"] for one in told["results"]}
        assert outcomes == {name: "absent" if name == "winrm" else "ok" for name in names}
        stop = next(one for one in told["results"] if one["name"] == "stop")
        assert "0x80" in stop["detail"]
        assert lab.left_behind() == []
