"""libvirt's QEMU driver inside our own process: no daemon, no root, no system configuration.

Each process opens one root directory of its own, for its whole life. Facts (libvirt 9.0): the driver reads
`etc/qemu.conf` below the root; as root it wants the user `libvirt-qemu` to exist even when
that file names another; it probes QEMU once per root (3.5 s) unless `cache/qemu` is shared.
"""

from __future__ import annotations

import atexit
import os
import shutil
import threading
import time
from pathlib import Path

from lab.clock import Deadline
from lab.places import Places

SCHEME = "embed"
"""How lab.yaml names it; any other text is a libvirt URI."""
CONFIGURATION = "etc/qemu.conf"
SETTLE_S = 1.0


def is_embedded(uri: str) -> bool:
    return uri == SCHEME


_lock = threading.Lock()
_opened: Path | None = None
_held = False


def process_root(places: Places) -> Path:
    """The one root of this process: libvirt refuses a second one ("already open with path").

    Below the first `places` for which the driver was opened, or below these while it was for none.
    """
    return _opened or places.runtime / "r" / f"{os.getpid():x}"


def open_uri(places: Places) -> str:
    """What libvirt is to open, with a configuration there: without one it looks for the system's daemons.

    The root is removed when the process ends, unless a guest was kept (`hold_root`); after `kill -9`
    `leftovers.collect` removes it, since its name holds the pid.
    """
    global _opened  # noqa: PLW0603 - process-wide by libvirt's own rule
    with _lock:
        if _opened is None:
            root = process_root(places)
            shutil.rmtree(root, ignore_errors=True)
            _prepare(root, places)
            atexit.register(_remove, root)
            _opened = root
        return f"qemu:///embed?root={_opened}"


def settle() -> None:
    """Wait until libvirt has taken note of the end of every guest, a second at most.

    It looks for that every 0.2 s and writes it down below the root, which it makes again where that is gone:
    for a process that lives on for a moment after it has ended a guest without libvirt, and removed its root.
    """
    if _opened is not None:
        status, deadline = _opened / "run/qemu", Deadline.after(SETTLE_S)
        while any(status.glob("*.xml")) and not deadline.passed:
            time.sleep(0.02)


def hold_root() -> None:
    """Leave the root where it is when this process ends: somebody else removes it. A cell's owner does so at
    once, `lab gc` when a guest that was kept, and whose monitor is below it, has gone."""
    global _held  # noqa: PLW0603 - as `_opened`
    _held = True


def _remove(root: Path) -> None:
    if not _held:
        settle()
        shutil.rmtree(root, ignore_errors=True)


def root_owner(root: Path) -> int:
    """The pid that a root is named after, or 0."""
    try:
        return int(root.name, 16)
    except ValueError:
        return 0


def _prepare(root: Path, places: Places) -> None:
    """Configuration, shared capability cache."""
    (root / "etc").mkdir(parents=True, mode=0o700)
    (root / CONFIGURATION).write_text(_configuration())
    shared = places.state / "libvirt-cache"
    shared.mkdir(parents=True, exist_ok=True)
    (root / "cache").mkdir()
    (root / "cache/qemu").symlink_to(shared)


def _configuration() -> str:
    """QEMU runs as us and writes its console logs itself (no virtlogd here).

    No mount namespace around QEMU: libvirt would need a root file system that is a mount point, which
    a chroot or a container often is not ("failed disable mount propagation"). No owners remembered in
    extended attributes: we change none, and libvirt 9.0 warns on our stderr at each screenshot otherwise.
    CPU features are compared by the words of CPUID: the other way asks QEMU for each of 400 properties, one
    by one, at every start (0.2 s of the 0.3 s that libvirt 9.0 takes).
    """
    lines = [
        'stdio_handler = "file"',
        'security_driver = "none"',
        "dynamic_ownership = 0",
        "remember_owner = 0",
        "namespaces = [ ]",
        'capability_filters = [ "cpu-unavailable-features" ]',
    ]
    if os.geteuid() == 0:
        own = f'"+{os.getuid()}"', f'"+{os.getgid()}"'
        lines += [f"user = {own[0]}", f"group = {own[1]}"]
        # a privileged driver runs swtpm as `tss`, which may not enter the root of ours
        lines += [f"swtpm_user = {own[0]}", f"swtpm_group = {own[1]}"]
    return "\n".join(lines) + "\n"


def pid_file(root: Path, name: str) -> Path:
    """Where the driver keeps the pid of a domain's QEMU."""
    return root / "run/qemu" / f"{name}.pid"


def tpm_state(root: Path, uuid: str) -> Path:
    """Where the driver's swtpm keeps a domain's TPM; libvirt sets up a new one only where this is missing."""
    return root / "lib/swtpm" / uuid / "tpm2" / "tpm2-00.permall"


def qemu_log(root: Path, name: str) -> Path:
    """What a domain's QEMU printed: the first place to look when it does not start."""
    return root / "log/qemu" / f"{name}.log"
