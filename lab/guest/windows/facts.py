"""What a Windows guest says of itself, read from the JSON that one PowerShell script prints. Pure.

Each part is read by itself in the guest: what cannot be read there is named in `missing`, and never
taken for a "no".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.guest.facts import Facts

SCRIPT = r"""
$said=@{}; $missing=New-Object Collections.ArrayList
function Read-Part([string]$name, [scriptblock]$how) {
  try { $said[$name]=& $how }
  catch { [void]$missing.Add("${name}: $($_.Exception.GetBaseException().Message)") } }
$manager='HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management'
Read-Part 'version' { $v=Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
  @{ product=$v.ProductName; edition=$v.EditionID; display=$v.DisplayVersion; build=$v.CurrentBuildNumber
     ubr=[int]$v.UBR; kind=$v.InstallationType } }
Read-Part 'system' { $o=Get-CimInstance Win32_OperatingSystem
  @{ memory_kib=[long]$o.TotalVisibleMemorySize; caption=$o.Caption
     last_boot=$o.LastBootUpTime.ToUniversalTime().ToString('o')
     uptime_s=[math]::Round(((Get-Date)-$o.LastBootUpTime).TotalSeconds,1) } }
Read-Part 'boot' {
  $n=(Get-ItemProperty -Path "$manager\PrefetchParameters" -Name BootId -ErrorAction SilentlyContinue).BootId
  $w=Get-CimInstance Win32_Process -Filter "Name='wininit.exe'" | Select-Object -First 1
  [string][int]$n+'-'+$w.CreationDate.ToFileTimeUtc() }
Read-Part 'hotfixes' { @((Get-CimInstance Win32_QuickFixEngineering).HotFixID | Sort-Object -Unique) }
Read-Part 'drivers' { @(Get-CimInstance Win32_SystemDriver | Where-Object State -eq 'Running' |
  ForEach-Object { @{ name=$_.Name; path=[string]$_.PathName } }) }
Read-Part 'secure_boot' { $state='HKLM:\SYSTEM\CurrentControlSet\Control\SecureBoot\State'
  if (Test-Path $state) { [bool](Get-ItemProperty $state).UEFISecureBootEnabled } else { $false } }
Read-Part 'guard' { $g=Get-CimInstance -Namespace root\Microsoft\Windows\DeviceGuard Win32_DeviceGuard
  @{ vbs=[int]$g.VirtualizationBasedSecurityStatus
     running=@($g.SecurityServicesRunning | ForEach-Object { [int]$_ }) } }
Read-Part 'defender' { $d=Get-MpComputerStatus
  @{ service=[bool]$d.AMServiceEnabled; realtime=[bool]$d.RealTimeProtectionEnabled
     tampering=[bool]$d.IsTamperProtected; signatures=[string]$d.AntivirusSignatureVersion } }
Read-Part 'verifier' { $v=Get-ItemProperty $manager
  @{ level=[long]$v.VerifyDriverLevel; drivers=[string]$v.VerifyDrivers } }
$said['missing']=@($missing)
ConvertTo-Json -InputObject $said -Depth 6 -Compress
"""
VBS_RUNNING = 2
HVCI = 2
"""Of `SecurityServicesRunning` (Win32_DeviceGuard): hypervisor-protected code integrity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsFacts(Facts):
    """`os_id` is the edition (`ServerStandard`), `os_version` the display version, `kernel` build.UBR.

    What is None could not be read: `missing` says why.
    """

    installation: str
    """`Client`, `Server` or `Server Core`."""
    last_boot: str
    """UTC, ISO 8601, as the guest's clock has it now."""
    hotfixes: tuple[str, ...]
    drivers: tuple[tuple[str, str], ...]
    """Running kernel drivers: service name, path."""
    secure_boot: bool | None
    vbs: bool | None
    hvci: bool | None
    defender_realtime: bool | None
    defender_signatures: str
    verifier_flags: int | None
    """0: Driver Verifier is off."""
    verified: tuple[str, ...]
    missing: tuple[str, ...]


def parse(text: str) -> WindowsFacts:
    """The facts in what `SCRIPT` printed.

    :raise ValueError: there is no such line in it.
    """
    said = _said(text)
    version, system, guard = _part(said, "version"), _part(said, "system"), _part(said, "guard")
    defender, verifier = _part(said, "defender"), _part(said, "verifier")
    services = guard.get("running")
    return WindowsFacts(
        os=_text(system, "caption") or _text(version, "product"),
        os_id=_text(version, "edition"),
        os_version=_text(version, "display"),
        kernel=f"{version['build']}.{version.get('ubr') or 0}" if version.get("build") else "",
        uptime_s=float(system.get("uptime_s") or 0.0),
        boot_id=_text(said, "boot"),
        memory_mib=int(system.get("memory_kib") or 0) // 1024,
        installation=_text(version, "kind"),
        last_boot=_text(system, "last_boot"),
        hotfixes=tuple(str(one) for one in _list(said.get("hotfixes"))),
        drivers=tuple((_text(one, "name"), _text(one, "path")) for one in _list(said.get("drivers"))),
        secure_boot=_truth(said.get("secure_boot")),
        vbs=guard["vbs"] == VBS_RUNNING if "vbs" in guard else None,
        hvci=HVCI in _list(services) if "running" in guard else None,
        defender_realtime=_truth(defender.get("realtime")),
        defender_signatures=_text(defender, "signatures"),
        verifier_flags=int(verifier.get("level") or 0) if verifier else None,
        verified=tuple(_text(verifier, "drivers").split()),
        missing=tuple(str(one) for one in _list(said.get("missing"))),
    )


def _said(text: str) -> dict[str, Any]:
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    raise ValueError(f"facts of a Windows guest: no JSON in {text[-80:]!r}")


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(said: Any, name: str) -> str:
    found = said.get(name) if isinstance(said, Mapping) else None
    return "" if found is None else str(found)


def _list(found: Any) -> list[Any]:
    """PowerShell 5.1 may print a list of one as the one, and an empty one as nothing."""
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _truth(found: Any) -> bool | None:
    return found if isinstance(found, bool) else None
