"""The media of one installation, in a directory: answer medium, empty system disk, dump disk; all verified.

    answers.iso      what is in it: `answers/`
    disk.qcow2       the system disk, empty
    dump.raw         the dump disk

`lab image media NAME` ends here; `lab image build NAME` goes on to start the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lab import proc
from lab.errors import BuildError
from lab.images.keys import KeyPair
from lab.images.recipe import WindowsRecipe
from lab.images.windows import answer_disc, answers, disc, dump_disk, languages, media
from lab.images.windows.answers import Answers
from lab.images.windows.editions import is_evaluation, product_key
from lab.images.windows.identity import Identity, computer_name
from lab.images.windows.inputs import Inputs

LEAST = {"memory_mib": 4096, "disk_mib": 64 * 1024, "vcpus": 2}
"""What Setup of Windows 11 asks for (learn.microsoft.com/windows/whats-new/windows-11-requirements)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Files that the installation starts with."""

    directory: Path
    answers_iso: Path
    disk: Path
    dump_disk: Path | None
    files: dict[str, bytes]
    """What the lab wrote on the answer medium, without drivers and programs of others."""


def answers_for(
    recipe: WindowsRecipe,
    inputs: Inputs,
    identity: Identity,
    *,
    accelerator: str,
    vcpus: int,
    memory_mib: int,
) -> Answers:
    """What is answered to Setup for this recipe, these media and this machine."""
    names = [one.name for one in inputs.windows.images]
    by_name = names.count(inputs.image.name) == 1
    lacks = {
        "TPM": not recipe.needs_tpm,
        "SecureBoot": not recipe.secure_boot,
        "RAM": memory_mib < LEAST["memory_mib"],
        # the emulated model is not on Microsoft's list, whatever the host has
        "CPU": accelerator == "tcg" or vcpus < LEAST["vcpus"],
        "Storage": recipe.disk_mib < LEAST["disk_mib"],
    }
    edition = inputs.image.edition_id
    return Answers(
        release=inputs.release,
        edition=inputs.edition.name + (" (evaluation)" if is_evaluation(edition) else ""),
        image_key="/IMAGE/NAME" if by_name else "/IMAGE/INDEX",
        image_value=inputs.image.name if by_name else str(inputs.image.index),
        language=recipe.language,
        keyboard=languages.keyboard(recipe.language, recipe.keyboard),
        firmware=recipe.disk_firmware,
        lacks=tuple(name for name, is_lacking in lacks.items() if is_lacking),
        product_key=product_key(inputs.release, edition),
        user=identity.user,
        password=identity.password,
        computer_name=computer_name(recipe.name),
        wanted=recipe.wanted,
        updates=tuple(f"{number:02}-{path.name}" for number, path in enumerate(inputs.updates, start=1)),
    )


def prepare(
    recipe: WindowsRecipe, inputs: Inputs, identity: Identity, key: KeyPair, said: Answers, directory: Path
) -> Prepared:
    """Write the media, open them again, and compare.

    :raise BuildError: what was written is not what was meant, or a disk could not be made.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = answers.files(said)
    if inputs.ssh:
        written |= {
            f"{answers.LAB}/ssh/ssh_host_ed25519_key": identity.host_key.private.encode(),
            f"{answers.LAB}/ssh/ssh_host_ed25519_key.pub": f"{identity.host_key.public}\n".encode(),
            f"{answers.LAB}/ssh/administrators_authorized_keys": f"{key.public}\n".encode(),
            f"{answers.LAB}/ssh/sshd_config": answers.sshd_config(),
        }
    content: dict[str, answer_disc.Content] = {**written, **_of_virtio(inputs)}
    if inputs.openssh is not None:
        content[f"{answers.LAB}/openssh/openssh.msi"] = inputs.openssh
    for name, path in zip(said.updates, inputs.updates, strict=True):
        content[f"{answers.LAB}/updates/{name}"] = path
    iso = directory / "answers.iso"
    answer_disc.write(content, iso)
    _verify(iso, content)
    disk = directory / "disk.qcow2"
    command: list[str | Path] = ["qemu-img", "create", "-q", "-f", "qcow2", disk, f"{recipe.disk_mib}M"]
    proc.checked(command, timeout_s=60, what="system disk")
    dump = directory / "dump.raw" if recipe.wanted.dump_disk_mib else None
    if dump is not None:
        dump_disk.make(dump, recipe.wanted.dump_disk_mib)
    return Prepared(directory=directory, answers_iso=iso, disk=disk, dump_disk=dump, files=written)


def _of_virtio(inputs: Inputs) -> dict[str, bytes]:
    """Drivers for the release and the guest agent, from the user's virtio-win media."""
    found: dict[str, bytes] = {}
    with disc.opened(inputs.virtio.path, "virtio-win media") as opened:
        for directory in inputs.virtio.drivers:
            for name in opened.walk(directory):
                if not name.lower().endswith(".pdb"):
                    target = f"{answers.DRIVERS}/{directory.split('/')[0]}/{name.rpartition('/')[2]}"
                    with opened.open(name) as stream:
                        found[target] = stream.read()
        with opened.open(media.GUEST_AGENT) as stream:
            found[f"{answers.LAB}/qemu-ga-x86_64.msi"] = stream.read()
    return found


def _verify(iso: Path, content: dict[str, answer_disc.Content]) -> None:
    """Read the medium as a guest does: every file is there, whole, under its name."""
    with disc.opened(iso, "the lab's answer medium") as opened:
        there = set(opened.walk())
        if there != set(content):
            lost = sorted(set(content) ^ there)
            raise BuildError(
                f"answer medium {iso}: holds other files than were written: {', '.join(lost[:4])}"
            )
        for name, wanted in content.items():
            with opened.open(name) as stream:
                same = stream.read() == wanted if isinstance(wanted, bytes) else _same(stream, wanted)
            if not same:
                raise BuildError(f"answer medium {iso}: {name!r} reads otherwise than it was written")


def _same(stream: BinaryIO, path: Path) -> bool:
    with path.open("rb") as original:
        while block := original.read(1 << 20):
            if stream.read(len(block)) != block:
                return False
    return not stream.read(1)
