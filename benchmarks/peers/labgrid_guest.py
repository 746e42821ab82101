"""labgrid's QEMUDriver: boot, `true` over the serial console, off. Runs in labgrid's own environment.

    VENV/bin/python labgrid_guest.py ORDER.json

Imports nothing of the lab. What labgrid waits for by itself (silence on the console, a prompt) is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml
from labgrid import Environment  # type: ignore[import-not-found]


def main() -> int:
    """Boot one guest on an overlay of the order's disk."""
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    room = Path(order["room"])
    disk, config = room / "labgrid.qcow2", room / "labgrid.yaml"
    disk.unlink(missing_ok=True)
    backing = ["-b", order["disk"], "-F", "qcow2"]
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, disk], check=True)
    config.write_text(yaml.safe_dump(environment(order, disk)), encoding="utf-8")
    target = Environment(str(config)).get_target("main")
    qemu, shell = target.get_driver("QEMUDriver"), target.get_driver("ShellDriver", activate=False)
    qemu.on()
    try:
        target.activate(shell)
        shell.run_check("true")
    finally:
        qemu.off()
        disk.unlink()
    return 0


def environment(order: dict[str, str], disk: Path) -> dict[str, object]:
    """labgrid's configuration for the order."""
    qemu = {
        "qemu_bin": "qemu",
        "machine": "q35",
        "cpu": order["cpu"],
        "memory": f"{order['memory_mib']}M",
        "extra_args": f"-accel {order['accelerator']} -initrd {order['initrd']}",
        "kernel": "kernel",
        "disk": "disk",
        "disk_opts": "cache=unsafe",
        "boot_args": order["cmdline"],
        "nic": "user,model=virtio",
    }
    shell = {
        "prompt": r"root@[\w-]+:[^ ]+# ",
        "login_prompt": " login: ",
        "username": "root",
        "login_timeout": int(float(order["deadline_s"])),
    }
    return {
        "targets": {"main": {"resources": {}, "drivers": {"QEMUDriver": qemu, "ShellDriver": shell}}},
        "tools": {"qemu": "/usr/bin/qemu-system-x86_64"},
        "images": {"kernel": order["kernel"], "disk": str(disk)},
    }


if __name__ == "__main__":
    sys.exit(main())
