"""Screens of Linux, GRUB and UEFI in trouble. The messages are the kernel's and the programs' own formats."""

from __future__ import annotations

from PIL import Image

from lab.selftest.painting.canvas import BLACK, GREY, WHITE, Grid, blank, paragraph, qr_code
from lab.selftest.painting.fonts import font
from lab.selftest.painting.panic_link import new_link, old_link
from lab.selftest.painting.request import Request

TRACE = (
    "CPU: 0 PID: 214 Comm: insmod Tainted: G           O       6.1.0-18-amd64 #1",
    "Hardware name: QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16.2 04/01/2014",
    "Call Trace:",
    " <TASK>",
    " dump_stack_lvl+0x44/0x5c",
    " panic+0x118/0x2ed",
    " sensor_parse+0x8a/0x210 [sensor]",
    " sensor_load+0x41/0x90 [sensor]",
    " do_one_initcall+0x59/0x220",
    " do_init_module+0x4a/0x1f0",
    " __do_sys_finit_module+0xac/0x120",
    " do_syscall_64+0x58/0xc0",
    " entry_SYSCALL_64_after_hwframe+0x64/0xce",
    "RIP: 0033:0x7f0d6c3195a9",
    "RSP: 002b:00007ffd6a1f4c88 EFLAGS: 00000246 ORIG_RAX: 0000000000000139",
    "RAX: ffffffffffffffda RBX: 000055d1c8e2a7d0 RCX: 00007f0d6c3195a9",
    "RDX: 0000000000000000 RSI: 000055d1c6a3ccd2 RDI: 0000000000000003",
    " </TASK>",
    "Kernel Offset: 0x1a000000 from 0xffffffff81000000",
)
TUX = (r"  .--.  ", r" |o_o | ", r" |:_/ | ", r" //  \ \ ", r"(|    | )", r" \___/  ")
REASON = "Fatal exception in interrupt"


def log_lines(reason: str = REASON) -> list[str]:
    """A kernel log that ends in a panic, with timestamps as printk writes them."""
    lines = [
        f"Kernel panic - not syncing: {reason}",
        *TRACE,
        f"---[ end Kernel panic - not syncing: {reason} ]---",
    ]
    return [f"[{12.481733 + number * 0.000731:12.6f}] {line}" for number, line in enumerate(lines)]


def console(request: Request, lines: list[str], *, bottom: bool = False) -> Image.Image:
    """Lines on the text console: cells of 9x16 at 720x400, 8x16 on a framebuffer, larger on large screens."""
    image, draw = blank(request.size, BLACK)
    factor = max(1, request.height // 1080 + (request.height >= 1600))
    cell = (9, 16) if request.size == (720, 400) else (8 * factor, 16 * factor)
    cells = Grid.filling(request.size, cell)
    shown = cells.folded(lines)
    if bottom and len(shown) > cells.rows:
        shown = shown[-cells.rows :]
    cells.write(draw, shown, GREY)
    return image


def boot_lines(count: int) -> list[str]:
    """A healthy kernel's log, `count` lines of it."""
    lines = [
        "Linux version 6.1.0-18-amd64 (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC",
        "Command line: root=/dev/vda ro console=tty0",
        "x86/fpu: x87 FPU will use FXSAVE",
        "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable",
        "NX (Execute Disable) protection: active",
        "tsc: Detected 2599.998 MHz processor",
        "ACPI: Early table checksum verification disabled",
        "Memory: 470212K/523768K available (14343K kernel code, 2332K rwdata)",
        "rcu: Hierarchical RCU implementation.",
        "Console: colour VGA+ 80x25",
        "printk: console [tty0] enabled",
        "Mount-cache hash table entries: 1024 (order: 1, 8192 bytes, linear)",
        "smpboot: CPU0: Intel Core i7 9xx (family: 0x6, model: 0x1a, stepping: 0x3)",
        "NET: Registered PF_NETLINK/PF_ROUTE protocol family",
        "PCI: Using configuration type 1 for base access",
        "SCSI subsystem initialized",
        "clocksource: Switched to clocksource tsc-early",
        "tcp_listen_portaddr_hash hash table entries: 256",
        "Trying to unpack rootfs image as initramfs...",
        "Freeing initrd memory: 5064K",
        "virtio_blk virtio1: [vda] 393216 512-byte logical blocks (201 MB/192 MiB)",
        "EXT4-fs (vda): mounted filesystem with ordered data mode. Quota mode: none.",
        "systemd[1]: Detected virtualization qemu.",
        "systemd[1]: Reached target Local File Systems.",
        "systemd[1]: Started Journal Service.",
    ]
    return [f"[{number * 0.0413:12.6f}] {lines[number % len(lines)]}" for number in range(count)]


def paint_panic(request: Request) -> Image.Image:
    """The end of a panic, as the console holds it."""
    return console(request, [*boot_lines(12), *log_lines()], bottom=True)


def paint_root_missing(request: Request) -> Image.Image:
    """No root file system: the commonest panic of an image that was not made well."""
    reason = "VFS: Unable to mount root fs on unknown-block(0,0)"
    return console(request, [*boot_lines(20), *log_lines(reason)], bottom=True)


def panic_log() -> str:
    """What the QR code of `paint_panic_qr` holds."""
    return "\n".join(log_lines()) + "\n"


def paint_panic_qr(request: Request) -> Image.Image:
    """drm_panic with a QR code, Linux 6.12."""
    return _panic_screen(request, old_link(panic_log()))


def paint_panic_qr_new(request: Request) -> Image.Image:
    """The same with the encoding of Linux 6.15."""
    return _panic_screen(request, new_link(panic_log()))


def _panic_screen(request: Request, payload: str) -> Image.Image:
    """Tux in letters, three lines, and the QR code in the middle of what is left; white on black."""
    image, draw = blank(request.size, BLACK)
    wide, high = request.size
    face = font("mono", max(12, round(high / 45)))
    for row, line in enumerate(TUX):
        draw.text((wide * 0.03, high * 0.03 + row * face.size * 1.15), line, font=face, fill=WHITE)
    text = "KERNEL PANIC!\n\nPlease reboot your computer.\n\n" + REASON
    y = paragraph(draw, (wide * 0.04, high * 0.05), text, face, WHITE, width=wide * 0.92, centred=True)
    if request.qr:
        side = qr_code(payload, 1, BLACK, WHITE, border=4).height
        module = max(1, round(high * 0.97 - y) // side)
        code = qr_code(payload, module, BLACK, WHITE, border=4)
        image.paste(code, ((wide - code.width) // 2, round((y + high - code.height) / 2)))
    return image


def paint_initramfs(request: Request) -> Image.Image:
    """Debian's initramfs gave up waiting for the root device."""
    lines = [
        "Begin: Running /scripts/local-block ... done.",
        "done.",
        "Gave up waiting for root file system device.  Common problems:",
        " - Boot args (cat /proc/cmdline)",
        "   - Check rootdelay= (did the system wait long enough?)",
        " - Missing modules (cat /proc/modules; ls /dev)",
        "ALERT!  /dev/vdz1 does not exist.  Dropping to a shell!",
        "",
        "BusyBox v1.35.0 (Debian 1:1.35.0-4+b3) built-in shell (ash)",
        "Enter 'help' for a list of built-in commands.",
        "",
        "(initramfs) _",
    ]
    return console(request, lines)


def paint_emergency(request: Request) -> Image.Image:
    """systemd's emergency mode."""
    lines = [
        *boot_lines(14),
        "You are in emergency mode. After logging in, type \"journalctl -xb\" to view",
        "system logs, \"systemctl reboot\" to reboot, \"exit\"",
        "to continue bootup.",
        "Give root password for maintenance",
        "(or press Control-D to continue): _",
    ]  # fmt: skip
    return console(request, lines, bottom=True)


def paint_grub_rescue(request: Request) -> Image.Image:
    """GRUB without its files."""
    lines = [
        "GRUB loading.",
        "Welcome to GRUB!",
        "",
        "error: file `/boot/grub/i386-pc/normal.mod' not found.",
        "Entering rescue mode...",
        "grub rescue> _",
    ]
    return console(request, lines)


def paint_uefi_shell(request: Request) -> Image.Image:
    """The UEFI shell: nothing bootable was found, and somebody is asked."""
    lines = [
        "UEFI Interactive Shell v2.2",
        "EDK II",
        "UEFI v2.70 (EDK II, 0x00010000)",
        "Mapping table",
        "      FS0: Alias(s):HD0b:;BLK1:",
        "          PciRoot(0x0)/Pci(0x2,0x0)/HD(1,GPT,4B1D07C2-23A4-47F3-A9D0-7C5B11E0F6D3,0x800,0x32000)",
        "     BLK0: Alias(s):",
        "          PciRoot(0x0)/Pci(0x2,0x0)",
        "Press ESC in 1 seconds to skip startup.nsh or any other key to continue.",
        "Shell> _",
    ]
    return console(request, lines)
