"""Faults made by scripts: what goes to a Windows guest, and by which shell. No such guest is at hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.faults.catalogue import KINDS
from lab.faults.rooms import USUAL_WINDOWS
from lab.faults.scripts import Scripted
from lab.guest.channel import Command
from lab.guest.windows import launch
from lab.model import Family
from lab.proc import Completed

SCRIPTED = ("disk-full", "disk-read-only", "memory-squeeze", "agent-denied", "agent-suspend")


class PaperGuest:
    """Takes commands and answers each with a value that the next script gets."""

    def __init__(self) -> None:
        self.scripts: list[str] = []

    def run(self, command: Command) -> Completed:
        assert isinstance(command, str), "text is for the guest's dialect, without a second PowerShell"
        assert launch.order(command)
        self.scripts.append(command)
        return Completed(exit_code=0, stdout=b"holder=17\nproof=it shows\nundone=gone\n", command=command)


def put_on_windows(name: str) -> tuple[Scripted, PaperGuest]:
    guest = PaperGuest()
    subject: Any = SimpleNamespace(family=Family.WINDOWS, guest=guest, agent_dir="C:\\agent")
    kind = KINDS[name]
    kind.check(Family.WINDOWS)
    fault = kind.make(subject, kind.resolve({}))
    assert isinstance(fault, Scripted)
    return fault, guest


@pytest.mark.parametrize("name", SCRIPTED)
def test_a_scripted_fault_goes_through_powershell_whole_and_hands_its_answers_on(name: str) -> None:
    fault, guest = put_on_windows(name)
    fault.inject()
    assert fault.prove() == "it shows"
    assert fault.undo() == "gone"
    assert all("$holder = '17'" in text for text in guest.scripts[1:])


@pytest.mark.parametrize("name", ["disk-full", "disk-read-only"])
def test_the_usual_directory_is_one_of_windows(name: str) -> None:
    fault, guest = put_on_windows(name)
    fault.inject()
    assert f"$path = '{USUAL_WINDOWS}'" in guest.scripts[0]


def test_every_kind_but_the_interrupt_can_be_put_on_windows() -> None:
    assert [name for name, kind in KINDS.items() if Family.WINDOWS not in kind.families] == ["nmi"]
