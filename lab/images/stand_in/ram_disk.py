"""The RAM disk that is the STAND-IN's whole Linux: programs, modules, Python, the stand-in's own files.

Built from an unpacked root without running any of it. Its disk holds nothing but NTFS, as Windows' would.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import lab
from lab.errors import BuildError
from lab.images import initrd
from lab.images.stand_in import known

HERE = Path(__file__).parent
PACKAGE = "lab/images/stand_in/guest"
MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "fuse")
OPTIONAL_MODULES = ("virtio_net", "virtio_rng")
USER = "lab"

INIT = """\
#!/usr/bin/busybox sh
# Process 1 of the STAND-IN. What Windows would call C: and Q: is mounted, then Python plays the rest.
export PATH=/usr/bin:/usr/sbin PYTHONHOME=/usr PYTHONPATH=/py
b=/usr/bin/busybox
$b mount -t devtmpfs none /dev
$b mount -t proc none /proc
$b mount -t sysfs none /sys
$b mkdir -p /dev/pts /dev/virtio-ports /c /q
# The lab has Linux guests stop at such an interrupt; here the stand-in's own program does.
echo 0 > /proc/sys/kernel/unknown_nmi_panic
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs -o mode=755 none /run
{insmod}
for port in /sys/class/virtio-ports/*; do
  read -r name < "$port/name" 2> /dev/null && $b ln -sf "../${{port##*/}}" "/dev/virtio-ports/$name"
done
# Debian 12 has no NTFS in its kernel; ntfs-3g also mounts what was not shut down.
n=0
until ntfs-3g -o noatime,big_writes /dev/vda1 /c 2> /dev/null; do
  n=$((n + 1))
  [ $n -gt 200 ] && echo "stand-in: no NTFS on the system disk" > /dev/ttyS0 && exit 1
  $b usleep 50000
done
[ -e /dev/vdb1 ] && ntfs-3g -o noatime,big_writes /dev/vdb1 /q
$b ln -sf /c /C: && $b ln -sf /q /Q:
$b ip link set lo up
if [ -e /sys/class/net/eth0 ]; then
  $b ip link set eth0 up
  ($b udhcpc -i eth0 -b -q -S -t 5 -T 2 -s /dhcp-lease > /dev/null 2>&1
  until [ -e /run/standin/up ]; do $b usleep 100000; done
  dropbear -F -s -j -k -r /etc/dropbear/key > /dev/null 2>&1) &
fi
python3.11 -S -m lab.images.stand_in.guest.main boot > /dev/ttyS0 2>&1
echo "stand-in: its program has ended" > /dev/ttyS0
"""
SHELL = """\
#!/usr/bin/busybox sh
# The login shell: the SSH server's file service as it is, any other line to the stand-in.
export PATH=/usr/bin:/usr/sbin PYTHONHOME=/usr PYTHONPATH=/py
case $2 in
*sftp-server) exec /usr/lib/sftp-server ;;
*) exec python3.11 -S -m lab.images.stand_in.guest.main shell "$2" ;;
esac
"""
LEASE = """\
#!/usr/bin/busybox sh
case $1 in
bound | renew)
  busybox ip addr replace "$ip/${mask:-24}" dev "$interface"
  for address in $router; do busybox ip route replace default via "$address" dev "$interface"; done
  ;;
esac
"""


def build(out: Path, kernel_release: str, authorized_key: str) -> bytes:
    """The archive, uncompressed.

    :param out: what `collect.sh` and `stand_in.sh` left.
    :raise BuildError: a program or a module is missing.
    """
    tree = initrd.ModuleTree.read(out / "root/usr/lib/modules" / kernel_release)
    order = tree.in_order(MODULES, OPTIONAL_MODULES)
    archive = initrd.Cpio()
    _programs(archive, out / "tree")
    for name in ("m", "py", "standin", "standin/frames", "home", "root/.ssh"):
        archive.directory(name)
    for path in order:
        archive.file(f"m/{initrd.module_name(path)}.ko", tree.content(path), 0o644)
    archive.device("dev/console", 5, 1)
    insmod = "\n".join(f"$b insmod /m/{initrd.module_name(path)}.ko" for path in order)
    archive.file("init", INIT.format(insmod=insmod).encode(), 0o755)
    archive.file("dhcp-lease", LEASE.encode(), 0o755)
    archive.file("usr/bin/stand-in-shell", SHELL.encode(), 0o755)
    archive.file("etc/passwd", f"{USER}:x:0:0:{USER}:/root:/usr/bin/stand-in-shell\n".encode(), 0o644)
    archive.file("etc/shadow", f"{USER}:*:19000:0:99999:7:::\n".encode(), 0o600)
    archive.file("etc/shells", b"/usr/bin/stand-in-shell\n", 0o644)
    archive.file("root/.ssh/authorized_keys", f"{authorized_key}\n".encode(), 0o600)
    _own(archive)
    return archive.finish()


def sources() -> bytes:
    """Everything of the lab's own that goes into it."""
    files = sorted((*(HERE / "guest").glob("*.py"), *(HERE / "frames").glob("*.z")))
    told = json.dumps(known.known()) + INIT + SHELL + LEASE
    return b"".join(path.read_bytes() for path in files) + told.encode()


def _programs(archive: initrd.Cpio, tree: Path) -> None:
    if not (tree / "usr/bin/python3.11").is_file():
        raise BuildError(f"{tree}: no python3.11 (wanted a suite that has it, such as bookworm)")
    for directory, folders, files in os.walk(tree):
        for name in sorted((*folders, *files)):
            path = Path(directory) / name
            inner = str(path.relative_to(tree))
            if path.is_symlink():
                archive.link(inner, str(path.readlink()))
            elif path.is_dir():
                archive.directory(inner)
            else:
                archive.file(inner, path.read_bytes(), path.stat().st_mode & 0o777)
        folders.sort()


def _own(archive: initrd.Cpio) -> None:
    """The stand-in's program, what it knows of the lab's scripts, and its pictures."""
    parts = PACKAGE.split("/")
    for depth in range(1, len(parts) + 1):
        archive.directory("py/" + "/".join(parts[:depth]))
        archive.file("py/" + "/".join([*parts[:depth], "__init__.py"]), b"", 0o644)
    for path in sorted((HERE / "guest").glob("*.py")):
        if path.name != "__init__.py":
            archive.file(f"py/{PACKAGE}/{path.name}", path.read_bytes(), 0o644)
    archive.file("standin/known.json", json.dumps(known.known()).encode(), 0o644)
    archive.file("standin/lab", lab.__version__.encode(), 0o644)
    for path in sorted((HERE / "frames").glob("*.z")):
        archive.file(f"standin/frames/{path.name}", path.read_bytes(), 0o644)
