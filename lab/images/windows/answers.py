"""The files that answer Windows Setup: autounattend.xml and what it calls, made from values by jinja2.

Pure: the same `Answers` give the same bytes. What is allowed in an answer file is checked by
`lab.images.windows.components`, on every file that is made.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab.errors import BuildError
from lab.images.windows import components
from lab.images.windows.releases import Product, Release
from lab.images.windows.settings import DUMP_LETTER, settings
from lab.images.windows.wanted import Wanted
from lab.model import Firmware

HERE = Path(__file__).parent
DRIVERS = "$WinPEDriver$"
"""Directory on the answer medium: Setup also looks for this very name by itself
(learn.microsoft.com: add device drivers to Windows during Windows Setup)."""
LETTERS = "DEFGH"
"""Of the answer medium in WinPE and during set-up: after the disks, in an order that is Windows' own."""
LAB = "lab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything that decides the answer files of one image."""

    release: Release
    edition: str
    """Of the image on the media, for people."""
    image_key: str
    """`/IMAGE/NAME` or `/IMAGE/INDEX`."""
    image_value: str
    language: str
    keyboard: str
    firmware: Firmware
    lacks: tuple[str, ...] = ()
    """Of `TPM`, `SecureBoot`, `RAM`, `CPU`, `Storage`: what the machine has not and Setup would ask for."""
    product_key: str = ""
    user: str = "lab"
    password: str = field(repr=False)
    computer_name: str
    wanted: Wanted = field(default_factory=Wanted)
    updates: tuple[str, ...] = ()
    """File names of updates on the medium, in the order they are installed."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command that Setup runs."""

    why: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition of the system disk. `mib` 0: the rest of the disk."""

    number: int
    type: str
    mib: int = 0
    format: str = ""
    label: str = ""
    letter: str = ""
    active: bool = False


UEFI_DISK = (
    Partition(number=1, type="EFI", mib=300, format="FAT32", label="System"),
    Partition(number=2, type="MSR", mib=16),
    Partition(number=3, type="Primary", format="NTFS", label="Windows", letter="C"),
)
BIOS_DISK = (
    Partition(number=1, type="Primary", mib=500, format="NTFS", label="System", active=True),
    Partition(number=2, type="Primary", format="NTFS", label="Windows", letter="C"),
)


def files(answers: Answers) -> dict[str, bytes]:
    """Path on the answer medium -> content: `autounattend.xml`, and the scripts in `lab/`.

    :raise BuildError: the lab made an answer file that the documented structure does not allow: a bug.
    """
    made = {"autounattend.xml": _xml("autounattend.xml", answers)}
    if answers.wanted.generalize:
        made[f"{LAB}/unattend-generalized.xml"] = _xml("unattend-generalized.xml", answers)
    rows = settings(answers.wanted)
    made[f"{LAB}/specialize.cmd"] = _crlf(
        _render("specialize.cmd", {"settings": rows, "driver_directory": DRIVERS})
    )
    made[f"{LAB}/settings.json"] = _json(
        [{"key": one.key, "name": one.name, "value": one.value} for one in rows]
    )
    made[f"{LAB}/wanted.json"] = _json(_wanted(answers))
    for name in ("finish.ps1", "report.ps1"):
        made[f"{LAB}/{name}"] = _crlf((HERE / "scripts" / name).read_text(encoding="ascii"))
    return made


def preparation() -> dict[str, bytes]:
    """What a user runs in a Windows of their own: the script, its settings, and the report."""
    rows = settings(Wanted(dump_disk_mib=0))
    lasting = [
        {"key": one.key, "name": one.name, "kind": one.kind, "value": one.value}
        for one in rows
        if one.lasting
    ]
    scripts = {
        name: (HERE / "scripts" / name).read_text(encoding="ascii") for name in ("prepare.ps1", "report.ps1")
    }
    return {"settings.json": _json(lasting), **{name: _crlf(text) for name, text in scripts.items()}}


def sshd_config() -> bytes:
    """The SSH server's configuration."""
    return _crlf((HERE / "scripts" / "sshd_config").read_text(encoding="ascii"))


def partitions(firmware: Firmware) -> tuple[Partition, ...]:
    """The system disk by firmware: GPT for UEFI, MBR for BIOS (Microsoft's recommended layouts)."""
    return UEFI_DISK if firmware is Firmware.UEFI else BIOS_DISK


def secret(password: str, element: str) -> str:
    """A password as Windows System Image Manager hides it: with its element's name, UTF-16, base64."""
    return base64.b64encode(f"{password}{element}".encode("utf-16-le")).decode("ascii")


def windowspe_commands(answers: Answers) -> tuple[Command, ...]:
    """The mark on the serial port, then a bypass for every check that the machine cannot pass."""
    bypass = r"reg add HKLM\SYSTEM\Setup\LabConfig /v Bypass{}Check /t REG_DWORD /d 1 /f"
    checks = answers.lacks if answers.release.checks_hardware else ()
    return (
        _tell("windowspe"),
        *(Command(f"the machine has no {what} to pass", bypass.format(what)) for what in checks),
    )


def specialize_commands() -> tuple[Command, ...]:
    """Find the answer medium and do what it says."""
    letters = " ".join(LETTERS)
    line = (
        rf'cmd /c "for %d in ({letters}) do @if exist %d:\{LAB}\specialize.cmd call %d:\{LAB}\specialize.cmd"'
    )
    return (Command("drivers and settings from the answer medium", line),)


FROM_ANSWERS = (
    "release", "edition", "image_key", "image_value", "language", "keyboard", "product_key", "user",
)  # fmt: skip
FIRST_LOGON = Command(
    "finish and report", r"powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\lab\finish.ps1"
)
"""One command only: later ones of a long list have been reported not to run on Server 2025."""


def _tell(mark: str) -> Command:
    """A mark on the serial port. It must not end in a digit: `1>` names a handle to cmd."""
    return Command("tell the lab", rf"cmd /c echo lab-setup: {mark}> \\.\COM1")


def _xml(name: str, answers: Answers) -> bytes:
    again = name != "autounattend.xml"
    values = {
        **{key: getattr(answers, key) for key in FROM_ANSWERS},
        "computer_name": "*" if again else answers.computer_name,
        "time_zone": answers.wanted.time_zone,
        "is_server": answers.release.product is Product.SERVER,
        "letters": LETTERS,
        "driver_directory": DRIVERS,
        "partitions": partitions(answers.firmware),
        "windowspe_commands": windowspe_commands(answers),
        "specialize_commands": (_tell("specialize"),) if again else specialize_commands(),
        "first_logon": _tell("ready") if again else FIRST_LOGON,
        "logons": 1 if again else 1 + len(answers.updates),
        "user_secret": secret(answers.password, "Password"),
        "administrator_secret": secret(answers.password, "AdministratorPassword"),
    }  # fmt: skip
    content = _render(name, values).encode()
    problems = components.problems(content)
    if problems:
        raise BuildError(
            f"answer file {name!r} of {answers.release.key} is not what Setup takes: {problems[0]}"
        )
    return content


def _wanted(answers: Answers) -> dict[str, Any]:
    wanted = answers.wanted
    return {
        **asdict(wanted),
        "ems": wanted.ems and answers.release.has_ems,
        "dump_letter": DUMP_LETTER if wanted.dump_disk_mib else "",
        "user": answers.user,
        "release": answers.release.key,
    }


@cache
def _environment() -> Environment:
    # one environment for XML and batch files: the XML templates escape each value themselves, with `e`
    loader = FileSystemLoader(HERE / "templates")
    made = Environment(loader=loader, undefined=StrictUndefined, autoescape=False)  # noqa: S701
    made.keep_trailing_newline = True
    made.filters["batch"] = lambda text: text.replace("%", "%%")
    return made


def _render(name: str, values: dict[str, Any]) -> str:
    return _environment().get_template(f"{name}.j2").render(values)


def _crlf(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("ascii")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
