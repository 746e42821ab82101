"""Machines that do not get as far as their system: firmware, boot loaders, initramfs, systemd."""

from __future__ import annotations

from lab.detect.linux.patterns.pattern import Pattern, Role, rx
from lab.model import FindingKind


def _failure(
    name: str,
    start: str,
    hot: tuple[bytes, ...],
    title: str,
    example: str,
    source: str,
    *,
    tentative: bool = False,
    firmware: bool = False,
) -> Pattern:
    return Pattern(
        id=name,
        kind=FindingKind.BOOT_FAILURE,
        role=Role.LINE,
        fatal=True,
        start=rx(start),
        hot=hot,
        title=title,
        stackless=True,
        anyone=True,
        tentative=tentative or firmware,
        firmware=firmware,
        example=example,
        source=source,
    )


BOOT_FAILURES: tuple[Pattern, ...] = (
    _failure(
        "initramfs-shell",
        r"(?:ALERT! .{0,200}(?:does not exist|Dropping to a shell)|Gave up waiting for (?:root|suspend)|"
        r"\(initramfs\)|Dropping to (?:a|emergency|debug|recovery) shell|"
        r"dracut[\w\[\]: -]{0,40}(?:Warning|FATAL|ERROR|warning): (?:Could not boot|Boot has failed|"
        r"Not all disks|\S{1,100} does not exist)|dracut(?:-\w{1,20})?(?:\[\d{1,6}\])?: Refusing to continue|"
        r"initramfs emergency recovery shell launched|An error occurred in stage 1 of the boot process|"
        r":: running early hook .{0,40}failed|ERROR: Failed to mount the real root|"
        r"ERROR: device '.{1,200}' not found\. Skipping fsck|:: mounting '.{1,200}' on real root failed|"
        r"ERROR: Root device mounted successfully, but|You are now being dropped into an emergency shell)",
        (
            b"Dropping to ",
            b"Gave up waiting for ",
            b"(initramfs)",
            b"ALERT! ",
            b"Could not boot",
            b"Boot has failed",
            b"Not all disks",
            b"dracut",
            b"Failed to mount the real root",
            b"not found. Skipping fsck",
            b"Root device mounted succ",
            b"dropped into an emergency",
            b"emergency recovery shell",
            b"in stage 1 of the boot",
        ),
        "initramfs shell instead of the system",
        "ALERT!  /dev/vda1 does not exist.  Dropping to a shell!",
        "initramfs-tools: scripts/functions panic(), scripts/local; dracut-lib.sh; mkinitcpio: init; Alpine "
        "mkinitfs: initramfs-init; NixOS: stage-1-init.sh",
    ),
    _failure(
        "emergency-shell",
        r"(?:You are in (?:emergency|rescue) mode|Entering emergency mode\.|"
        r"Generating \"/run/initramfs/rdsosreport|Give root password for maintenance|"
        r"Cannot open access to console, the root account is locked|"
        r"(?:\[ *OK *\] )?(?:Reached target|Started) .{0,40}(?:Emergency (?:Mode|Shell)|"
        r"emergency\.(?:target|service))|"
        r"Press Enter for maintenance$)",
        (
            b"You are in ",
            b"Entering emergency mode",
            b"rdsosreport",
            b"Give root password",
            b"root account is locked",
            b"Emergency Mode",
            b"Emergency Shell",
        ),
        "emergency shell instead of the system",
        'You are in emergency mode. After logging in, type "journalctl -xb" to view system logs',
        "systemd: src/sulogin-shell/sulogin-shell.c, units/emergency.service.in; dracut: emergency.service",
    ),
    _failure(
        "mount-failed",
        r"(?:\[(?:FAILED|DEPEND)\] )?(?:Failed to mount (?P<what>/\S{0,100}?)\.?$|"
        r"Dependency failed for (?:Local File Systems|/sysroot|Initrd Root))",
        (b"Failed to mount", b"Dependency failed for"),
        "file system not mounted",
        "[FAILED] Failed to mount /opt/data.",
        "systemd: src/core/job.c, unit status messages of mount units",
        tentative=True,
    ),
    _failure(
        "init-froze",
        r"(?:systemd\[1\]: )?(?:\[!{6}\] .{1,200}|Freezing execution\b|"
        r"Caught <[A-Z]{3,8}>, (?:dumped core as pid|from our own process|core dump failed|cannot fork))",
        (b"[!!!!!!]", b"Freezing execution", b"Caught <"),
        "systemd itself failed",
        "[!!!!!!] Failed to mount API filesystems.",
        "systemd: src/core/crash-handler.c, src/core/main.c",
    ),
    _failure(
        "fsck-manually",
        r"\S{1,100}: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY",
        (b"RUN fsck MANUALLY",),
        "file system needs repair by hand",
        "/dev/vda1: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.",
        "e2fsprogs: e2fsck/util.c preenhalt()",
        tentative=True,
    ),
    _failure(
        "grub-rescue",
        r"(?:Entering rescue mode\.\.\.|(?:grub rescue|grub)>|GRUB> |"
        r".{0,40}Minimal BASH-like line editing is supported)",
        (b"Entering rescue mode", b"grub rescue>", b"grub> ", b"BASH-like line editing"),
        "boot loader found no system",
        "grub rescue>",
        "GRUB: kern/rescue_reader.c, normal/main.c",
    ),
    _failure(
        "grub-error",
        r"error: (?:\S{1,80}\.c:\d{1,6}: ?)?(?:no such (?:device|partition)|unknown filesystem|"
        r"symbol [`'].{1,80}' not found|(?:file|disk) [`'].{1,200}' not found|"
        r"attempt to read or write outside|no server is specified|you need to load the kernel first|"
        r"invalid (?:arch-independent ELF magic|magic number|signature)|"
        r"(?:failure reading sector|hd\d{1,3} read error)|bad (?:shim )?signature|"
        r"(?:verification requested but nobody cares|prohibited by secure boot policy|out of memory))",
        (
            b"error: no such ",
            b"error: unknown file",
            b"error: symbol ",
            b"error: file ",
            b"error: attempt to",
            b"error: disk ",
            b"error: you need",
            b"error: invalid ",
            b"error: bad sh",
            b"grub-core/",
        ),
        "boot loader found no system",
        "error: no such device: 6f2a1d3e-demo.",
        "GRUB: grub-core/kern, disk, normal, commands: grub_error(); the source line in front since 2.12",
        firmware=True,
    ),
    _failure(
        "firmware-exception",
        r"!{4} [\w-]{1,20} Exception Type - |(?:Synchronous|SError|IRQ|FIQ) Exception at 0x[0-9A-Fa-f]|"
        r"Unhandled (?:Exception|Interrupt Exception) in EL3|PANIC (?:in EL3|at PC ?:)|"
        r"\"(?:Synchronous Abort|Error|Irq|Fiq)\" handler, esr 0x|### ERROR ### Please RESET the board ###|"
        r"sbi_trap_error: hart\d|ASSERT \[\w{1,60}\] .{1,200}\(\d{1,6}\): ",
        (
            b" Exception Type - ",
            b" Exception at 0x",
            b"Exception in EL3",
            b"PANIC in EL3",
            b"PANIC at PC",
            b"handler, esr 0x",
            b"Please RESET the board",
            b"sbi_trap_error: ",
            b"ASSERT [",
        ),
        "firmware crashed",
        "!!!! X64 Exception Type - 0E(#PF - Page-Fault)  CPU Apic ID - 00000000 !!!!",
        "EDK2: UefiCpuPkg CpuExceptionHandlerLib, ArmPkg DefaultExceptionHandlerLib, MdePkg DebugLib; TF-A: "
        "plat/common/plat_bl_common.c, bl31/aarch64/crash_reporting.S; U-Boot: arch/arm/lib/interrupts_64.c, "
        "lib/hang.c; OpenSBI: lib/sbi/sbi_trap.c",
        firmware=True,
    ),
    _failure(
        "nothing-to-boot",
        r"(?:No bootable device\b|No bootable medium found|"
        r"BdsDxe: No bootable option or device was found|"
        r".{0,200}BdsDxe: No bootable option|"
        r"(?:FATAL: )?(?:No bootable medium|INT18: BOOT FAILURE)|"
        r"(?:Missing|No|Error loading) operating system|Operating System not found|"
        r"No boot(?:able)? (?:disk|option)|No valid boot|Reboot and Select proper Boot device|"
        r"An operating system wasn't found\.|A disk read error occurred|Invalid partition table$|"
        r"Non-System disk|DISK BOOT FAILURE)",
        (
            b"No bootable ",
            b"INT18: BOOT",
            b"issing operating system",
            b"Error loading operating",
            b"operating system wasn't",
            b"A disk read error",
            b"Invalid partition table",
            b"No operating system",
            b"Operating System not f",
            b"No boot option",
            b"No boot disk",
            b"Reboot and Select",
            b"Non-System disk",
            b"DISK BOOT FAILURE",
        ),
        "firmware found nothing to boot",
        "No bootable device.",
        "SeaBIOS boot.c: do_boot(); EDK2 BdsDxe: PlatformBdsLib; iPXE: usr/autoboot.c; Windows boot sectors",
    ),
    _failure(
        "boot-attempt",
        r"(?:Boot failed: |PXE-[EM]\w\w: |Nothing to boot: |No more network devices|"
        r".{0,200}BdsDxe: failed to (?:load|start) Boot)",
        (
            b"Boot failed: ",
            b"PXE-E",
            b"PXE-M",
            b"Nothing to boot",
            b"No more network devices",
            b"BdsDxe: failed",
        ),
        "firmware found nothing to boot",
        "Boot failed: could not read the boot disk",
        "SeaBIOS boot.c: boot_fail(); iPXE: usr/autoboot.c; EDK2: UefiBootManagerLib, UefiPxeBcDxe",
        firmware=True,
    ),
    _failure(
        "uefi-shell",
        r".{0,200}UEFI (?:Interactive|v\d\S{0,20}) Shell v?\d?",
        (b"UEFI Interactive Shell",),
        "UEFI shell instead of the system",
        "UEFI Interactive Shell v2.2",
        "EDK2: ShellPkg/Application/Shell/Shell.c",
    ),
    _failure(
        "boot-image",
        r"(?:## Error: |Wrong (?:Ramdisk )?Image (?:Format|Type)|Bad Linux (?:ARM64|RISCV) Image magic!|"
        r"ERROR: can't get kernel image!|SCRIPT FAILED: continuing|"
        r"EFI stub: ERROR: (?:(?:efi_main|efi_stub_entry|exit_boot)\(\) failed|Failed to exit boot services|"
        r"Failed to (?:relocate|allocate memory for) )|"
        r"Error: (?:unrecognized/unsupported (?:machine|processor)|invalid dtb and unrecognized)|"
        r"(?:[\w-]{2,8}-compressed data is corrupt|uncompression error|Out of memory while allocating)|"
        r"-- System halted)",
        (
            b"## Error: ",
            b"Wrong Image ",
            b"Wrong Ramdisk",
            b"Bad Linux ",
            b"can't get kernel image",
            b"SCRIPT FAILED: ",
            b"EFI stub: ERROR: ",
            b"Error: unrecognized/",
            b"Error: invalid dtb",
            b"compressed data is corrupt",
            b"uncompression error",
            b"-- System halted",
        ),
        "boot loader could not start the kernel",
        "-- System halted",
        "arch/x86/boot/compressed/error.c; drivers/firmware/efi/libstub; arch/arm/kernel/head-common.S; "
        "lib/decompress_*.c; U-Boot: boot/bootm.c, boot/image.c",
        firmware=True,
    ),
)
"""In the order in which they are tried."""

BOOT = rx(
    r"(?:Linux version \d|Booting Linux on physical CPU|SeaBIOS \(version |BdsDxe: (?:loading|starting) Boot|"
    r"UEFI firmware \(version |Welcome to GRUB!|GRUB (?:version|loading)|Booting `|iPXE \(|"
    r"Decompressing Linux|Booting the kernel|EFI stub: |U-Boot (?:SPL )?\d{4}\.|coreboot-\S|"
    r"(?:Loading|Uncompressing) Linux)"
)
"""A line that only a machine that starts can print: what is open on the console ends here."""

REBOOT = Pattern(
    id="unexpected-reboot",
    kind=FindingKind.UNEXPECTED_REBOOT,
    role=Role.LINE,
    fatal=True,
    start=BOOT,
    hot=(b"Booting ",),
    title="unexpected kernel reboot",
    stackless=True,
    example="Booting the kernel.",
    source="arch/x86/boot/compressed/misc.c: extract_kernel(), and what firmware prints before it",
)
"""Where nobody can say what was asked for: a kernel that ran starts again without having said good-bye."""

FIRST_STAGE = rx(
    r"(?:c?>{4} ?SecStartup|SecCoreStartupWithStack\(|U-Boot SPL \d{4}\.|NOTICE: +BL1: v\d|OpenSBI v\d|"
    r"coreboot-\S{1,80} .{0,60}bootblock starting|SeaBIOS \(version |UEFI firmware \(version )"
)
"""The first that firmware prints. Again without `HANDED_OVER`, it reset itself."""
HANDED_OVER = rx(
    r"(?:Linux version \d|Booting |BdsDxe: (?:loading|starting) Boot|Welcome to GRUB!|GRUB |iPXE \(|"
    r"Decompressing Linux|EFI stub: |(?:Loading|Uncompressing) Linux|Starting (?:kernel|EFI)|## )"
)
FIRST_STAGE_HOT: tuple[bytes, ...] = (
    b"SecStartup",
    b"SecCoreStartup",
    b"BL1: ",
    b"OpenSBI v",
    b"Starting kernel",
    b"Starting EFI",
)
FIRMWARE_LOOP = _failure(
    "firmware-loop",
    FIRST_STAGE.pattern,
    FIRST_STAGE_HOT,
    "firmware starts again and again",
    "SecCoreStartupWithStack(0xFFFCC000, 0x820000)",
    "EDK2: OvmfPkg/Sec/SecMain.c; TF-A: bl1/bl1_main.c; OpenSBI: sbi_init.c; coreboot: lib/hardwaremain.c; "
    "U-Boot: common/spl/spl.c",
    firmware=True,
)
"""Not in the table: it takes several such lines."""

GOODBYE = rx(
    r"(?:reboot: |Restarting system|Rebooting\b|Power down|System halted|systemd-shutdown|"
    r"(?:systemd-)?shutdown\[\d+\]: |(?:\[ *OK *\] )?Reached target .{0,30}(?:Reboot|Power-Off|Shutdown|"
    r"Halt)|"
    r"kexec_core: Starting new kernel|Requesting system (?:reboot|poweroff))"
)
GOODBYE_HOT: tuple[bytes, ...] = (
    b"reboot: ",
    b"Restarting system",
    b"Power down",
    b"System halted",
    b"shutdown[1]",
    b"Rebooting",
    b"eached target ",
    b"Starting new kernel",
    b"Requesting system",
)

BOOT_HOT: tuple[bytes, ...] = (
    b"Linux version ",
    b"Booting ",
    b"SeaBIOS ",
    b"BdsDxe: ",
    b"UEFI firmware ",
    b"GRUB",
    b"iPXE ",
    b"Decompressing Linux",
    b"EFI stub: ",
    b"U-Boot ",
    b"coreboot-",
    b"ing Linux",
)
