"""The whole July 2024 story on the tiny image: caught, judged again, reproduced, mended, refused."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image
from temporary_lab import ANSWER_S, RUN_S, Answer, TemporaryLab

from lab.images.built import BuiltImage
from lab.machine.leases import qemu_process
from lab.model import Proof

pytestmark = [pytest.mark.e2e, pytest.mark.vm, pytest.mark.timeout(900)]

BASELINE = "tiny_small_content-update_baseline"
CANDIDATE = "tiny_small_content-update_candidate"
CRASH = "BUG: unable to handle kernel paging request in demo_sensor_match"
TIMES = ("started", "ended", "duration_s", "interrupted")


@dataclass(frozen=True)
class Run:
    lab: TemporaryLab
    answer: Answer

    @property
    def report(self) -> dict[str, Any]:
        return self.lab.report()

    def cell(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(cell for cell in self.report["cells"] if cell["id"] == name)
        return found


@pytest.fixture(scope="module")
def july(shared_lab: TemporaryLab, tiny_image: BuiltImage) -> Run:
    """Build 1.0 with content 291, and the released content 290 beside it."""
    assert tiny_image.name == "tiny"
    shared_lab.write()
    return Run(shared_lab, shared_lab("run", timeout_s=RUN_S))


def test_the_bad_content_is_not_shipped(july: Run) -> None:
    assert july.answer.code == 1, july.answer
    assert july.answer.out.startswith(f"Do not ship build 1.0 + content 291: {CRASH} (demo_sensor)")
    assert "the released agent is green" in july.answer.out
    assert "report.html" in july.answer.out


def test_the_report_names_the_crash_its_module_and_the_boot_loop(july: Run) -> None:
    (failure,) = july.report["failures"]
    assert failure["title"] == CRASH
    assert (failure["kind"], failure["blame"]) == ("panic", "candidate")
    assert failure["module"] == "demo_sensor"
    assert "content 291" in failure["since"]
    assert failure["resets"] >= 3
    assert failure["repro"] == f"lab repro {july.report['run']['id']} {CANDIDATE}"
    excerpt = "\n".join(line["text"] for line in failure["exhibit"]["excerpt"]["lines"])
    assert "RIP: 0010:demo_sensor_match" in excerpt


def test_the_released_agent_passed_with_its_proofs_in_the_recording(july: Run) -> None:
    cell = july.cell(BASELINE)
    assert (cell["outcome"], cell["blame"], cell["unexpected_resets"]) == ("passed", "nobody", 0)
    proofs = {item.what: item.values for item in july.lab.recorded(BASELINE) if isinstance(item, Proof)}
    assert (proofs["version"]["build"], proofs["version"]["content"]) == ("1.0", "290")
    assert proofs["exercised"]["after"] > proofs["exercised"]["before"]


def test_nothing_of_the_guests_is_left(july: Run) -> None:
    assert july.lab.left_behind() == []


def test_the_junit_file_counts_one_failure_and_no_error(july: Run) -> None:
    suites = ET.parse(july.lab.run_directory().path / "junit.xml").getroot()
    assert [suites.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["2", "1", "0", "0"]
    cases = {case.get("name"): case for case in suites.iter("testcase")}
    assert set(cases) == {BASELINE, CANDIDATE}
    failure = cases[CANDIDATE].find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("panic", CRASH)


def test_judging_again_from_disk_gives_the_same_report(july: Run) -> None:
    before = july.report
    answer = july.lab("judge", "latest")
    assert answer.code == 1, answer
    assert _timeless(july.report) == _timeless(before)
    assert answer.out.splitlines()[0] == july.answer.out.splitlines()[0]


def test_the_gate_answers_in_words_and_in_json(july: Run) -> None:
    assert july.lab("gate").code == 1
    answer = july.lab("gate", "latest", "--json")
    assert answer.code == 1, answer
    decision = json.loads(answer.out)
    assert (decision["ship"], decision["exit_code"]) == (False, 1)


def test_the_gate_applies_the_policy_that_lab_yaml_has_now(july: Run) -> None:
    issue = {"title": "BUG: * in demo_sensor_match", "until": "2099-12-31", "link": "KNOWN-1"}
    try:
        july.lab.write(gate={"known_issues": [issue]})
        answer = july.lab("gate", "latest")
    finally:
        july.lab.write()
    assert answer.code == 4, answer
    assert "known issue tolerated" in answer.out
    assert july.lab("gate", "latest").code == 1


def test_the_crash_is_reproduced_with_the_guest_kept_until_someone_ends_it(july: Run) -> None:
    lab = july.lab
    answer = lab("repro", "latest", CANDIDATE, "--shell", timeout_s=RUN_S)
    assert answer.code == 1, answer
    assert answer.out.startswith(f"reproduced: {CRASH}"), answer
    (lease,) = lab.leases()
    assert f"the guest {lease.machine} is kept until {lease.keep_until}" in answer.out

    shown = lab("ps")
    assert lease.machine in shown.out
    assert "kept until" in shown.out

    picture = lab.root / "screen.png"
    assert lab("screenshot", lease.machine, picture).code == 0
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert image.width >= 640

    assert "demo_sensor_match" in _console(lab, lease.machine)

    left_alone = lab("gc")
    assert left_alone.code == 0, left_alone
    assert left_alone.out.splitlines()[-1].startswith("0 ended"), left_alone
    assert qemu_process(lease) is not None

    ended = lab("gc", "--all")
    assert ended.code == 0, ended
    assert lease.machine in ended.out
    assert lab.left_behind() == []


def test_the_mended_agent_ships(july: Run) -> None:
    answer = july.lab("run", "--candidate", "build=1.1,content=292", timeout_s=RUN_S)
    assert answer.code == 0, answer
    assert answer.out.startswith("Ship build 1.1 + content 292"), answer
    assert july.cell(CANDIDATE)["outcome"] == "passed"


def test_the_mended_agent_refuses_the_bad_content_which_is_no_crash_and_no_pass(july: Run) -> None:
    answer = july.lab("run", "--candidate", "build=1.1,content=291", "-k", "candidate", timeout_s=RUN_S)
    assert answer.code == 1, answer
    cell = july.cell(CANDIDATE)
    assert (cell["outcome"], cell["blame"], cell["unexpected_resets"]) == ("failed", "candidate", 0)
    (failure,) = july.report["failures"]
    assert failure["kind"] == "update-refused"
    assert failure["title"] == "update refused: content 291 declares 21 fields, build 1.1 supplies 20"
    assert "not-exercised" not in answer.out
    assert july.lab.left_behind() == []


def _timeless(report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "run": {key: value for key, value in report["run"].items() if key not in TIMES}}


def _console(lab: TemporaryLab, machine: str) -> str:
    """What `lab console` shows first, through pipes; the end of its input leaves it."""
    done = subprocess.run(
        lab.argv("console", machine),
        cwd=lab.root,
        env=lab.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=ANSWER_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8", "replace")
