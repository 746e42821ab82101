"""Windows' side of `lab.guest.dialect`: PowerShell 5.1, drive letters, how boots are told apart."""

from __future__ import annotations

import re
import subprocess

from lab.guest.channel import Channel, Command, Unavailable
from lab.guest.facts import Facts
from lab.guest.windows import eventlog, facts, launch, paths, waking
from lab.model import Identity

BOOT_ID = """\
$m='HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management\\PrefetchParameters'
$n=(Get-ItemProperty -Path $m -Name BootId -ErrorAction SilentlyContinue).BootId
$w=Get-CimInstance Win32_Process -Filter "Name='wininit.exe'" | Select-Object -First 1
if (-not $w) { [Console]::Error.WriteLine('no wininit.exe yet'); exit 1 }
'boot='+[int]$n+'-'+$w.CreationDate.ToFileTimeUtc()
"""
"""BootId is counted up at each boot, where the prefetcher works. When wininit.exe was created is written down
once; `LastBootUpTime` would not do, since setting the clock moves it and looks like a boot."""
_ANSWER = re.compile(r"^boot=(\d+-\d+)\s*$", re.MULTILINE)


class Windows:
    """Windows 10 and Server 2016 and later."""

    reboot: Command = ("shutdown.exe", "/r", "/f", "/t", "0")
    facts: Command = facts.SCRIPT

    def parse_facts(self, text: str) -> Facts:
        return facts.parse(text)

    def readable(self, command: Command) -> str:
        return launch.readable(command)

    def remote(self, token: str, command: Command) -> tuple[str, bytes]:
        return launch.line(), launch.order(command, token)

    def kill(self, pid: int) -> str:
        return subprocess.list2cmdline(launch.kill(pid))

    def part_of(self, to: str, token: str) -> str:
        return paths.part_of(to, token)

    def crash_log(self, age_s: float) -> Command | None:
        return eventlog.script(age_s)

    def wake(self, now_s: float, identity: Identity, name: str, generation: str) -> Command:
        return waking.script(now_s, identity, name, generation)

    def boot_id(self, channel: Channel, timeout_s: float) -> str:
        """:raise Unavailable: Windows is not far enough to say; nothing was changed in it."""
        done = channel.run(BOOT_ID, timeout_s=timeout_s)
        told = _ANSWER.search(done.text)
        if told is None:
            raise Unavailable(f"the boot of the guest cannot be told: {done.error_text or done.text!r}")
        return told[1]


WINDOWS = Windows()
