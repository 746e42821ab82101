"""A qcow2 and an image store without any builder, for tests of what the store promises."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from lab.images.builders import Job, Made
from lab.images.recipe import TinyRecipe
from lab.places import Places

CLUSTER = 512


def qcow2(data_clusters: int = 3) -> bytes:
    """A small, whole qcow2: header, L1 table, one L2 table, data clusters (docs/interop/qcow2.txt)."""
    l1, l2, data = CLUSTER, 2 * CLUSTER, 3 * CLUSTER
    header = struct.pack(">4sIQIIQIIQ", b"QFI\xfb", 3, 0, 0, 9, 1 << 20, 0, 1, l1)
    table = b"".join(struct.pack(">Q", data + at * CLUSTER | 1 << 63) for at in range(data_clusters))
    parts = (header, struct.pack(">Q", l2 | 1 << 63), table)
    return b"".join(part.ljust(CLUSTER, b"\0") for part in parts) + b"d" * CLUSTER * data_clusters


def places(tmp_path: Path) -> Places:
    """Places with the lab's key already there, so that no test starts ssh-keygen."""
    own = Places(cache=tmp_path / "cache", state=tmp_path / "state", runtime=tmp_path / "run")
    keys = own.state / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "lab_ed25519").write_text("private")
    (keys / "lab_ed25519.pub").write_text("ssh-ed25519 AAAA lab\n")
    return own


def recipe(**changes: object) -> TinyRecipe:
    fields = {
        "name": "tiny", "source": Path("images/tiny.yaml"), "summary": "s", "release": "tiny",
        "kernel": "6.1", "min_memory_mib": 128, "suite": "bookworm", "suites": ("bookworm",), "disk_mib": 64,
    } | changes  # fmt: skip
    return TinyRecipe(**fields)  # type: ignore[arg-type]


@dataclass
class FakeBuilder:
    """Writes a small qcow2 and a kernel; counts its builds and can fail half way."""

    version: int = 1
    needs: tuple[object, ...] = ()
    room_mib: int = 1
    fails: Exception | None = None
    builds: int = 0
    jobs: list[Job] = field(default_factory=list)

    def build(self, recipe: TinyRecipe, job: Job) -> Made:
        self.builds += 1
        self.jobs.append(job)
        job.progress.stage("writing")
        (job.draft / "disk.qcow2").write_bytes(qcow2(2 + self.builds))
        if self.fails is not None:
            raise self.fails
        (job.draft / "vmlinuz").write_bytes(b"kernel")
        return Made(
            release=recipe.release,
            kernel_release="6.1.0-40-amd64",
            kernel_build="#1 SMP",
            cmdline="console=ttyS0",
            host_key="ssh-ed25519 BBBB tiny",
            packages={"busybox-static": "1:1.35"},
        )
