"""The STAND-IN does what an order of the lab says, and refuses what it would have to guess."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_in_peers import StandIn

from lab.detect.windows import eventlog
from lab.guest.waking import ANSWER
from lab.guest.windows import checks, files, launch
from lab.guest.windows.dialect import BOOT_ID, WINDOWS
from lab.guest.windows.facts import WindowsFacts
from lab.images.stand_in.guest.orders import Program, Reader, Refused
from lab.images.stand_in.known import SCRIPTS, known
from lab.model import Identity

WORDS = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), max_size=12)
READER = Reader(known())


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=5))
def test_a_program_gets_the_very_words_that_the_lab_was_given(words: list[str]) -> None:
    order = READER.read(launch.order(["C:\\dir with space\\p.exe", *words], "token-1"))
    assert order.task == Program(["C:\\dir with space\\p.exe", *words])
    assert order.token == "token-1"


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_every_script_that_the_lab_ships_is_known_by_its_name(name: str) -> None:
    task = READER.task(SCRIPTS[name])
    assert getattr(task, "name", "") == name


@pytest.mark.parametrize(
    "text",
    [
        "Get-Process",
        "a.exe | b.exe",
        "a.exe $env:TEMP",
        "if (1) { a.exe }",
        "'a.exe' x",
        'a.exe "$x"',
        "a.exe (Get-Date)",
        "",
    ],
)
def test_powershell_that_it_would_have_to_run_is_refused_loudly(text: str) -> None:
    with pytest.raises(Refused):
        READER.task(text)


def test_a_refusal_is_an_exit_code_and_words_and_no_silent_success(guest: StandIn) -> None:
    code, out, err = guest.run("Get-Process")
    assert (code, out) == (125, b"")
    assert err.startswith(b"STAND-IN: refused:")


def test_a_program_that_is_not_there_ends_with_127_and_one_for_windows_with_216(guest: StandIn) -> None:
    assert guest.run(["C:\\none.exe"])[0] == 127
    guest.put("C:\\real.exe", b"MZ\x90\x00")
    code, _out, err = guest.run(["C:\\real.exe"])
    assert code == 216
    assert b"no Windows runs here" in err


def test_lines_of_an_agent_make_directories_run_programs_and_stop_at_a_failure(guest: StandIn) -> None:
    text = (
        "New-Item -ItemType Directory -Force C:\\a | Out-Null; sc.exe query none;"
        " if ($LASTEXITCODE) { exit $LASTEXITCODE }; exit 0"
    )
    assert guest.run(text)[0] == 1060
    assert (guest.root / "c/a").is_dir()
    assert guest.run("sc.exe query none; exit 7")[0] == 7


def test_leftovers_are_those_of_the_list_that_are_there(guest: StandIn) -> None:
    guest.put("C:\\x\\y.sys", b"")
    text = "foreach ($p in 'C:\\x\\y.sys', 'C:\\z') { if (Test-Path $p) { \"leftover=$p\" } }"
    assert guest.run(text)[1] == b"leftover=C:\\x\\y.sys\r\n"


def test_a_file_is_installed_only_when_size_and_digest_are_those_of_the_order(guest: StandIn) -> None:
    data = b"content"
    script = files.receive("C:\\part", "C:\\To.txt", len(data), hashlib.sha256(data).hexdigest())
    assert guest.run(script, stdin=data)[0] == 0
    assert guest.run(files.send("c:\\to.TXT"))[1] == data
    code, _out, err = guest.run(script, stdin=b"another")
    assert code == 1
    assert b"sha256" in err
    assert guest.run(files.send("C:\\to.txt"))[1] == data


def test_facts_boot_and_waking_are_in_the_form_that_the_lab_reads(guest: StandIn) -> None:
    facts = WINDOWS.parse_facts(guest.run(WINDOWS.facts)[1].decode())
    assert isinstance(facts, WindowsFacts)
    assert "STAND-IN" in facts.os
    assert guest.run(BOOT_ID)[1].decode().strip() == f"boot={facts.boot_id}"
    assert [one.split(":")[0] for one in facts.missing] == ["guard", "defender"]


def test_waking_sets_the_clock_of_the_order(guest: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_settime", lambda _clock, at: guest.told.acts.append(f"set {at}"))
    out = guest.run(WINDOWS.wake(1_800_000_000.25, Identity.KEEP, "", "same"))[1].decode()
    assert ANSWER.search(out)
    assert "set 1800000000.25" in guest.told.acts


def test_the_echo_program_tells_what_it_got(guest: StandIn) -> None:
    words = ['a "b"', "", "\u20ac %x% ^"]
    assert guest.run(checks.make_echo("C:\\e.exe"))[0] == 0
    assert checks.echoed(guest.run(["C:\\e.exe", *words])[1].decode()) == words


def test_the_event_log_is_read_by_the_labs_own_reader(guest: StandIn) -> None:
    guest.kernel.event("Service Control Manager", 7000, 2, param1="a<b>'c'&")
    command = WINDOWS.crash_log(100.0)
    assert command is not None
    log = eventlog.read(guest.run(command)[1])
    assert (log.broken, [one.data["param1"] for one in log.events]) == (0, ["a<b>'c'&"])
    assert log.now is not None
