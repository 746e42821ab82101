"""What is set in the registry of a Windows guest, as data: key, value, why, and where that is documented.

One table for all releases; which rows apply is decided by what the recipe asks for. The report that a guest
gives at the end of its installation reads every one of them back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.images.windows.wanted import DUMP_TYPES, Wanted

CONTROL = r"HKLM\SYSTEM\CurrentControlSet\Control"
CRASH = rf"{CONTROL}\CrashControl"
MEMORY = rf"{CONTROL}\Session Manager\Memory Management"
POLICIES = r"HKLM\SOFTWARE\Policies\Microsoft"
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"
DUMP_LETTER = "Q"
"""Of the dump disk in the guest: far from what Windows gives out by itself."""
DUMP_FILE = rf"{DUMP_LETTER}:\lab-dump.sys"
CRASH_DOC = "learn.microsoft.com/troubleshoot/windows-server/performance/memory-dump-file-options"
DEDICATED_DOC = "learn.microsoft.com/archive/blogs/ntdebugging (dedicated dump file); kb969028"
UPDATE_DOC = "learn.microsoft.com/windows/deployment/update/waas-wu-settings"
DEFENDER_DOC = "learn.microsoft.com/windows/client-management/mdm/policy-csp-defender"
TIME_DOC = "learn.microsoft.com/windows-server/networking/windows-time-service"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value. `kind` is REG_DWORD, REG_SZ or REG_MULTI_SZ; a DWORD is in decimal."""

    key: str
    name: str
    kind: str
    value: str
    why: str
    source: str
    lasting: bool = True
    """Whether it is there after the installation; Windows removes what only its first run reads."""


def _dword(key: str, name: str, value: int, why: str, source: str) -> Setting:
    return Setting(key, name, "REG_DWORD", str(value), why, source)


def settings(wanted: Wanted) -> tuple[Setting, ...]:
    """The rows that apply, in a fixed order."""
    return (
        *_crash(wanted),
        *_quiet(),
        *_updates(wanted),
        *_time(wanted),
        *_memory(wanted),
        *_verifier(wanted),
    )


def _crash(wanted: Wanted) -> Iterator[Setting]:
    yield _dword(CRASH, "CrashDumpEnabled", DUMP_TYPES[wanted.dump], f"dump type: {wanted.dump}", CRASH_DOC)
    if wanted.dump == "active":
        yield _dword(CRASH, "FilterPages", 1, "active memory only", CRASH_DOC)
    yield _dword(CRASH, "AutoReboot", int(wanted.auto_reboot), "whether a stop restarts the guest", CRASH_DOC)
    yield _dword(CRASH, "AlwaysKeepMemoryDump", 1, "no dump is deleted for want of room", CRASH_DOC)
    yield _dword(CRASH, "Overwrite", 1, "the last dump is the one that counts", CRASH_DOC)
    yield _dword(CRASH, "LogEvent", 1, "event 1001 tells the stop after the restart", CRASH_DOC)
    yield _dword(CRASH, "NMICrashDump", 1, "the lab's NMI makes a dump", "learn.microsoft.com: NMICrashDump")
    yield _dword(CRASH, "DisplayParameters", 1, "the stop screen shows the four parameters", "KB2929742")
    if wanted.dump_disk_mib:
        yield Setting(CRASH, "DedicatedDumpFile", "REG_SZ", DUMP_FILE, "dump on its own disk", DEDICATED_DOC)
        yield _dword(CRASH, "DumpFileSize", wanted.dump_file_mib, "MiB of that file", DEDICATED_DOC)
        yield _dword(CRASH, "IgnorePagefileSize", 1, "the page file does not limit the dump", DEDICATED_DOC)


def _quiet() -> Iterator[Setting]:
    """Nothing moves in the guest that the scenario did not ask for."""
    power, maintenance = (
        rf"{CONTROL}\Power",
        r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\Maintenance",
    )
    yield _dword(power, "HibernateEnabled", 0, "no hibernation, no fast start-up", "powercfg /hibernate")
    yield _dword(
        rf"{CONTROL}\Session Manager\Power", "HiberbootEnabled", 0, "a shutdown is one", "fast startup"
    )
    yield _dword(
        maintenance,
        "MaintenanceDisabled",
        1,
        "no automatic maintenance, no defragmentation",
        "Task Scheduler",
    )
    oobe = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\OOBE"
    network = "the first run asks for no network"
    yield Setting(oobe, "BypassNRO", "REG_DWORD", "1", network, "Windows 11: BypassNRO.cmd", lasting=False)
    yield _dword(
        rf"{POLICIES}\Windows\OOBE",
        "DisablePrivacyExperience",
        1,
        "no privacy page at logon",
        "policy-csp-privacy",
    )
    logon = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
    yield _dword(logon, "EnableFirstLogonAnimation", 0, "no animation at logon", "policy-csp-windowslogon")
    yield _dword(logon, "LocalAccountTokenFilterPolicy", 1, "full rights over WinRM", "kb951016")
    reliability = rf"{POLICIES}\Windows NT\Reliability"
    yield _dword(reliability, "ShutdownReasonOn", 0, "servers do not ask why", "admx reliability")
    yield _dword(
        rf"{CONTROL}\Network\NewNetworkWindowOff", "Off", 1, "no question about new networks", "kb2985343"
    )


def _updates(wanted: Wanted) -> Iterator[Setting]:
    if not wanted.updates:
        update = rf"{POLICIES}\Windows\WindowsUpdate\AU"
        yield _dword(update, "NoAutoUpdate", 1, "no automatic updates", UPDATE_DOC)
        delivery = rf"{POLICIES}\Windows\DeliveryOptimization"
        yield _dword(
            delivery, "DODownloadMode", 99, "no delivery optimisation", "policy-csp-deliveryoptimization"
        )
    if not wanted.sample_submission:
        spynet = rf"{POLICIES}\Windows Defender\Spynet"
        yield _dword(spynet, "SubmitSamplesConsent", 2, "files of the guest are never sent", DEFENDER_DOC)
        yield _dword(spynet, "SpynetReporting", 0, "no cloud protection", DEFENDER_DOC)


def _time(wanted: Wanted) -> Iterator[Setting]:
    universal = int(wanted.clock == "utc")
    zone = rf"{CONTROL}\TimeZoneInformation"
    yield _dword(
        zone,
        "RealTimeIsUniversal",
        universal,
        f"the machine's clock is {wanted.clock}",
        "Windows: RTC in UTC",
    )
    source = "NTP" if wanted.time_sync else "NoSync"
    yield Setting(rf"{SERVICES}\W32Time\Parameters", "Type", "REG_SZ", source, "who sets the clock", TIME_DOC)


def _memory(wanted: Wanted) -> Iterator[Setting]:
    size = wanted.pagefile_mib
    files = rf"C:\pagefile.sys {size} {size}" if size else r"?:\pagefile.sys"
    yield Setting(
        MEMORY, "PagingFiles", "REG_MULTI_SZ", files, "page file", "learn.microsoft.com: PagingFiles"
    )
    yield _dword(
        MEMORY, "ClearPageFileAtShutdown", 0, "a shutdown takes no extra time", "ClearPageFileAtShutdown"
    )


def _verifier(wanted: Wanted) -> Iterator[Setting]:
    preset = wanted.verifier_preset
    if preset.flags:
        why = f"Driver Verifier: {preset.name}"
        yield _dword(
            MEMORY, "VerifyDriverLevel", preset.flags, why, "windows-driver-docs: verifier command line"
        )
        yield Setting(MEMORY, "VerifyDrivers", "REG_SZ", wanted.verifier_drivers, why, "the same")
