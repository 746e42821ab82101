"""Faults of file systems that are made in the guest: no room left, or nothing may be written."""

from __future__ import annotations

from lab.faults.kind import Values
from lab.faults.scripts import Scripted, Scripts
from lab.faults.subject import Subject
from lab.model import Family

# Room is taken by fallocate in ever smaller pieces: nothing is written, and root's reserve is taken too.
FULL_LINUX = Scripts(
    inject=r"""
mkdir -p "$path"; file=$path/.lab-full; at=0; size=1048576
: >"$file" || exit 1
while [ $size -ge 4 ]; do
    if fallocate -o $((at * 1024)) -l $((size * 1024)) "$file" 2>/dev/null
    then at=$((at + size)); else size=$((size / 2)); fi
done
if [ $at -eq 0 ]; then dd if=/dev/zero of="$file" bs=64k 2>/dev/null; at=$(($(wc -c <"$file") / 1024)); fi
[ $leave_kib -eq 0 ] || truncate -s $(((at - leave_kib) * 1024)) "$file" || exit 1
sync
echo "taken_kib=$at"
""",
    prove=r"""
words=$(dd if=/dev/zero of="$path/.lab-probe" bs=64k count=$((leave_kib / 64 + 16)) conv=fsync 2>&1)
rm -f "$path/.lab-probe"
case $words in
*"No space left"*)
    echo "proof=writing $((leave_kib + 1024)) KiB to $path: No space left on device; $taken_kib KiB taken" ;;
*) exit 1 ;;
esac
""",
    undo=r"""
rm -f "$path/.lab-full" "$path/.lab-probe"; sync
dd if=/dev/zero of="$path/.lab-probe" bs=64k count=1 conv=fsync 2>/dev/null || exit 1
rm -f "$path/.lab-probe"
echo "undone=64 KiB can be written to $path"
""",
)
FULL_WINDOWS = Scripts(
    inject=r"""
$drive = New-Object IO.DriveInfo($path)
$size = $drive.AvailableFreeSpace - [long]$leave_kib * 1KB - 64KB
$file = Join-Path $drive.RootDirectory '.lab-full'
fsutil file createnew $file $size | Out-Null
"taken_kib=$([long]($size / 1KB))"
""",
    prove=r"""
$probe = Join-Path (New-Object IO.DriveInfo($path)).RootDirectory '.lab-probe'
try { [IO.File]::WriteAllBytes($probe, (New-Object byte[] (([long]$leave_kib + 1024) * 1KB))) }
catch [IO.IOException] { "proof=writing to ${path}: $($_.Exception.Message)"; exit 0 }
finally { Remove-Item -Force -ErrorAction SilentlyContinue $probe }
exit 1
""",
    undo=r"""
Remove-Item -Force (Join-Path (New-Object IO.DriveInfo($path)).RootDirectory '.lab-full')
"undone=$((New-Object IO.DriveInfo($path)).AvailableFreeSpace / 1KB) KiB are free"
""",
)
# The kernel's own emergency remount (SysRq u): also file systems that are being written to.
READ_ONLY = Scripts(
    inject=r"""
mkdir -p "$path"
while read -r device where kind options rest; do
    case $device in /dev/*) case ,$options, in *,rw,*) mounts="$mounts $where" ;; esac ;; esac
done </proc/mounts
echo u >/proc/sysrq-trigger
echo "mounts=$mounts"
""",
    prove=r"""
words=$(touch "$path/.lab-probe" 2>&1) && { rm -f "$path/.lab-probe"; exit 1; }
case $words in
*"Read-only file system"*) echo "proof=touch in $path: Read-only file system; mounts:$mounts" ;;
*) exit 1 ;;
esac
""",
    undo=r"""
for where in $mounts; do mount -o remount,rw "$where" || exit 1; done
touch "$path/.lab-probe" && rm -f "$path/.lab-probe" || exit 1
echo "undone=a file can be made in $path"
""",
)
# Windows write-protects a disk at once, but not the one that it runs from: `path` must be on another.
READ_ONLY_WINDOWS = Scripts(
    inject=r"""
$disk = Get-Partition -DriveLetter $path.Substring(0, 1) | Get-Disk
if ($disk.IsBoot -or $disk.IsSystem) { throw "Windows runs from disk $($disk.Number) (wanted another)" }
Set-Disk -Number $disk.Number -IsReadOnly $true
"number=$($disk.Number)"
""",
    prove=r"""
$probe = Join-Path $path '.lab-probe'
try { [IO.File]::WriteAllText($probe, 'x'); Remove-Item -Force $probe; exit 1 }
catch { "proof=writing to ${path}: $($_.Exception.GetBaseException().Message)" }
""",
    undo=r"""
if ($number -ne $null) { Set-Disk -Number $number -IsReadOnly $false }
$probe = Join-Path $path '.lab-probe'
[IO.File]::WriteAllText($probe, 'x'); Remove-Item -Force $probe
"undone=a file can be made in $path"
""",
)


USUAL, USUAL_WINDOWS = "/var/tmp", "C:\\Windows\\Temp"  # noqa: S108 - directories of guests
"""Where nothing else is asked for."""


def full(subject: Subject, values: Values) -> Scripted:
    scripts = {Family.LINUX: FULL_LINUX, Family.WINDOWS: FULL_WINDOWS}
    return Scripted(subject, _placed(subject, values), scripts)


def read_only(subject: Subject, values: Values) -> Scripted:
    scripts = {Family.LINUX: READ_ONLY, Family.WINDOWS: READ_ONLY_WINDOWS}
    return Scripted(subject, _placed(subject, values), scripts)


def _placed(subject: Subject, values: Values) -> Values:
    """The usual directory is another one on Windows."""
    if subject.family is Family.WINDOWS and values["path"] == USUAL:
        return {**values, "path": USUAL_WINDOWS}
    return values
