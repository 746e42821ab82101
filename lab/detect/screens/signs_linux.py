"""Signs of Linux and its kin: panics, shells of last resort, boot menus. Data; refuses to hold logic."""

from __future__ import annotations

from lab.detect.screens.signs import Sign
from lab.model import ScreenKind

KERNEL = "Linux kernel sources: kernel/panic.c, arch/*/kernel, mm"

PANIC = (
    Sign(
        id="panic",
        kind=ScreenKind.PANIC,
        texts=("Kernel panic - not syncing", "end Kernel panic"),
        source=KERNEL,
    ),
    Sign(
        id="panic-init",
        kind=ScreenKind.PANIC,
        texts=("Attempted to kill init", "Unable to mount root fs on", "No working init found"),
        weight=0.8,
        source="Linux kernel sources: kernel/exit.c, init/do_mounts.c, init/main.c",
    ),
    Sign(
        id="bug",
        kind=ScreenKind.PANIC,
        texts=(
            "BUG: unable to handle kernel",
            "BUG: unable to handle page fault",
            "BUG: kernel NULL pointer dereference",
            "Unable to handle kernel NULL pointer dereference",
            "Unable to handle kernel paging request",
            "kernel BUG at",
            "Internal error: Oops",
            "Fatal exception in interrupt",
            "Fixing recursive fault but reboot is needed",
            "kernel stack overflow",
            "Corrupted page table at address",
            "kernel stack is corrupted in",
        ),
        source=KERNEL,
    ),
    Sign(
        id="lockup",
        kind=ScreenKind.PANIC,
        texts=("BUG: soft lockup - CPU", "Watchdog detected hard LOCKUP on cpu"),
        source="Linux kernel sources: kernel/watchdog.c",
    ),
    Sign(
        id="fault",
        kind=ScreenKind.PANIC,
        texts=(
            "general protection fault",
            "invalid opcode: 0000",
            "double fault: 0000",
            "divide error: 0000",
        ),
        weight=0.5,
        source="Linux kernel sources: arch/x86/kernel/traps.c",
    ),
    Sign(
        id="machine-check",
        kind=ScreenKind.PANIC,
        texts=(
            "Fatal local machine check",
            "Fatal machine check",
            "Machine check: Processor context corrupt",
        ),
        weight=0.6,
        source="Linux kernel sources: arch/x86/kernel/cpu/mce",
    ),
    Sign(
        id="end-trace",
        kind=ScreenKind.PANIC,
        texts=("---[ end trace 0000000000000000 ]---",),
        weight=0.3,
        source=KERNEL,
    ),
    Sign(
        id="relocation",
        kind=ScreenKind.PANIC,
        texts=("Kernel Offset: 0x from 0xffffffff81000000 (relocation range",),
        weight=0.6,
        source="Linux kernel sources: arch/x86/kernel/setup.c; printed on panic only",
    ),
    Sign(
        id="drm-panic",
        kind=ScreenKind.PANIC,
        texts=("KERNEL PANIC! Please reboot your computer",),
        source="Linux kernel sources: drivers/gpu/drm/drm_panic.c, since 6.10",
    ),
    Sign(
        id="esx",
        kind=ScreenKind.PANIC,
        texts=("Debugger waiting(world", "No place on disk to dump data", "Coredump to disk. Slot 1 of 1"),
        source="purple screen of VMware ESXi",
    ),
    Sign(
        id="bsd",
        kind=ScreenKind.PANIC,
        texts=("page fault while in kernel mode", "Fatal trap 12", "The operating system has halted"),
        weight=0.6,
        source="FreeBSD kernel sources: sys/x86/x86/trap.c",
    ),
)

SHELLS = (
    Sign(
        id="emergency",
        kind=ScreenKind.EMERGENCY_SHELL,
        texts=(
            "You are in emergency mode",
            "Welcome to emergency mode",
            "Give root password for maintenance",
            "Press Enter for maintenance",
            "Entering emergency mode. Exit the shell to continue",
            "or press Control-D to continue",
            "Cannot open access to console, the root account is locked",
            "Starting Dracut Emergency Shell",
            "Starting Emergency Shell",
            "You are in rescue mode",
            "Geben Sie das root-Passwort für Wartungsarbeiten ein",
        ),
        source="systemd: units/emergency.service, src/sulogin-shell; util-linux: sulogin; dracut",
    ),
    Sign(
        id="rdsosreport",
        kind=ScreenKind.EMERGENCY_SHELL,
        texts=(
            'You might want to save "/run/initramfs/rdsosreport.txt"',
            'Generating "/run/initramfs/rdsosreport.txt"',
        ),
        source="dracut: modules.d/99base/dracut-lib.sh",
    ),
    Sign(
        id="initramfs",
        kind=ScreenKind.EMERGENCY_SHELL,
        texts=(
            "Gave up waiting for root device",
            "Gave up waiting for root file system device",
            "does not exist. Dropping to a shell",
            "Dropping to a shell",
            "You are now being dropped into an emergency shell",
            "You are being dropped to a recovery shell",
            "An error occurred in stage 1 of the boot process",
            "initramfs emergency recovery shell launched",
            "UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY",
            "Bailing out, you are on your own",
        ),
        source="initramfs-tools: scripts/functions; mkinitcpio: init_functions; e2fsck",
    ),
    Sign(
        id="initramfs-prompt",
        kind=ScreenKind.EMERGENCY_SHELL,
        texts=("(initramfs)",),
        prompt=True,
        weight=0.6,
        source="initramfs-tools: the prompt of its shell",
    ),
    Sign(
        id="busybox",
        kind=ScreenKind.EMERGENCY_SHELL,
        texts=("Enter 'help' for a list of built-in commands",),
        weight=0.5,
        source="BusyBox: shell/ash.c",
    ),
)

BOOT = (
    Sign(
        id="grub-rescue",
        kind=ScreenKind.GRUB_RESCUE,
        texts=("Entering rescue mode", "Minimal BASH-like line editing is supported"),
        source="GRUB: grub-core/kern/rescue_reader.c, normal/main.c",
    ),
    Sign(
        id="grub-prompt",
        kind=ScreenKind.GRUB_RESCUE,
        texts=("grub rescue>", "grub>"),
        prompt=True,
        source="GRUB: grub-core/kern/rescue_reader.c, normal/main.c",
    ),
    Sign(
        id="grub-error",
        kind=ScreenKind.GRUB_RESCUE,
        texts=(
            "you need to load the kernel first",
            "error: unknown filesystem",
            "error: no such partition",
            "error: no such device",
            "error: disk not found",
            "error: invalid arch-independent ELF magic",
            "error: attempt to read or write outside of disk",
            "error: symbol 'grub_calloc' not found",
            "GRUB Hard Disk Error",
            "error: bad shim signature",
        ),
        weight=0.9,
        source="GRUB: grub-core",
    ),
    Sign(
        id="grub-press",
        kind=ScreenKind.GRUB_RESCUE,
        texts=("Press any key to continue",),
        weight=0.2,
        source="GRUB: grub-core/normal",
    ),
    Sign(
        id="grub-menu",
        kind=ScreenKind.BOOT_MENU,
        texts=(
            "keys to select which entry is highlighted",
            "Press enter to boot the selected OS",
            "keys to change the selection",
            "selected entry will be started automatically in",
            "highlighted entry will be executed automatically in",
            "Minimum Emacs-like screen editing is supported",
            "Press Tab for full configuration options on menu items",
            "Press the <TAB> key to edit",
            "Reboot Into Firmware Interface",
            "Automatic boot in",
            "um den gewählten Eintrag zu",
        ),
        source="GRUB: grub-core/normal/menu_text.c; SYSLINUX: com32/menu; systemd-boot",
    ),
    Sign(
        id="grub-title",
        kind=ScreenKind.BOOT_MENU,
        texts=("GNU GRUB version",),
        weight=0.6,
        source="GRUB: grub-core/normal/main.c",
    ),
    Sign(
        id="text-installer",
        kind=ScreenKind.INSTALLER,
        texts=(
            "anaconda for",
            "Text mode provides a limited set of installation options",
            "Choose language Select a language",
            "Ubuntu Server Installer",
            "YaST2",
            "Select your location",
            "Please make a selection from the above",
            "Please choose the language used for the installation process",
        ),
        source="anaconda, debian-installer, subiquity, YaST",
    ),
    Sign(
        id="passphrase",
        kind=ScreenKind.SPLASH,
        texts=("Please enter passphrase for disk", "Please unlock disk", "Enter passphrase for"),
        source="systemd-ask-password, cryptsetup-initramfs",
    ),
)

LINUX = (*PANIC, *SHELLS, *BOOT)
