"""Which kind a page is, from its lines: no pixels are involved but the panel's colour."""

from __future__ import annotations

import numpy as np
import pytest

from lab.detect.screens.judge import judge
from lab.detect.screens.layout import Box, Page
from lab.detect.screens.panels import Panel
from lab.model import Screen, ScreenKind

BLACK, BLUE, NAVY = (0, 0, 0), (0, 120, 215), (0, 0, 128)


def judged(
    text: str, colour: tuple[int, int, int] = BLACK, *, face: bool = False, qr: str = "", dense: bool = True
) -> Screen | None:
    blank = np.zeros((480, 640), dtype=np.uint8)
    box = Box(left=60, top=60, right=100, bottom=130) if face else None
    page = Page(contrast=blank, ink=blank > 0, rows=(), lines=(), others=(), face=box, dense=dense)
    panel = Panel(colour=colour, left=0, top=0, right=1, bottom=1, fill=0.9, ink=0.1, runs=0, light=1, grey=1)
    return judge(text.strip().splitlines(), page, panel, qr)


def kind(text: str, colour: tuple[int, int, int] = BLACK, **more: object) -> ScreenKind | None:
    screen = judged(text, colour, **more)  # type: ignore[arg-type]
    return screen.kind if screen else None


PANIC_TEXT = """
[    2.203886] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)
[    2.204201] CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.1.0-56-amd64 #1
[    2.204840] Call Trace:
[    2.205375]  dump_stack_lvl+0x44/0x5c
[    2.207656] ---[ end Kernel panic - not syncing: VFS: Unable to mount root fs ]---
"""
OOPS_TEXT = """
[   61.031337] BUG: kernel NULL pointer dereference, address: 0000000000000010
[   61.031341] Oops: 0002 [#1] PREEMPT SMP NOPTI
[   61.031350] RIP: 0010:sensor_parse+0x8a/0x210 [sensor]
[   61.031360] Call Trace:
[   61.031370] ---[ end trace 0000000000000000 ]---
"""
TAIL_OF_OOPS = """
[   61.031350]  ? exc_page_fault+0x70/0x170
[   61.031355]  </TASK>
[   61.031360] CR2: 0000000000000010
[   61.031370] ---[ end trace 0000000000000000 ]---
[   61.031380] RIP: 0010:sensor_parse+0x8a/0x210 [sensor]
"""
OOM_TEXT = """
[   17.900000] stress invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0
[   17.900100] Call Trace:
[   17.900200]  dump_stack_lvl+0x44/0x5c
[   17.900300] RIP: 0033:0x47b6fd
[   17.919251] Out of memory: Killed process 871 (tail) total-vm:902032kB
"""
WARNING_TEXT = """
[   17.900000] ------------[ cut here ]------------
[   17.900100] WARNING: CPU: 0 PID: 214 at drivers/sensor/parse.c:21 sensor_load+0x41/0x90 [sensor]
[   17.900150] RIP: 0010:sensor_load+0x41/0x90 [sensor]
[   17.900200] Call Trace:
[   17.900300] ---[ end trace 0000000000000000 ]---
"""


@pytest.mark.parametrize("text", [PANIC_TEXT, OOPS_TEXT, TAIL_OF_OOPS])
def test_panics_and_oopses_are_panics(text: str) -> None:
    assert kind(text) is ScreenKind.PANIC


@pytest.mark.parametrize(
    "text", [OOM_TEXT, WARNING_TEXT, "[ 1.0] kernel.panic = 10 # after a panic\n[ 1.1] ok"]
)
def test_warnings_and_killed_processes_are_not(text: str) -> None:
    assert kind(text) is not ScreenKind.PANIC


@pytest.mark.parametrize(
    "after", ["root@guest:~# ", "[root@guest ~]# ", "lab-vm login: ", "user@guest:/var/log$ ", "sh-5.2#"]
)
def test_a_panic_above_a_prompt_was_printed_by_somebody(after: str) -> None:
    assert kind(PANIC_TEXT + after) is not ScreenKind.PANIC


def test_a_log_that_a_command_shows_is_reading_matter() -> None:
    assert kind("root@guest:~# cat /var/crash/dmesg.txt" + PANIC_TEXT) is ScreenKind.TEXT
    assert kind("user@guest:~$ journalctl -k -b -1" + OOPS_TEXT) is ScreenKind.TEXT


def test_an_oops_leaves_the_prompt_and_is_still_one() -> None:
    assert kind(OOPS_TEXT + "lab-vm login: ") is ScreenKind.PANIC


def test_a_face_or_windows_address_decides_in_any_language() -> None:
    assert kind("#RCTCOLIS", BLUE, face=True, dense=False) is ScreenKind.BUGCHECK
    assert kind("#RCTCOLIS", BLUE, qr="https://www.windows.com/stopcode", dense=False) is ScreenKind.BUGCHECK
    assert kind("#RCTCOLIS", BLUE, qr="https://example.org/", dense=False) is None


def test_a_stop_name_needs_company() -> None:
    assert kind("CRITICAL_PROCESS_DIED", dense=False) is None
    assert kind("CRITICAL_PROCESS_DIED (0xEF)\n40% ...\ndemosens.sys", dense=False) is ScreenKind.BUGCHECK
    assert kind("#RCT\n40% ER\n{089: CRITICAL_PROCESS_DIED", BLUE, dense=False) is ScreenKind.BUGCHECK


def test_a_terminal_that_lists_stop_names_is_not_a_stop() -> None:
    text = "PS C:\\> type stops.txt\n0x7E SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)\n21% x.sys\nPS C:\\> "
    assert kind(text, NAVY) is not ScreenKind.BUGCHECK


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Windows failed to start. A recent hardware or software change might be\nStatus: 0xc0000225",
            ScreenKind.BOOT_MANAGER_ERROR,
        ),
        (
            "#RCTCOLIS\nFile: \\Windows\\system32\\winload.exe\n#RCT: 0xc0000225",
            ScreenKind.BOOT_MANAGER_ERROR,
        ),
        ("Windows Boot Manager\nChoose an operating system to start, or press TAB", ScreenKind.BOOT_MENU),
        ("Recovery\nYour PC/Device needs to be repaired", ScreenKind.RECOVERY),
        ("Choose an option\nContinue\nTroubleshoot\nTurn off your PC", ScreenKind.RECOVERY),
        ("Working on updates 35% complete\nDon't turn off your computer", ScreenKind.UPDATE),
        (
            "BusyBox v1.35.0 shell (ash)\nEnter 'help' for a list of built-in commands\n(initramfs) ",
            ScreenKind.EMERGENCY_SHELL,
        ),
        ("error: no such device: 4d3c-12.\nEntering rescue mode...\ngrub rescue> ", ScreenKind.GRUB_RESCUE),
        (
            "GNU GRUB version 2.06\nUse the ^ and v keys to select which entry is highlighted.",
            ScreenKind.BOOT_MENU,
        ),
        ("UEFI Interactive Shell v2.2\nEDK II\nShell> ", ScreenKind.UEFI_SHELL),
        (
            "SeaBIOS (version 1.16.2)\nBooting from Hard Disk...\nNo bootable device.",
            ScreenKind.NO_BOOT_DEVICE,
        ),
        (">>Start PXE over IPv4.", None),
        ("Debian GNU/Linux 12 lab-vm tty1\n\nlab-vm login: ", ScreenKind.LOGIN),
        ("Everything is as it should be", None),
    ],
)
def test_other_pages(text: str, expected: ScreenKind | None) -> None:
    assert kind(text) is expected


def test_a_status_code_goes_with_the_boot_managers_page() -> None:
    screen = judged(
        "Recovery\nYour PC/Device needs to be repaired\nError code: 0xc0000102\nFile: \\Windows\\x.sys", BLUE
    )
    assert screen is not None
    assert (screen.kind, screen.code) == (ScreenKind.BOOT_MANAGER_ERROR, 0xC0000102)
    assert screen.module == "x.sys"


@pytest.mark.parametrize(
    ("text", "colour", "face", "qr", "layout"),
    [
        ("*** STOP: 0x000000D1 (0x00000008,0x00000002,0x00000001,0xB242A416)", NAVY, False, "", "xp"),
        (
            "*** STOP: 0x0000007E (0xFFFFFFFFC0000005,0xFFFFF80214A1C2B4,0x0,0x0)\nCollecting data for crash",
            NAVY,
            False,
            "",
            "vista-7",
        ),
        (
            "Hardware malfunction\nCall your hardware vendor\n*** The system has halted ***",
            NAVY,
            False,
            "",
            "hardware-malfunction",
        ),
        (
            "ran into a problem and needs to restart\nyou can search online later for this error: 0x5C",
            (32, 103, 178),
            True,
            "",
            "8",
        ),
        ("Your PC ran into a problem and needs to restart\nStop code: X", BLUE, True, "", "10"),
        (
            "Your PC ran into a problem and needs to restart",
            BLUE,
            True,
            "http://windows.com/stopcode",
            "10-qr",
        ),
        (
            "Your PC ran into a problem and needs to restart",
            BLUE,
            False,
            "http://windows.com/stopcode",
            "server",
        ),
        ("Your PC ran into a problem and needs to restart", (16, 124, 16), True, "", "insider-green"),
        ("Your device ran into a problem and needs to restart", (16, 113, 170), True, "", "11"),
        ("Your device ran into a problem and needs to restart", BLACK, True, "", "11-black"),
        ("Your device ran into a problem and needs to restart", BLACK, False, "", "11-24h2"),
    ],
)
def test_the_generation_is_named(
    text: str, colour: tuple[int, int, int], face: bool, qr: str, layout: str
) -> None:
    screen = judged(text, colour, face=face, qr=qr, dense=False)
    assert screen is not None
    assert (screen.kind, screen.layout) == (ScreenKind.BUGCHECK, layout)


def test_the_reason_says_what_decided() -> None:
    screen = judged(PANIC_TEXT)
    assert screen is not None
    assert "Kernel panic - not syncing" in screen.reason
