"""Event logs as Windows prints them: what is read, what is told of a crash, and that nothing breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.detect.captured import Captured
from lab.detect.windows import eventlog
from lab.model import Capture, FindingKind

NOW = "lab-now=2026-01-05T10:20:00.0000000Z\r\n"
NAMESPACE = "xmlns='http://schemas.microsoft.com/win/2004/08/events/event'"


def event(provider: str, number: int, time: str = "10:11:12.1234567", **data: str) -> str:
    values = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in data.items())
    return (
        f"<Event {NAMESPACE}><System><Provider Name='{provider}'/><EventID Qualifiers='0'>{number}</EventID>"
        f"<Level>2</Level><TimeCreated SystemTime='2026-01-05T{time}Z'/><EventRecordID>7</EventRecordID>"
        f"<Channel>System</Channel></System><EventData>{values}</EventData></Event>"
    )


STOP = "0x0000007e (0xffffffffc0000005, 0xfffff80312345678, 0x000000000000ffff, 0x1)"
BUGCHECK = event("Microsoft-Windows-WER-SystemErrorReporting", 1001, param1=STOP, param2="C:\\M.DMP")
POWER = event("Microsoft-Windows-Kernel-Power", 41, "10:11:10", BugcheckCode="126", BugcheckParameter1="0x5")
CUT = event("Microsoft-Windows-Kernel-Power", 41, "10:11:10", BugcheckCode="0")
DIRTY = event("EventLog", 6008)


def test_a_bug_check_is_found_with_its_parameters_and_its_time_by_the_guests_own_clock() -> None:
    (found,) = eventlog.crashes(eventlog.read(NOW + BUGCHECK), 1000.0)
    assert (found.kind, found.fatal, found.code) == (FindingKind.BUGCHECK, True, 0x7E)
    assert found.parameters == (0xFFFFFFFFC0000005, 0xFFFFF80312345678, 0xFFFF, 1)
    assert found.t_s == pytest.approx(1000.0 - (8 * 60 + 48) + 0.123, abs=0.01)
    assert "C:\\M.DMP" in found.detail


@pytest.mark.parametrize("text", [BUGCHECK + POWER, POWER + BUGCHECK])
def test_two_sources_on_one_crash_are_one_crash(text: str) -> None:
    (found,) = eventlog.crashes(eventlog.read(NOW + text), 1000.0)
    assert len(found.parameters) == 4


def test_two_crashes_of_one_source_are_two() -> None:
    later = event("Microsoft-Windows-WER-SystemErrorReporting", 1001, "10:15:00", param1=STOP)
    assert len(eventlog.crashes(eventlog.read(NOW + BUGCHECK + later), 1000.0)) == 2


def test_a_cut_of_power_is_noted_and_no_crash() -> None:
    log = eventlog.read(NOW + CUT + DIRTY)
    assert eventlog.crashes(log, 1000.0) == []
    kinds = {found.kind for found in eventlog.noted(log, 1000.0)}
    assert kinds == {FindingKind.UNEXPECTED_REBOOT, FindingKind.UNEXPECTED_SHUTDOWN}
    assert not any(found.fatal for found in eventlog.noted(log, 1000.0))


def test_what_happened_before_the_recording_began_is_not_its() -> None:
    assert eventlog.crashes(eventlog.read(NOW + BUGCHECK), 100.0) == []


def test_a_broken_event_costs_only_itself() -> None:
    log = eventlog.read(NOW + "<Event><System></Event>" + BUGCHECK + "<Event x='")
    assert (len(log.events), log.broken) == (1, 2)


def test_entities_and_document_types_are_refused() -> None:
    bomb = "<Event><!DOCTYPE x [<!ENTITY a 'b'>]><System/></Event>" + "<Event>&lol;</Event>"
    log = eventlog.read(bomb)
    assert (log.events, log.broken) == ((), 2)


def test_control_characters_that_drivers_write_are_replaced() -> None:
    (found,) = eventlog.read(event("Service Control Manager", 7034, param1="a&#x1;b\x02c")).events
    assert found.data["param1"] == "a\ufffdb\ufffdc"


def test_utf16_as_wevtutil_writes_it_is_read() -> None:
    assert len(eventlog.read((NOW + BUGCHECK).encode("utf-16")).events) == 1


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(BUGCHECK)), st.integers(0, len(BUGCHECK)))
def test_nothing_breaks_the_reader(noise: bytes, start: int, length: int) -> None:
    whole = BUGCHECK.encode()
    data = NOW.encode() + whole[:start] + noise + whole[start + length :]
    log = eventlog.read(data)
    for found in (*eventlog.crashes(log, 1000.0), *eventlog.noted(log, 1000.0)):
        assert found.t_s <= 1000.0


def test_a_recording_tells_of_services_that_ended_and_leaves_cuts_of_power_to_the_hypervisor() -> None:
    ended = event("Service Control Manager", 7034, param1="Sensor")
    captured = Captured(lambda _capture: (NOW + ended + CUT + DIRTY).encode())
    captured.feed(Capture(t_s=1000.0, what="event-log", ok=True, path="eventlog.xml"))
    (found,) = captured.findings
    assert (found.kind, found.fatal) == (FindingKind.WARNING, False)
    assert found.title == "service Sensor ended unexpectedly"
    assert [ref.path for ref in found.evidence] == ["eventlog.xml"]
