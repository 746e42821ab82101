"""Windows' tools: exit codes, listings, and what is done with a guest that asks for a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from lab.agents import exit_codes
from lab.agents.exit_codes import Restart
from lab.agents.outcomes import AgentFailure
from lab.agents.windows import listings
from lab.agents.windows.listings import State
from lab.agents.windows.safe_mode import SafeMode
from lab.agents.windows.tools import WindowsTools
from lab.proc import Completed

SC = """
SERVICE_NAME: WinDefend
        TYPE               : 10  WIN32_OWN_PROCESS
        STATE              : 4  RUNNING
                                (STOPPABLE, NOT_PAUSABLE, ACCEPTS_SHUTDOWN)
        WIN32_EXIT_CODE    : 0  (0x0)

SERVICE_NAME: agent
        TYP                : 2  FILE_SYSTEM_DRIVER
        ETAT               : 1  STOPPED
        CODE_SORTIE        : 1077  (0x435)
"""
FLTMC = """
Filter Name                     Num Instances    Altitude    Frame
------------------------------  -------------  ------------  -----
bindflt                                 1       409800         0
Agent Flt                               4       320450.5       0
legacy                                          <Legacy>
"""
VERIFIER_ON = """
Verifier Flags: 0x000209bf
  [X] 0x00000001 Special pool.
  [X] 0x00000004 Randomized low resources simulation.
Verified Drivers:
  agent.sys
"""
VERIFIER_OFF = "Verifier Flags: 0x00000000\n  [ ] 0x00000001 Special pool.\nVerified Drivers:\n  None\n"


@dataclass
class Guest:
    """Answers by the first word; each answer is used up, the last stays."""

    answers: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    did: list[str] = field(default_factory=list)

    def run(
        self, command: str | Sequence[str], timeout_s: float | None = None, check: bool = False
    ) -> Completed:
        words = command.split() if isinstance(command, str) else list(command)
        self.did.append(" ".join(words))
        waiting = self.answers.get(words[0], [(0, "")])
        code, text = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return Completed(exit_code=code, stdout=text.encode(), command=" ".join(words))

    def put(self, source: object, to: str) -> None:
        raise AssertionError

    def reboot(self, wait: bool = True, timeout_s: float | None = None, *, reason: str = "") -> None:
        self.did.append(f"reboot: {reason}")

    def declare_reboot(self, reason: str) -> None:
        self.did.append(f"declared: {reason}")

    def wait_rebooted(self) -> None:
        self.did.append("rebooted")


@pytest.mark.parametrize(
    ("code", "restart"), [(0, Restart.NO), (3010, Restart.WANTED), (1641, Restart.BEGUN)]
)
def test_an_msi_that_asks_for_a_restart_gets_it(code: int, restart: Restart) -> None:
    guest = Guest({"msiexec.exe": [(code, "")]})
    assert WindowsTools(guest).install_msi("C:\\a b.msi", {"QUIET": "1"}) is restart
    assert guest.did[0].startswith("msiexec.exe /i C:\\a b.msi /qn /norestart /l*v")
    kinds = {Restart.NO: [], Restart.WANTED: ["reboot"], Restart.BEGUN: ["declared", "rebooted"]}
    assert [one.partition(":")[0] for one in guest.did[1:]] == kinds[restart]


def test_an_msi_that_failed_says_what_its_code_and_its_log_mean() -> None:
    guest = Guest(
        {"msiexec.exe": [(1603, "")], "Get-Content": [(0, "Action InstallDriver. Return value 3.")]}
    )
    with pytest.raises(AgentFailure, match=r"1603 \(ERROR_INSTALL_FAILURE: .*InstallDriver"):
        WindowsTools(guest).install_msi("C:\\a.msi")


def test_a_code_that_no_table_has_is_a_failure() -> None:
    assert not any(exit_codes.meaning(table, 4711).done for table in exit_codes.TABLES.values())
    assert exit_codes.meaning(exit_codes.PNPUTIL, -536870353).name == "ERROR_NO_CATALOG_FOR_OEM_INF"


def test_services_are_read_in_any_language() -> None:
    found = listings.services(SC)
    assert (found["WinDefend"].state, found["WinDefend"].type) == (State.RUNNING, 0x10)
    assert (found["agent"].state, found["agent"].type, found["agent"].exit_code) == (State.STOPPED, 2, 1077)


def test_a_service_that_is_not_there_is_none_and_one_that_runs_already_has_started() -> None:
    guest = Guest({"sc.exe": [(1060, ""), (1056, "")]})
    tools = WindowsTools(guest)
    assert tools.service("agent") is None
    tools.start_service("agent")


def test_filters_have_their_altitudes() -> None:
    found = listings.filters(FLTMC)
    assert [(one.name, one.altitude) for one in found] == [("bindflt", "409800"), ("Agent Flt", "320450.5")]


def test_a_driver_package_is_known_by_its_published_name() -> None:
    text = "Adding driver package:  a.inf\nPublished Name:         oem12.inf\n"
    assert WindowsTools(Guest({"pnputil.exe": [(0, text)]})).add_driver("C:\\a.inf") == "oem12.inf"
    listed = "Ver\u00f6ffentlichter Name:  oem12.inf\nOriginalname:  a.inf\nKlasse: x\n"
    assert [(one.published, one.original) for one in listings.packages(listed)] == [("oem12.inf", "a.inf")]


def test_a_driver_that_no_device_takes_is_not_installed() -> None:
    with pytest.raises(AgentFailure, match="ERROR_NO_MORE_ITEMS"):
        WindowsTools(Guest({"pnputil.exe": [(259, "oem12.inf")]})).add_driver("C:\\a.inf")


def test_the_verifier_is_on_for_the_body_and_off_after_it() -> None:
    states = [(0, ""), (2, ""), (0, VERIFIER_ON), (2, ""), (0, VERIFIER_OFF)]
    guest = Guest({"verifier.exe": states})
    with WindowsTools(guest).verified("agent.sys", low_resources=True) as now:
        assert now.low_resources
        assert now.drivers == ("agent.sys",)
    assert [one for one in guest.did if "reboot" in one] == [
        "reboot: Driver Verifier is switched on", "reboot: Driver Verifier is switched off",
    ]  # fmt: skip
    assert any("/flags 0x209BB /faults 600" in one for one in guest.did)


def test_a_verifier_that_is_not_in_force_is_a_failure_and_no_pass() -> None:
    guest = Guest({"verifier.exe": [(0, ""), (2, ""), (0, VERIFIER_OFF)]})
    with (
        pytest.raises(AgentFailure, match="not in force"),
        WindowsTools(guest).verified("agent.sys"),
    ):
        raise AssertionError("the body must not run")


def test_settings_without_flags_are_not_taken_for_off() -> None:
    with pytest.raises(ValueError, match="no flags"):
        listings.verification("Access denied")


def test_safe_mode_is_seen_from_inside_and_the_ways_in_are_kept_open() -> None:
    on = (0, "    OptionValue    REG_DWORD    0x1\n")
    added = [(0, "")] * 3
    guest = Guest({"reg.exe": [*added, on, (1, "ERROR: The system was unable to find it")]})
    with WindowsTools(guest).safe_mode() as mode:
        assert mode is SafeMode.MINIMAL
    agent = r"reg.exe add HKLM\SYSTEM\CurrentControlSet\Control\SafeBoot\Minimal\QEMU-GA /ve"
    assert guest.did[0].startswith(agent)
    rest = [one for one in guest.did if not one.startswith("reg.exe")]
    assert rest == [
        "bcdedit.exe /set {current} safeboot minimal",
        "reboot: safe mode is switched on",
        "bcdedit.exe /deletevalue {current} safeboot",
        "reboot: safe mode is switched off",
    ]


@pytest.mark.parametrize("answer", ["", "    OptionValue    REG_DWORD    0x2"])
def test_a_guest_that_came_up_otherwise_is_not_in_safe_mode(answer: str) -> None:
    guest = Guest({"reg.exe": [*[(0, "")] * 3, (0, answer)]})
    with pytest.raises(AgentFailure, match="came up with"), WindowsTools(guest).safe_mode():
        pass


def test_a_guest_that_stays_in_safe_mode_is_not_let_go() -> None:
    guest = Guest({"reg.exe": [*[(0, "")] * 3, (0, "  OptionValue    REG_DWORD    0x2")]})
    with pytest.raises(AgentFailure, match="still on"), WindowsTools(guest).safe_mode(network=True):
        pass


@pytest.mark.parametrize(
    ("told", "where"),
    [
        (
            "    Windows RE-Speicherort:  \\\\?\\GLOBALROOT\\device\\harddisk0\\partition4\\Recovery\n",
            "\\\\?\\GLOBALROOT\\device\\harddisk0\\partition4\\Recovery",
        ),
        ("    Windows RE status:         Disabled\n    Windows RE location:\n", ""),
    ],
)
def test_winre_is_found_by_its_place_in_any_language(told: str, where: str) -> None:
    assert WindowsTools(Guest({"reagentc.exe": [(0, told)]})).recovery_environment() == where
