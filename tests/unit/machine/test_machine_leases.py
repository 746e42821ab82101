"""Whose machine is this, and may it be ended?"""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from lab.machine import leases, leftovers
from lab.machine.leases import Lease, LeaseBook, is_leftover, owner_started, this_boot
from lab.places import Places

NOW = "2026-06-01T12:00:00Z"
BEFORE, AFTER = "2026-06-01T11:59:59Z", "2026-06-01T12:00:01Z"
NOBODY = 2**22 + 1
"""Above the largest pid that Linux gives out."""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "cache", state=tmp_path / "state", runtime=tmp_path / "run")


@pytest.fixture
def book(places: Places) -> LeaseBook:
    return LeaseBook(places)


def lease(machine: str = "abcd1234", **changes: object) -> Lease:
    plain = Lease(
        machine=machine,
        uuid="8f9c5a0e-5b0a-4a53-8b6b-0d9f6a0f3c11",
        uri="embed",
        run="r",
        cell="c",
        attempt=1,
        recording="/reports/r/cells/c/a1",
        owner_pid=os.getpid(),
        owner_started=owner_started(os.getpid()),
        created="2026-06-01T11:00:00Z",
        deadline=AFTER,
    )
    return replace(plain, **changes)


def test_a_machine_of_a_living_owner_before_its_deadline_is_left_alone() -> None:
    assert is_leftover(lease(), now=NOW) == ""


def test_a_machine_whose_owner_is_gone_is_a_leftover() -> None:
    assert is_leftover(lease(owner_pid=NOBODY), now=NOW) == f"its owner (pid {NOBODY}) is gone"


def test_an_owner_that_has_ended_is_gone_before_anybody_takes_note_of_it() -> None:
    ended = subprocess.Popen(["sleep", "60"])
    taken = lease(owner_pid=ended.pid, owner_started=owner_started(ended.pid))
    assert is_leftover(taken, now=NOW) == ""
    os.kill(ended.pid, signal.SIGKILL)
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is not waited for
    assert "is gone" in is_leftover(taken, now=NOW)
    ended.wait()


def test_a_pid_that_was_given_to_another_process_is_not_the_owner() -> None:
    taken = lease(owner_started=owner_started(os.getpid()) - 3600)
    assert "is gone" in is_leftover(taken, now=NOW)


def test_whoever_sets_the_hosts_clock_makes_no_owner_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """psutil adds the boot time, which the kernel works out from the clock as it is now."""
    taken = lease()
    real = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: real + 7200)
    assert is_leftover(taken, now=NOW) == ""


def test_a_process_of_another_boot_of_the_host_is_not_the_owner() -> None:
    assert is_leftover(lease(booted=this_boot()), now=NOW) == ""
    assert "is gone" in is_leftover(lease(booted="7d2a5f0c-0000-4000-8000-000000000000"), now=NOW)


def test_a_machine_past_its_deadline_is_a_leftover_even_if_its_owner_lives() -> None:
    assert is_leftover(lease(deadline=BEFORE), now=NOW) == f"its deadline {BEFORE} has passed"


def test_a_kept_machine_stays_until_it_expires_whatever_became_of_its_owner() -> None:
    kept = lease(owner_pid=NOBODY, deadline=BEFORE, keep_until=AFTER)
    assert is_leftover(kept, now=NOW) == ""
    assert is_leftover(replace(kept, keep_until=BEFORE), now=NOW) == f"kept until {BEFORE}"


def test_a_lease_is_on_disk_with_private_directories_before_anything_is_started(book: LeaseBook) -> None:
    book.add(lease())
    assert list(book.all()) == [lease()]
    for directory in (book.disk_dir("abcd1234"), book.run_dir("abcd1234"), book.places.runtime):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_leases_are_listed_oldest_first(book: LeaseBook) -> None:
    for number, name in enumerate(("cc", "aa", "bb")):
        book.add(lease(name, created=f"2026-06-01T11:00:0{number}Z"))
    assert [one.machine for one in book.all()] == ["cc", "aa", "bb"]


def test_keeping_sets_when_the_keeping_ends(book: LeaseBook) -> None:
    book.add(lease())
    kept = book.keep(lease(), hours=2)
    assert kept.keep_until.endswith("Z")
    assert next(iter(book.all())).keep_until == kept.keep_until
    assert is_leftover(kept) == ""


def test_dropping_removes_overlay_sockets_and_lease(book: LeaseBook) -> None:
    book.add(lease())
    (book.disk_dir("abcd1234") / "overlay.qcow2").touch()
    (book.run_dir("abcd1234") / "vnc.sock").touch()
    book.drop("abcd1234")
    assert list(book.all()) == []
    assert not book.disk_dir("abcd1234").exists()
    assert not book.run_dir("abcd1234").exists()
    book.drop("abcd1234")


def age(directory: Path) -> None:
    """Too old to be a machine in the making."""
    os.utime(directory, (0, 0))


def test_a_torn_lease_is_unreadable_and_told_apart(book: LeaseBook) -> None:
    book.add(lease())
    book.add(lease("torn"))
    (book.disk_dir("torn") / "lease.json").write_text('{"machine": "to')
    assert book.unreadable() == []
    age(book.disk_dir("torn"))
    assert [one.machine for one in book.all()] == ["abcd1234"]
    assert book.unreadable() == ["torn"]


def test_an_empty_state_directory_has_no_leases(book: LeaseBook) -> None:
    assert (list(book.all()), book.unreadable()) == ([], [])


class _Process:
    def __init__(self) -> None:
        self.killed = False

    def kill(self) -> None:
        self.killed = True

    def wait(self, timeout: float) -> None:
        assert timeout > 0


@pytest.fixture
def qemu(monkeypatch: pytest.MonkeyPatch) -> dict[str, _Process]:
    """The QEMU of each machine, as `leftovers` would find it."""
    found: dict[str, _Process] = {}
    monkeypatch.setattr(leftovers, "qemu_process", lambda one: found.get(one.machine))
    return found


def test_collecting_ends_the_orphan_and_spares_the_living_and_the_kept(
    book: LeaseBook, places: Places, qemu: dict[str, _Process]
) -> None:
    book.add(lease("living", deadline="2999-01-01T00:00:00Z"))
    book.add(lease("kept", owner_pid=NOBODY, keep_until="2999-01-01T00:00:00Z"))
    book.add(lease("orphan", owner_pid=NOBODY))
    qemu |= {name: _Process() for name in ("living", "kept", "orphan")}

    ended = leftovers.collect(places)

    assert [(one.machine, one.error) for one in ended] == [("orphan", "")]
    assert {name: one.killed for name, one in qemu.items()} == {
        "living": False, "kept": False, "orphan": True,
    }  # fmt: skip
    assert {one.machine for one in book.all()} == {"living", "kept"}


def test_collecting_everything_ends_kept_guests_too_but_never_a_living_one(
    book: LeaseBook, places: Places, qemu: dict[str, _Process]
) -> None:
    book.add(lease("living", deadline="2999-01-01T00:00:00Z"))
    book.add(lease("kept", owner_pid=NOBODY, keep_until="2999-01-01T00:00:00Z"))
    qemu |= {"living": _Process(), "kept": _Process()}
    ended = leftovers.collect(places, everything=True)
    assert [one.machine for one in ended] == ["kept"]
    assert not qemu["living"].killed


def test_a_lease_that_was_never_finished_is_cleaned_away(book: LeaseBook, places: Places) -> None:
    book.disk_dir("half").mkdir(parents=True)
    assert leftovers.collect(places) == []
    age(book.disk_dir("half"))
    (ended,) = leftovers.collect(places)
    assert (ended.machine, ended.why) == ("half", "its lease was never finished")
    assert leftovers.collect(places) == []


def test_roots_of_dead_processes_go_unless_a_kept_guest_needs_them(book: LeaseBook, places: Places) -> None:
    roots = places.runtime / "r"
    dead, needed, mine = roots / f"{NOBODY:x}", roots / f"{NOBODY + 1:x}", roots / f"{os.getpid():x}"
    for root in (dead, needed, mine):
        root.mkdir(parents=True)
    book.add(lease("kept", owner_pid=NOBODY, keep_until="2999-01-01T00:00:00Z", root=str(needed)))
    leftovers.collect(places)
    assert (dead.exists(), needed.exists(), mine.exists()) == (False, True, True)


def test_a_machine_of_another_host_that_cannot_be_reached_keeps_its_lease(
    book: LeaseBook, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.errors import HostError

    def refuse(uri: str) -> None:
        raise HostError(f"libvirt host {uri!r} cannot be reached")

    monkeypatch.setattr(leftovers, "Hypervisor", refuse)
    book.add(lease("far", uri="qemu+ssh://host/system", owner_pid=NOBODY))
    (ended,) = leftovers.collect(places)
    assert "cannot be reached" in ended.error
    assert [one.machine for one in book.all()] == ["far"]


class _Listed:
    def __init__(self, pid: int, words: list[str] | None) -> None:
        self.pid = pid
        self.info = {"pid": pid, "cmdline": words}


def test_a_qemu_is_ours_only_with_our_uuid_on_its_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = lease()
    others = [
        _Listed(2, None),
        _Listed(3, ["qemu-system-x86_64", "-name", ours.machine]),
        _Listed(os.getpid(), ["python", ours.uuid]),
    ]
    monkeypatch.setattr(leases.psutil, "process_iter", lambda _wanted: list(others))
    assert leases.qemu_process(ours) is None
    found = _Listed(4, ["qemu-system-x86_64", "-uuid", ours.uuid])
    others.append(found)
    assert leases.qemu_process(ours) is found
