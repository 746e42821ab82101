"""Captures real crashes as fixtures: `python -m lab.selftest.capture DIRECTORY [PATTERN...]`.

`--index` instead of patterns only writes the expectations of `specimens` anew and boots nothing.

Boots an image with the lab's own machine, provokes one specimen, waits until the console is quiet, and
writes DIRECTORY/IMAGE/NAME.log (the bytes as they came) and a line of DIRECTORY/index.tsv. Guests run
one at a time. It expects nothing and judges nothing: what must be found is data, in `specimens`.
"""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from lab import config, proc
from lab.clock import Deadline
from lab.errors import LabError
from lab.guest.agent_channel import AgentChannel
from lab.guest.agent_port import AgentPort, quietly
from lab.images import catalogue, initrd
from lab.images.built import BuiltImage
from lab.images.store import ImageStore
from lab.machine.machine import Machine, Order
from lab.model import BootPath, Firmware, Profile
from lab.places import Places, places
from lab.selftest import module
from lab.selftest.specimens import SPECIMENS, Specimen
from lab.waiting import wait_for

BOOT_S = 240.0
QUIET_S = 2.5
"""A console without a byte for so long has said what it had to say."""
LINES_BEFORE = 40
LINES_AFTER = 900
MARK = "lab: trigger"
COLUMNS = (
    "file", "image", "kernel", "fault", "cmdline", "kind", "title", "fatal", "blamed",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Capture every specimen whose IMAGE/NAME matches one of the patterns (default: what is not there)."""
    directory, patterns = Path(arguments[0]), arguments[1:]
    if patterns == ["--index"]:
        _expect_anew(directory / "index.tsv")
        return 0
    where = places()
    failed = 0
    for specimen, image_name in wanted(directory, patterns):
        image = _image(where, image_name)
        if image is None:
            print(f"{image_name}/{specimen.name}: image is not built", flush=True)  # noqa: T201
            continue
        began = time.monotonic()
        try:
            log = capture(where, image, specimen)
        except LabError as error:
            failed += 1
            print(f"{image_name}/{specimen.name}: {error}", flush=True)  # noqa: T201
            continue
        write(directory, specimen, image, log)
        took = time.monotonic() - began
        print(f"{image_name}/{specimen.name}: {len(log)} bytes in {took:.0f} s", flush=True)  # noqa: T201
    return 1 if failed else 0


def wanted(directory: Path, patterns: Sequence[str]) -> Iterator[tuple[Specimen, str]]:
    """Specimens to capture with their images: every fault once, on kernel after kernel, then the rest."""
    most = max(len(specimen.images) for specimen in SPECIMENS)
    for turn in range(most):
        for number, specimen in enumerate(SPECIMENS):
            if turn >= len(specimen.images):
                continue
            image = specimen.images[(number + turn) % len(specimen.images)]
            name = f"{image}/{specimen.name}"
            if patterns:
                if any(fnmatch(name, pattern) for pattern in patterns):
                    yield specimen, image
            elif not (directory / f"{name}.log").exists():
                yield specimen, image


def capture(where: Places, image: BuiltImage, specimen: Specimen) -> bytes:
    """The console of one crash, from some lines before the trigger on.

    :raise LabError: the guest did not come up, or the machine failed.
    """
    with tempfile.TemporaryDirectory(prefix="lab-capture-") as scratch:
        changed, profile = _hardware(image, specimen, Path(scratch))
        machine = Machine(_order(changed, profile, specimen, Path(scratch)), where)
        try:
            machine.create()
            machine.resume()
            if not specimen.boot:
                _provoke(where, image, machine, specimen)
            _settle(machine, specimen)
        finally:
            machine.close()
        return trimmed(machine.serial_log.read_bytes(), whole=bool(specimen.boot))


def trimmed(log: bytes, *, whole: bool = False) -> bytes:
    """40 lines before the trigger and at most 900 after it; of a boot that failed, its end."""
    lines = log.splitlines(keepends=True)
    if whole:
        return b"".join(lines[-LINES_BEFORE - 100 :])
    marks = [number for number, line in enumerate(lines) if MARK.encode() in line]
    first = max(0, marks[-1] - LINES_BEFORE) if marks else 0
    return b"".join(lines[first : first + LINES_BEFORE + LINES_AFTER])


def write(directory: Path, specimen: Specimen, image: BuiltImage, log: bytes) -> None:
    """Store the log and its line of the index."""
    path = directory / image.name / f"{specimen.name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(log)
    row = {
        "file": f"{image.name}/{specimen.name}.log",
        "image": image.name,
        "kernel": image.kernel_release,
        "fault": specimen.fault or specimen.trigger or specimen.boot,
        "cmdline": " ".join(filter(None, (specimen.cmdline, "; ".join(specimen.prepare)))),
        **expectation(specimen),
    }
    index = directory / "index.tsv"
    rows = {known["file"]: known for known in read_index(index)} if index.exists() else {}
    rows[row["file"]] = row
    _write_index(index, rows)


def _write_index(index: Path, rows: Mapping[str, Mapping[str, str]]) -> None:
    table = [COLUMNS, *(tuple(rows[name][column] for column in COLUMNS) for name in sorted(rows))]
    index.write_text("".join("\t".join(fields) + "\n" for fields in table), encoding="utf-8")


def _expect_anew(index: Path) -> None:
    specimens = {specimen.name: specimen for specimen in SPECIMENS}
    rows = {row["file"]: row for row in read_index(index)}
    _write_index(
        index, {file: {**row, **expectation(specimens[Path(file).stem])} for file, row in rows.items()}
    )


def expectation(specimen: Specimen) -> dict[str, str]:
    """The columns that say what a person finds in the log."""
    fatal = {True: "Y", False: "N", None: ""}[specimen.fatal]
    blamed = module.NAME if specimen.blamed else ""
    return {"kind": str(specimen.kind), "title": specimen.title, "fatal": fatal, "blamed": blamed}


def read_index(index: Path) -> list[dict[str, str]]:
    """The lines of an index.tsv: columns by name; no quoting, no tabs in fields."""
    names, *lines = (line.split("\t") for line in index.read_text(encoding="utf-8").splitlines())
    return [dict(zip(names, fields, strict=True)) for fields in lines]


def _image(where: Places, name: str) -> BuiltImage | None:
    recipes = catalogue.load(config.load(Path("lab.yaml")).root / "images")
    store = ImageStore(where)
    return store.get(recipes[name]) if store.info(recipes[name]).built else None


def _order(image: BuiltImage, profile: Profile, specimen: Specimen, recording: Path) -> Order:
    return Order(
        image=image,
        profile=profile,
        uri="embed",
        accelerator="tcg",
        run="capture",
        cell=specimen.name,
        attempt=1,
        recording=recording,
        lifetime_s=900.0,
    )


def _hardware(image: BuiltImage, specimen: Specimen, scratch: Path) -> tuple[BuiltImage, Profile]:
    """The image, spoiled where the specimen is a boot that fails, and the machine for it."""
    profile = Profile(name="capture", vcpus=specimen.vcpus, memory_mib=specimen.memory_mib)
    image = replace(image, cmdline=f"{image.cmdline} {specimen.cmdline}".strip())
    match specimen.boot:
        case "no-initrd":
            image = replace(image, initrd=None)
        case "no-disk":
            image = replace(image, disk=_empty_disk(scratch))
        case "init-exits":
            image = replace(image, initrd=_added(image, scratch, b"#!/bin/sh\necho leaving\nexit 3\n"))
        case "no-init":
            image = replace(image, initrd=_only(scratch, b"this is not a program\n"))
        case "broken-initrd":
            path = scratch / "initrd"
            path.write_bytes(b"this is not an archive\n" * 100)
            image = replace(image, initrd=path)
        case "empty-disk-uefi":
            profile = replace(profile, firmware=Firmware.UEFI)
            image = replace(image, disk=_empty_disk(scratch), boot=BootPath.LOADER, kernel=None, initrd=None)
        case _:
            pass
    return image, profile


def _empty_disk(scratch: Path) -> Path:
    disk = scratch / "empty.qcow2"
    command: list[str | Path] = ["qemu-img", "create", "-q", "-f", "qcow2", disk, "64M"]
    proc.checked(command, timeout_s=60, what="empty disk")
    return disk


def _added(image: BuiltImage, scratch: Path, init: bytes) -> Path:
    """The image's RAM disk with another process 1: of two archives the later one wins."""
    assert image.initrd is not None
    path = scratch / "initrd"
    path.write_bytes(image.initrd.read_bytes() + _archive(init))
    return path


def _only(scratch: Path, init: bytes) -> Path:
    path = scratch / "initrd"
    path.write_bytes(_archive(init))
    return path


def _archive(init: bytes) -> bytes:
    archive = initrd.Cpio()
    archive.directory("dev")
    archive.device("dev/console", 5, 1)
    archive.file("init", init, 0o755)
    return archive.finish()


def _provoke(where: Places, image: BuiltImage, machine: Machine, specimen: Specimen) -> None:
    channel = AgentChannel(machine.agent_command())
    wait_for(lambda: _answers(channel), what="the guest agent", timeout_s=BOOT_S, ignore=(LabError,))
    channel.put(module.compiled(where, image), module.IN_GUEST, timeout_s=120)
    if specimen.fault:
        channel.run(module.load(), timeout_s=60)
    for command in specimen.prepare:
        channel.run(command, timeout_s=60)
    # the pause lets the agent answer before its guest dies
    text = f"echo '{MARK} {specimen.name}' > /dev/kmsg; sleep 0.5; {specimen.command}"
    port = AgentPort(machine.agent_command(), 5.0)
    threading.Thread(
        target=quietly, args=(lambda: port.start(["-c", text], b"", Deadline.after(5.0)),), daemon=True
    ).start()
    wait_for(
        lambda: MARK.encode() in machine.serial_log.read_bytes(),
        what="the trigger on the console",
        timeout_s=60,
    )
    if specimen.host:
        time.sleep(4.0)
        machine.domain.monitor(specimen.host)


def _answers(channel: AgentChannel) -> bool:
    channel.ping(5.0)
    return True


def _settle(machine: Machine, specimen: Specimen) -> None:
    """Wait for the end of what the console has to say, or for a second after `until`."""
    deadline = Deadline.after(specimen.patience_s)
    until = re.compile(specimen.until.encode()) if specimen.until else None
    began, size, since = time.monotonic(), -1, time.monotonic()
    while not deadline.passed:
        time.sleep(0.2)
        log = machine.serial_log.read_bytes()
        after = log[log.rfind(MARK.encode()) :] if not specimen.boot else log
        if len(log) != size:
            size, since = len(log), time.monotonic()
        if until is not None and until.search(after):
            time.sleep(1.5)
            return
        quiet = time.monotonic() - since
        if until is None and quiet > QUIET_S and time.monotonic() - began > 2 * QUIET_S:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
