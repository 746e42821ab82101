r"""Scripts that move files in and out of Windows whole: collected, checked, flushed, then given their name.

Owns the PowerShell texts; every value is a literal in them. Modes are ignored: Windows files have the rights
of their folder. `[IO.File]::Replace` is ReplaceFileW: readers see the old file or the new one.
"""

from __future__ import annotations

from lab.guest.windows import paths
from lab.guest.windows.quoting import powershell

_INSTALL = r"""
$part={part}; $to={to}; $size={size}; $sha='{sha256}'
function Fail([string]$why) {{ Remove-Item -LiteralPath $part -Force -ErrorAction SilentlyContinue
  [Console]::Error.WriteLine($why); exit 1 }}
if ([IO.Directory]::Exists($to)) {{ Fail 'is a directory' }}
try {{
  $f=[IO.File]::Open($part,'Open','ReadWrite','None')
  try {{
    if ($f.Length -ne $size) {{ $n=$f.Length; $f.Close(); Fail "arrived with $n bytes (wanted $size)" }}
    $h=[Security.Cryptography.SHA256]::Create().ComputeHash($f)
    $have=[BitConverter]::ToString($h).Replace('-','').ToLower()
    $f.Flush($true)
  }} finally {{ $f.Close() }}
  if ($have -ne $sha) {{ Fail "arrived with sha256 $have (wanted $sha)" }}
  if ([IO.File]::Exists($to)) {{ [IO.File]::Replace($part,$to,[NullString]::Value) }}
  else {{ [IO.File]::Move($part,$to) }}
}} catch {{ Fail $_.Exception.GetBaseException().Message }}
try {{ Write-VolumeCache -DriveLetter $to.Substring(0,1) -ErrorAction Stop }} catch {{ }}
exit 0
"""
"""The names of files are in the volume's metadata, which Write-VolumeCache flushes where Windows has it."""
_RECEIVE = r"""
try {{
  $o=[IO.File]::Open({part},'Create','Write','None')
  try {{ $i.CopyTo($o) }} finally {{ $o.Close() }}
}} catch {{ [Console]::Error.WriteLine($_.Exception.GetBaseException().Message); exit 1 }}
"""
"""`$i` is the bootstrap's own stdin, read up to the end of the order."""
_SEND = r"""
try {{
  $f=[IO.File]::Open({path},'Open','Read','ReadWrite,Delete')
  try {{ $o=[Console]::OpenStandardOutput(); $f.CopyTo($o); $o.Flush() }} finally {{ $f.Close() }}
}} catch {{ [Console]::Error.WriteLine($_.Exception.GetBaseException().Message); exit 1 }}
exit 0
"""
_DIGEST = r"""
$f=[IO.File]::Open({path},'Open','Read','ReadWrite,Delete'); $h=[Security.Cryptography.SHA256]::Create()
try {{
  $left={size}; $b=New-Object byte[] 1048576
  while ($left -gt 0 -and ($n=$f.Read($b,0,[math]::Min($left,$b.Length))) -gt 0) {{
    [void]$h.TransformBlock($b,0,$n,$b,0); $left-=$n }}
  [void]$h.TransformFinalBlock($b,0,0); [BitConverter]::ToString($h.Hash).Replace('-','').ToLower()
}} finally {{ $f.Close() }}
"""
_REMOVE = "Remove-Item -LiteralPath {path} -Force -ErrorAction SilentlyContinue"


def install(part: str, to: str, size: int, sha256: str) -> str:
    """Check a collected file and give it its name; says on stderr why not."""
    return _INSTALL.format(part=powershell(part), to=powershell(paths.checked(to)), size=size, sha256=sha256)


def receive(part: str, to: str, size: int, sha256: str) -> str:
    """Collect stdin in `part`, then as `install`."""
    return _RECEIVE.format(part=powershell(part)) + install(part, to, size, sha256)


def send(path: str) -> str:
    """The file's bytes on stdout, also while others write it."""
    return _SEND.format(path=powershell(paths.checked(path)))


def digest_of_first(path: str, size: int) -> str:
    """Print the sha256 of the first `size` bytes: a log may grow while it is read."""
    return _DIGEST.format(path=powershell(paths.checked(path)), size=size)


def remove(path: str) -> str:
    """Take a file away; it may not be there."""
    return _REMOVE.format(path=powershell(path))
