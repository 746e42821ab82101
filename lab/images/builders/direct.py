"""What the images that QEMU starts without a boot loader have in common: unpacked packages, kernel, RAM disk,
command line. What is in them, their builders say."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.images import bootstrap, initrd, kernel, mirror
from lab.images.builders import Job

CONSOLE = "console=ttyS0 loglevel=8 printk.devkmsg=on"
"""The whole kernel log goes to the serial port; nothing is throttled there."""
PANIC = "panic=5 oops=panic"
"""An oops is a panic: every guest then stops in a defined state, says so through pvpanic, and restarts."""
EMULATION = "mitigations=off no5lvl no_timer_check random.trust_cpu=on"
"""Work that means nothing on an emulated CPU and takes a tenth of the boot there. Not `tsc=reliable`: on a
busy host the calibration can be off by a factor of four (563 MHz for 2594 seen), which only the
kernel's clock-source watchdog then finds out."""
ALWAYS = f"{CONSOLE} {PANIC} {EMULATION} systemd.show_status=1 systemd.log_level=notice TERM=dumb"
CMDLINE = f"root=/dev/vda rw {ALWAYS}"


@dataclass(frozen=True, slots=True)
class Boot:
    """The kernel that was placed."""

    release: str
    build: str


def unpack(
    job: Job,
    suites: tuple[str, ...],
    packages: tuple[str, ...],
    content: bytes,
    modules: Iterable[str],
    *hooks: str,
) -> Path:
    """Packages that are unpacked and not configured, with `content` (a tar archive) laid over them.

    :param modules: what collect.sh keeps of the kernel's.
    :param hooks: what is done with all of it, after collect.sh.
    :return: the directory with what the hooks left.
    """
    (job.scratch / "overlay.tar").write_bytes(content)
    spec = bootstrap.Bootstrap(
        suites=suites,
        variant="extract",
        packages=packages,
        setup=(bootstrap.script("merged_usr"),),
        hooks=(
            f"tar-in {job.scratch}/overlay.tar /",
            bootstrap.script("collect", MODULES=" ".join(modules)),
            *hooks,
        ),
    )
    return bootstrap.run(spec, job.scratch, job.progress)


def identify(out: Path) -> Boot:
    """The kernel that collect.sh found."""
    release = (out / "release").read_text(encoding="utf-8").strip()
    return Boot(release, kernel.build_line((out / "bzImage").read_bytes()))


def place(out: Path, draft: Path) -> Boot:
    """Put `vmlinuz` and `initrd` in `draft` from what collect.sh left in `out`."""
    boot = identify(out)
    place_kernel(out, draft)
    (draft / "initrd").write_bytes(initrd.build(out / "root", boot.release))
    return boot


def place_kernel(out: Path, draft: Path) -> None:
    """Put `vmlinuz` in `draft`, unpacked where the lab knows how."""
    image = (out / "bzImage").read_bytes()
    (draft / "vmlinuz").write_bytes(kernel.uncompressed(image) or image)


def place_disk(out: Path, job: Job) -> None:
    """Put the disk that pack.sh made in the draft: it is beside `out`, or in it when made in a namespace."""
    beside = job.scratch / "disk.qcow2"
    shutil.move(beside if beside.exists() else out / "disk.qcow2", job.draft / "disk.qcow2")


def packages(out: Path) -> dict[str, str]:
    """Package -> version, from collect.sh."""
    lines = (out / "packages").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


def reachable(suites: Sequence[str]) -> tuple[str, ...]:
    """The suites that this machine has an archive for; the release itself is always among them."""
    absent = mirror.read().missing(suites)
    return tuple(suite for suite in suites if suite not in absent)


def notes(suites: Sequence[str]) -> tuple[str, ...]:
    """What to say of suites that were left out."""
    absent = mirror.read().missing(suites)
    return tuple(f"without {suite}: this machine's apt has no security archive" for suite in absent)
