"""Faults of memory: pages that the kernel must give away, in the guest or through the balloon."""

from __future__ import annotations

import threading

from lab.clock import Deadline
from lab.faults.kind import Values, number
from lab.faults.scripts import Scripted, Scripts
from lab.faults.subject import Subject
from lab.model import Family

LOOK_AGAIN_S = 0.2
READ_MIB = 160
"""At most, to make the kernel look for memory to take back."""
# Huge pages are taken from the kernel at once and can be neither swapped nor reclaimed; no program is needed.
# What is too scattered for them goes to a tmpfs. With `reclaim` more of the disk is read than memory is left:
# a cache that must make room has the kernel ask everybody, which an idle disk would never bring about.
SQUEEZE = {
    Family.LINUX: Scripts(
        inject=r"""
of() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" /proc/meminfo; }
free_kib=$(of MemAvailable); page_kib=$(of Hugepagesize); had=$(cat /proc/sys/vm/nr_hugepages)
[ -n "$page_kib" ] || { echo 'this kernel has no huge pages' >&2; exit 1; }
wanted=$(((free_kib - leave_mib * 1024) / page_kib)); [ "$wanted" -gt 0 ] || wanted=1
sync; echo 3 >/proc/sys/vm/drop_caches; echo 1 >/proc/sys/vm/compact_memory 2>/dev/null
for try in 1 2 3 4; do
    echo $((had + wanted)) >/proc/sys/vm/nr_hugepages
    [ "$(cat /proc/sys/vm/nr_hugepages)" -ge $((had + wanted)) ] && break
    [ "$(of MemAvailable)" -le $((leave_mib * 1024)) ] && break
done
rest_kib=$(($(of MemAvailable) - leave_mib * 1024))
if [ $free_kib -gt $((leave_mib * 1024)) ] && [ $rest_kib -gt 1024 ]; then
    place=/run/lab-squeeze
    mkdir -p $place && mount -t tmpfs -o "size=${rest_kib}k" lab-squeeze $place || exit 1
    dd if=/dev/zero of=$place/taken bs=64k count=$((rest_kib / 64)) 2>/dev/null
fi
scanned() {
    n=0
    while read -r name value; do case $name in pgscan_kswapd | pgscan_direct) n=$((n + value)) ;; esac; done
    echo $n
}
before=$(scanned </proc/vmstat); mib=$(($(of MemFree) / 1024 + 24)); [ $mib -le $read_mib ] || mib=$read_mib
disk=/dev/vda; [ -b $disk ] || disk=/dev/sda
[ $reclaim = 0 ] || dd if=$disk of=/dev/null bs=1M count=$mib 2>/dev/null
echo "had=$had"; echo "free_kib=$free_kib"; echo "scanned=$(($(scanned </proc/vmstat) - before))"
""",
        prove=r"""
now_kib=$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo)
taken=$(($(cat /proc/sys/vm/nr_hugepages) - had))
wanted_kib=$((free_kib - leave_mib * 1024)); [ "$taken" -gt 0 ] && [ $wanted_kib -gt 0 ] || exit 1
[ $((free_kib - now_kib)) -ge $((wanted_kib * 3 / 4)) ] || exit 1
left="$((now_kib / 1024)) MiB are available, $((free_kib / 1024)) before"
echo "proof=$taken huge pages are taken; $left; the kernel looked through $scanned pages for more"
""",
        undo=r"""
echo "${had:-0}" >/proc/sys/vm/nr_hugepages
umount /run/lab-squeeze 2>/dev/null; ! grep -q lab-squeeze /proc/mounts || exit 1
now_kib=$(sed -n 's/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo)
echo "undone=$((now_kib / 1024)) MiB are available"
""",
    ),
    # What is locked into the working set of a process (VirtualLock) is not paged out; the process is started
    # by WMI, since the job of a remote session would end it with the session.
    Family.WINDOWS: Scripts(
        inject=r"""
$free = [long](Get-CimInstance Win32_OperatingSystem).FreePhysicalMemory
$take = [Math]::Max(16MB, ($free - [long]$leave_mib * 1024) * 1KB)
$hold = @"
Add-Type -Name Own -Namespace Lab -MemberDefinition '
[DllImport("kernel32.dll")] public static extern
    IntPtr VirtualAlloc(IntPtr at, UIntPtr size, uint kind, uint access);
[DllImport("kernel32.dll")] public static extern bool VirtualLock(IntPtr at, UIntPtr size);
[DllImport("kernel32.dll")] public static extern
    bool SetProcessWorkingSetSize(IntPtr process, UIntPtr least, UIntPtr most);
[DllImport("kernel32.dll")] public static extern IntPtr GetCurrentProcess();'
`$piece = [UIntPtr]::new(16MB); `$least = [UIntPtr]::new($take + 64MB); `$most = [UIntPtr]::new($take + 96MB)
[void][Lab.Own]::SetProcessWorkingSetSize([Lab.Own]::GetCurrentProcess(), `$least, `$most)
for (`$held = 0; `$held -lt $take; `$held += 16MB) {
    `$at = [Lab.Own]::VirtualAlloc([IntPtr]::Zero, `$piece, 0x3000, 4)
    if (`$at -eq [IntPtr]::Zero -or -not [Lab.Own]::VirtualLock(`$at, `$piece)) { break }
}
Start-Sleep -Seconds 86400
"@
$text = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($hold))
$line = "powershell.exe -NoProfile -NonInteractive -EncodedCommand $text"
$made = Invoke-CimMethod -ClassName Win32_Process -MethodName Create -Arguments @{ CommandLine = $line }
if ($made.ReturnValue -ne 0) { throw "Win32_Process.Create returned $($made.ReturnValue)" }
"holder=$($made.ProcessId)"; "free_kib=$free"
""",
        prove=r"""
$now = [long](Get-CimInstance Win32_OperatingSystem).FreePhysicalMemory
$held = (Get-Process -Id $holder).WorkingSet64
$wanted = [long]$free_kib - [long]$leave_mib * 1KB
if ($wanted -le 0 -or [long]$free_kib - $now -lt $wanted * 3 / 4) { exit 1 }
$left = "$([long]($now / 1KB)) MiB are available, $([long]([long]$free_kib / 1KB)) before"
"proof=$([long]($held / 1MB)) MiB are locked; $left"
""",
        undo=r"""
if ($holder) { Stop-Process -Force -ErrorAction SilentlyContinue -Id $holder }
"undone=$([long]((Get-CimInstance Win32_OperatingSystem).FreePhysicalMemory / 1KB)) MiB are available"
""",
    ),
}


def squeeze(subject: Subject, values: Values) -> Scripted:
    return Scripted(subject, {**values, "read_mib": READ_MIB}, SQUEEZE)


class Balloon:
    """The balloon inflated: the guest's own driver gives memory back to the host."""

    in_guest = False
    CLOSE_MIB = 16

    def __init__(self, subject: Subject, values: Values) -> None:
        self._subject = subject
        self._whole_mib = subject.machine.order.profile.memory_mib
        self._wanted_mib = max(64, round(self._whole_mib * number(values, "share")))
        self._done = False

    def inject(self) -> None:
        if self._subject.family is Family.LINUX:  # an image that is kept small may not have loaded it
            self._subject.guest.run("modprobe virtio_balloon 2>/dev/null || true")
        self._subject.machine.squeeze(self._wanted_mib)
        self._done = True

    def prove(self) -> str:
        now_mib = self._now()
        if now_mib > self._wanted_mib + self.CLOSE_MIB:
            return ""
        return f"the guest's balloon leaves it {now_mib} of {self._whole_mib} MiB"

    def undo(self) -> str:
        if not self._done:
            return "the balloon was not touched"
        self._subject.machine.squeeze(self._whole_mib)
        deadline = Deadline.after(self._subject.timeouts.command_s / 4)
        while self._now() < self._whole_mib - self.CLOSE_MIB and not deadline.passed:
            threading.Event().wait(LOOK_AGAIN_S)
        return f"the balloon leaves the guest {self._now()} of {self._whole_mib} MiB again"

    def _now(self) -> int:
        told = self._subject.domain.monitor({"execute": "query-balloon"})
        return int(told["actual"]) >> 20
