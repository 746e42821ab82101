"""Progress of an installation, read from its serial port however the bytes arrive."""

from __future__ import annotations

import base64
import hashlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.images.windows import stages
from lab.images.windows.stages import BY_MARK, Progress

FACTS = {"schema": 1, "os": {"build": 26100, "revision": 2033}, "unread": [], "note": "ü" * 200}


def report(facts: object = FACTS, *, hash_of: bytes | None = None) -> bytes:
    data = json.dumps(facts).encode()
    text = base64.b64encode(data).decode()
    lines = [f"lab-report: {text[at : at + 96]}" for at in range(0, len(text), 96)]
    lines.append(f"lab-report-end: {hashlib.sha256(hash_of or data).hexdigest()}")
    return "".join(f"{line}\r\n" for line in lines).encode()


WHOLE = (
    b"BdsDxe: starting Boot0001\x1b[2J\x1b[01;01Hlab-setup: windowspe\r\n"
    b"lab-setup: specialize\r\nlab-setup: warning NoAutoUpdate could not be set\r\nlab-setup: specialized\r\n"
    b"lab-setup: guest-agent\r\nlab-setup: update 01-kb5.msu\r\nlab-setup: report\r\n" + report()
)


def test_marks_lead_from_stage_to_stage_and_the_report_is_read() -> None:
    progress = Progress()
    progress.feed(WHOLE)
    assert progress.stage.name == "report"
    assert progress.marks[:2] == ["windowspe", "specialize"]
    assert progress.warnings == ["NoAutoUpdate could not be set"]
    assert progress.report == FACTS
    assert (progress.failure, progress.damage) == ("", "")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 64), max_size=60))
def test_it_is_the_same_however_the_stream_is_cut(sizes: list[int]) -> None:
    progress, rest = Progress(), WHOLE
    for size in sizes:
        progress.feed(rest[:size])
        rest = rest[size:]
    progress.feed(rest)
    whole = Progress()
    whole.feed(WHOLE)
    assert (progress.marks, progress.report) == (whole.marks, whole.report)


def test_a_failure_of_the_guests_scripts_is_told_in_their_words() -> None:
    progress = Progress()
    progress.feed(b"lab-setup: ssh\r\nlab-setup: failed ssh: access is denied\r\n")
    assert progress.stage.name == "ssh"
    assert progress.failure == "ssh: access is denied"


def test_a_report_that_was_damaged_on_the_way_is_no_report() -> None:
    for text in (report(hash_of=b"other"), b"lab-report: @@@\r\nlab-report-end: 00\r\n", report(facts=[1])):
        progress = Progress()
        progress.feed(text)
        assert progress.report is None
        assert progress.damage


def test_a_second_report_replaces_a_damaged_first_one() -> None:
    progress = Progress()
    progress.feed(report(hash_of=b"other") + b"lab-setup: report\r\n" + report())
    assert progress.report == FACTS
    assert progress.damage == ""


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_passed_over(noise: bytes) -> None:
    progress = Progress()
    progress.feed(noise.replace(b"lab-", b"") + b"\n")
    progress.feed(b"lab-setup: windowspe\r\n")
    assert progress.stage.name == "copy"


def test_every_stage_begins_with_a_mark_of_its_own_and_ends_some_time() -> None:
    assert len(BY_MARK) == len(stages.STAGES)
    for one in stages.STAGES:
        assert stages.deadline_s(one, accelerator="kvm", updates=0) > 0
    updates = BY_MARK["updates"]
    assert (
        stages.deadline_s(updates, accelerator="kvm", updates=2) == updates.deadline_s + 2 * stages.UPDATE_S
    )
    assert stages.whole_s(accelerator="tcg", updates=0) == 12 * stages.whole_s(accelerator="kvm", updates=0)


def test_the_scripts_tell_only_marks_that_a_stage_begins_with() -> None:
    import re

    from lab.images.windows.answers import HERE

    text = (HERE / "scripts/finish.ps1").read_text(encoding="ascii")
    steps = re.findall(r"^\s+'([a-z-]+)' = \{|; '([a-z-]+)' = \{", text, re.MULTILINE)
    names = {first or second for first, second in steps}
    assert {"guest-agent", "dump-disk", "updates", "ssh", "winrm", "boot", "quiet"} == names
    assert names <= set(BY_MARK)
