"""What a Windows guest is told when it goes on from a checkpoint: what time it is, and time is seen to
move.

Owns the script; `lab.guest.waking` reads its answer. Randomness: Windows draws afresh where its VM
generation id is new, and has no request for it. Refuses to make somebody new of a guest, which takes
sysprep and restarts.
"""

from __future__ import annotations

from lab.guest.channel import Command
from lab.guest.windows.quoting import powershell
from lab.model import Identity

_SCRIPT = r"""
$c=[Globalization.CultureInfo]::InvariantCulture; $f=[Diagnostics.Stopwatch]::Frequency
$first=[Diagnostics.Stopwatch]::GetTimestamp()/$f
Set-Date -Date ([DateTimeOffset]::FromUnixTimeMilliseconds({now_ms}).LocalDateTime) | Out-Null
Start-Sleep -Milliseconds 50
$second=[Diagnostics.Stopwatch]::GetTimestamp()/$f; $date=[DateTimeOffset]::UtcNow.ToUnixTimeSeconds()
[string]::Format($c,'woken first={{0:F3}} second={{1:F3}} date={{2}} reseeded={reseeded} host={{3}}',
  $first,$second,$date,$env:COMPUTERNAME)
"""
"""The performance counter goes on where the checkpoint was taken and is moved by no clock."""


def script(now_s: float, identity: Identity, name: str, generation: str) -> Command:
    """PowerShell that sets the clock and prints what `lab.guest.waking` reads.

    :raise ValueError: a new identity is asked for.
    """
    if identity is not Identity.KEEP:
        raise ValueError(f"identity of a Windows guest: {powershell(name)} (wanted it kept; use sysprep)")
    return _SCRIPT.format(now_ms=round(now_s * 1000), reseeded="no" if generation == "same" else "kernel")
