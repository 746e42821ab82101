"""How a guest tells its resources: one command per look, and what its answer means. Pure.

The command prints `name=value` lines; a line that is none is passed over, a value that is missing is
missing in the sample. Sources: proc(5); Microsoft's pages on `Win32_PerfRawData_PerfOS_Memory` and
`Win32_OperatingSystem`, and on PERF_100NSEC_TIMER_INV.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.model import Family

UPTIME = "uptime_s"

LINUX = r"""
read up _ </proc/uptime; echo "uptime_s=$up"
while read -r name value _; do
    case $name in
        MemTotal:) echo "memory_total_kib=$value" ;;
        MemAvailable:) echo "memory_available_kib=$value" ;;
        Slab:) echo "slab_kib=$value" ;;
        SUnreclaim:) echo "slab_unreclaimable_kib=$value" ;;
        VmallocUsed:) echo "vmalloc_kib=$value" ;;
        Percpu:) echo "percpu_kib=$value" ;;
        KernelStack:) echo "kernel_stack_kib=$value" ;;
        AnonPages:) echo "anonymous_kib=$value" ;;
    esac
done </proc/meminfo
read _ user nice system idle wait irq soft steal _ </proc/stat
echo "cpu_busy_ticks=$((user + nice + system + irq + soft + steal))"
echo "cpu_idle_ticks=$((idle + wait))"
read handles _ </proc/sys/fs/file-nr; echo "file_handles=$handles"
set -- /proc/[0-9]*; echo "processes=$#"
set -- /proc/[0-9]*/task/[0-9]*; echo "threads=$#"
free=$(df -Pk / | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4); echo "disk_free_kib=$free"
"""
"""For any POSIX shell, busybox's too."""

WINDOWS = r"""
$memory = Get-CimInstance Win32_PerfRawData_PerfOS_Memory
$system = Get-CimInstance Win32_OperatingSystem
$disk = Get-CimInstance Win32_LogicalDisk -Filter "DeviceID='C:'"
$processes = Get-Process
$busy = [decimal]0; $idle = [decimal]0
Get-CimInstance Win32_PerfRawData_PerfOS_Processor | Where-Object Name -ne '_Total' | ForEach-Object {
    $idle += $_.PercentProcessorTime; $busy += $_.Timestamp_Sys100NS - $_.PercentProcessorTime
}
"cpu_busy_ticks=$busy"; "cpu_idle_ticks=$idle"
"kernel_lines=" + (Get-WinEvent -LogName System -MaxEvents 1 -ErrorAction SilentlyContinue).RecordId
"uptime_s=" + [long]([Diagnostics.Stopwatch]::GetTimestamp() / [Diagnostics.Stopwatch]::Frequency)
"memory_total_kib=" + $system.TotalVisibleMemorySize
"memory_available_kib=" + [long]($memory.AvailableBytes / 1024)
"nonpaged_pool_kib=" + [long]($memory.PoolNonpagedBytes / 1024)
"paged_pool_kib=" + [long]($memory.PoolPagedBytes / 1024)
"file_handles=" + ($processes | Measure-Object HandleCount -Sum).Sum
"processes=" + $processes.Count
"threads=" + ($processes | ForEach-Object { $_.Threads.Count } | Measure-Object -Sum).Sum
"disk_free_kib=" + [long]($disk.FreeSpace / 1024)
"""
"""For PowerShell 5. Awaits a real Windows guest: here only its answer's form is exercised.

Uptime is the performance counter's, which no set clock moves. `PercentProcessorTime` is the idle thread's
time (a PERF_100NSEC_TIMER_INV). Of a kernel's log there is nothing on the console: its events are numbered.
"""

COMMANDS: Mapping[Family, str] = {Family.LINUX: LINUX, Family.WINDOWS: WINDOWS}


def values(text: str) -> dict[str, float]:
    """The numbers of an answer, by name."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if not separator or not name.isidentifier():
            continue
        try:
            found[name] = float(value)
        except ValueError:
            continue
    return found


def cpu_share(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """Share of its processors' time that the guest used between two samples, 0 to 1; None when not told."""
    names = ("cpu_busy_ticks", "cpu_idle_ticks")
    if not all(name in before and name in after for name in names):
        return None
    busy, idle = (after[name] - before[name] for name in names)
    return busy / (busy + idle) if busy >= 0 and busy + idle > 0 else None
