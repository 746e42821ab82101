"""Faults of the agent under test: its processes killed or stopped, its directory closed to it.

The agent's processes are those whose program lies below its directory in the guest: nothing about them needs
to be declared.
"""

from __future__ import annotations

from lab.faults.kind import Values
from lab.faults.scripts import Scripted, Scripts
from lab.faults.subject import Subject
from lab.model import Family

PIDS = r"""
pids() {
    for exe in /proc/[0-9]*/exe; do
        case $(readlink "$exe" 2>/dev/null) in "$dir"/*) pid=${exe#/proc/}; echo "${pid%/exe}" ;; esac
    done
}
found() {
    found=$(pids | tr '\n' ' ')
    [ -n "$found" ] || { echo "no process runs from $dir" >&2; exit 1; }
}
"""
KILL = {
    Family.LINUX: Scripts(
        inject=PIDS + 'found; kill "-$signal" $found; echo "pids=$found"\n',
        prove=r"""
for pid in $pids; do [ ! -e "/proc/$pid/exe" ] || ! readlink "/proc/$pid/exe" >/dev/null || exit 1; done
echo "proof=processes $pids are gone after SIG$signal"
""",
        undo="",
    ),
    Family.WINDOWS: Scripts(
        inject=r"""
$own = Get-Process | Where-Object { $_.Path -like "$dir\*" }
if (-not $own) { throw "no process runs from $dir" }
$own | Stop-Process -Force
"pids=$($own.Id -join ' ')"
""",
        prove=r"""
foreach ($id in $pids -split ' ') { if (Get-Process -Id $id -ErrorAction SilentlyContinue) { exit 1 } }
"proof=processes $pids are gone"
""",
        undo="",
    ),
}
STOP = {
    Family.LINUX: Scripts(
        inject=PIDS + 'found; kill -STOP $found; echo "pids=$found"\n',
        prove=r"""
for pid in $pids; do grep -q '^State:[[:space:]]*T' "/proc/$pid/status" || exit 1; done
echo "proof=processes $pids are stopped (state T)"
""",
        undo=r"""
[ -n "$pids" ] || { echo "undone=nothing was stopped"; exit 0; }
for pid in $pids; do kill -CONT "$pid" 2>/dev/null; done
for pid in $pids; do
    if grep -q '^State:[[:space:]]*T' "/proc/$pid/status" 2>/dev/null; then exit 1; fi
done
echo "undone=processes $pids go on"
""",
    ),
    Family.WINDOWS: Scripts(
        inject=r"""
Add-Type -Namespace Lab -Name Nt -MemberDefinition '
    [DllImport("ntdll.dll")] public static extern int NtSuspendProcess(IntPtr process);'
$own = Get-Process | Where-Object { $_.Path -like "$dir\*" }
if (-not $own) { throw "no process runs from $dir" }
$own | ForEach-Object { [Lab.Nt]::NtSuspendProcess($_.Handle) | Out-Null }
"pids=$($own.Id -join ' ')"
""",
        prove=r"""
foreach ($id in $pids -split ' ') {
    $goes = (Get-Process -Id $id).Threads | Where-Object { $_.WaitReason -ne 'Suspended' }
    if ($goes) { exit 1 }
}
"proof=all threads of processes $pids are suspended"
""",
        undo=r"""
Add-Type -Namespace Lab -Name Nt -MemberDefinition '
    [DllImport("ntdll.dll")] public static extern int NtResumeProcess(IntPtr process);'
foreach ($id in $pids -split ' ') { [Lab.Nt]::NtResumeProcess((Get-Process -Id $id).Handle) | Out-Null }
"undone=processes $pids go on"
""",
    ),
}
# What is denied to the system account (S-1-5-18) by the directory's own entries.
RULES = r"""
function rules {
    (Get-Acl $denied).GetAccessRules($true, $false, [Security.Principal.SecurityIdentifier]) |
        Where-Object { $_.AccessControlType -eq 'Deny' -and $_.IdentityReference.Value -eq 'S-1-5-18' }
}
"""
# root is denied by a read-only bind mount: file modes do not hold it.
DENY = {
    Family.LINUX: Scripts(
        inject=r"""
[ -n "$path" ] || path=$dir
[ -d "$path" ] || { echo "$path is no directory" >&2; exit 1; }
mount --bind "$path" "$path" && mount -o remount,bind,ro "$path" || { umount "$path" 2>/dev/null; exit 1; }
echo "denied=$path"
""",
        prove=r"""
words=$(touch "$denied/.lab-probe" 2>&1) && { rm -f "$denied/.lab-probe"; exit 1; }
echo "proof=root cannot write to $denied: ${words##*: }"
""",
        undo=r"""
[ -n "$denied" ] || { echo "undone=nothing was denied"; exit 0; }
umount "$denied" 2>/dev/null || umount -l "$denied" || exit 1
touch "$denied/.lab-probe" && rm -f "$denied/.lab-probe" || exit 1
echo "undone=root can write to $denied"
""",
    ),
    Family.WINDOWS: Scripts(
        inject=r"""
$denied = if ($path) { $path } else { $dir }
if (-not (Test-Path -PathType Container $denied)) { throw "$denied is no directory" }
"""
        + RULES
        + r"""
if (rules) { throw "$denied is denied to the system account already" }
icacls $denied /deny '*S-1-5-18:(OI)(CI)(W,D)' | Out-Null
if ($LASTEXITCODE) { throw "icacls ended with $LASTEXITCODE" }
"denied=$denied"
""",
        prove=RULES
        + r"""
$rights = (rules).FileSystemRights
if (-not $rights) { exit 1 }
"proof=the system account is denied $rights on $denied"
""",
        undo=RULES
        + r"""
if (-not $denied) { 'undone=nothing was denied'; exit 0 }
icacls $denied /remove:d '*S-1-5-18' | Out-Null
if (rules) { exit 1 }
"undone=nothing on $denied is denied to the system account"
""",
    ),
}


class Kill(Scripted):
    """The agent's processes killed; undone by starting the agent as agent.yaml says."""

    def undo(self) -> str:
        if "pids" not in self.state:
            return "nothing was killed"
        self.subject.agent.start()
        return "the agent was started"


def kill(subject: Subject, values: Values) -> Kill:
    return Kill(subject, values, KILL)


def suspend(subject: Subject, values: Values) -> Scripted:
    return Scripted(subject, values, STOP)


def deny(subject: Subject, values: Values) -> Scripted:
    return Scripted(subject, values, DENY)
