"""Guests that the lab never gets into: a boot failure is the guest's, a refused key the lab's."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporary_lab import RUN_S, Answer, TemporaryLab, temporary_lab

from lab.images.built import BuiltImage

pytestmark = [pytest.mark.e2e, pytest.mark.vm, pytest.mark.timeout(900)]

HERE = Path(__file__).parent
SOMEONE_ELSE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8kZ0ZyLZ0ODWkJd0MFKXyq1YCXc2zFqvN8s0VTz6gQ someone-else"


def users_disk(image: BuiltImage, **changes: Any) -> dict[str, Any]:
    """A recipe for the tiny image's files as if a user had brought them."""
    return {
        "kind": "disk",
        "summary": "the tiny image as a disk of the user",
        "release": "Mine",
        "path": str(image.disk),
        "sha256": hashlib.sha256(image.disk.read_bytes()).hexdigest(),
        "kernel_image": str(image.kernel),
        "initrd": str(image.initrd),
        "cmdline": image.cmdline,
        "kernel_release": image.kernel_release,
        "channels": ["ssh"],
        "host_key": image.host_key,
        "min_memory": "128MiB",
        **changes,
    }


def prepare(lab: TemporaryLab, images: list[str], **changes: Any) -> None:
    shutil.copytree(HERE / "plain_agent", lab.root / "agents/plain-agent")
    lab.add_scenarios(HERE / "misfortunes.py")
    matrix = {
        "images": images,
        "profiles": ["small"],
        "scenarios": ["stay-up"],
        "exclude": [{"select": "*_baseline", "reason": "needs no comparison"}],
    }
    lab.write(agent="plain-agent", matrix=matrix, **changes)


@pytest.fixture(scope="module")
def unbooted(tiny_image: BuiltImage) -> Iterator[tuple[TemporaryLab, Answer]]:
    """A disk with nothing on it, and a kernel whose RAM disk is told to start what is not there."""
    with temporary_lab() as lab:
        path = lab.root / "empty.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "64M"], check=True)
        empty = {"kind": "disk", "summary": "nothing to boot from", "release": "Empty", "path": str(path)}
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lab.add_image("empty", {**empty, "sha256": digest, "min_memory": "128MiB"})
        lost = f"{tiny_image.cmdline} rdinit=/nowhere"
        lab.add_image("rootless", users_disk(tiny_image, cmdline=lost, channels=["agent"]))
        prepare(lab, ["empty", "rootless"], timeouts={"boot": "10s"})
        yield lab, lab("run", timeout_s=RUN_S)


def test_a_guest_that_never_boots_is_a_boot_failure_and_no_pass(
    unbooted: tuple[TemporaryLab, Answer],
) -> None:
    lab, answer = unbooted
    assert answer.code == 1, answer
    (cell,) = [cell for cell in lab.report()["cells"] if cell["image"] == "empty"]
    assert cell["outcome"] == "failed"
    assert cell["title"] == "boot failure: no boot device"  # the screen says why nothing answered
    assert "No bootable device" in cell["reasons"][0]
    assert len(cell["attempts"]) == 1
    assert lab.left_behind() == []


def test_a_guest_that_panics_on_its_way_up_is_a_crash(unbooted: tuple[TemporaryLab, Answer]) -> None:
    lab, _ = unbooted
    (cell,) = [cell for cell in lab.report()["cells"] if cell["image"] == "rootless"]
    assert cell["outcome"] == "failed", cell
    assert "VFS: Unable to mount root fs" in cell["title"]
    assert len(cell["attempts"]) == 1


@pytest.fixture(scope="module")
def strangers(tiny_image: BuiltImage) -> Iterator[tuple[TemporaryLab, Answer]]:
    """A guest with another host key than the pinned one, and one that does not know the lab's key."""
    with temporary_lab() as lab:
        lab.add_image("impostor", users_disk(tiny_image, host_key=SOMEONE_ELSE))
        lab.add_image("closed", users_disk(tiny_image))
        (lab.places.state / "keys").unlink()
        prepare(lab, ["impostor", "closed"], timeouts={"boot": "40s"})
        yield lab, lab("run", timeout_s=RUN_S)


def test_guests_that_cannot_be_entered_are_the_labs_fault_and_never_a_pass(
    strangers: tuple[TemporaryLab, Answer],
) -> None:
    lab, answer = strangers
    assert answer.code == 4, answer
    assert {(cell["outcome"], cell["blame"]) for cell in lab.report()["cells"]} == {("inconclusive", "lab")}
    assert lab.left_behind() == []


@pytest.mark.parametrize(
    ("image", "said"),
    [("impostor", "host key is ssh-ed25519 SHA256:"), ("closed", "SSH refused the key: ")],
)
def test_the_report_says_why_the_guest_could_not_be_entered(
    strangers: tuple[TemporaryLab, Answer], image: str, said: str
) -> None:
    lab, _ = strangers
    (cell,) = [cell for cell in lab.report()["cells"] if cell["image"] == image]
    assert said in " ".join(cell["reasons"])
    assert len(cell["attempts"]) == 2, "a lab fault earns a second attempt"
