"""Whether the guest that was installed is the one that was asked for: its report, compared with the recipe.

An image that differs is no image: what a cell on it would prove is about another OS build.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.images.windows.editions import EVALUATION_DAYS, is_evaluation
from lab.images.windows.inputs import Inputs
from lab.images.windows.settings import DUMP_LETTER, settings
from lab.images.windows.wanted import Wanted

BOOT_START = 0
"""Start type of a driver that the boot loader loads."""


def differences(report: Mapping[str, Any], inputs: Inputs, wanted: Wanted, *, host_key: str) -> list[str]:
    """What is otherwise than asked for, each as a sentence; [] for the image that was wanted."""
    return [
        *_system(report.get("os") or {}, inputs),
        *_drivers(report),
        *_registry(report.get("registry") or {}, wanted),
        *_access(report, inputs, host_key),
        *_disk(report, wanted),
        *_updates(report, inputs),
    ]


def _system(found: Mapping[str, Any], inputs: Inputs) -> Iterator[str]:
    release = inputs.release
    if found.get("build") != release.build:
        yield f"build is {found.get('build')} (wanted {release.build}, {release.name})"
    if found.get("version") != release.display_version:
        yield f"version is {found.get('version')!r} (wanted {release.display_version!r})"
    if found.get("edition") != inputs.image.edition_id:
        yield f"edition is {found.get('edition')!r} (wanted {inputs.image.edition_id!r})"
    if not isinstance(found.get("revision"), int):
        yield "its revision (UBR) is not known"


def _drivers(report: Mapping[str, Any]) -> Iterator[str]:
    drivers = report.get("drivers") or {}
    if drivers.get("viostor") != BOOT_START:
        yield f"the virtio disk driver does not start at boot (viostor: {drivers.get('viostor')})"
    if not any(name.lower() in ("vioserial", "virtioserial") for name in drivers):
        yield "the virtio serial driver is not installed"
    agent = (report.get("services") or {}).get("QEMU-GA", "")
    if not str(agent).startswith("Auto"):
        yield f"the guest agent does not start by itself ({agent or 'not installed'})"


def _registry(found: Mapping[str, Any], wanted: Wanted) -> Iterator[str]:
    for one in settings(wanted):
        if not one.lasting:
            continue
        value = found.get(f"{one.key}|{one.name}")
        if str(value) != one.value:
            yield f"{one.name} is {value!r} (wanted {one.value!r}: {one.why})"


def _access(report: Mapping[str, Any], inputs: Inputs, host_key: str) -> Iterator[str]:
    if inputs.ssh:
        pinned = " ".join(host_key.split()[:2])
        if report.get("ssh_host_key") != pinned:
            yield "its SSH host key is not the one that the lab gave it"
        if not str((report.get("services") or {}).get("sshd", "")).startswith("Auto"):
            yield "the SSH server does not start by itself"
    if not report.get("winrm_thumbprint"):
        yield "WinRM has no HTTPS listener"


def _disk(report: Mapping[str, Any], wanted: Wanted) -> Iterator[str]:
    letters = [one.get("letter") for one in report.get("volumes") or ()]
    if wanted.dump_disk_mib and DUMP_LETTER not in letters:
        yield f"the dump disk is not {DUMP_LETTER}:"


def _updates(report: Mapping[str, Any], inputs: Inputs) -> Iterator[str]:
    """A cumulative update shows as its KB number; one without a number in its name is not looked for."""
    there = {str(one).upper() for one in report.get("hotfixes") or ()}
    for path in inputs.updates:
        number = re.search(r"kb\d{6,8}", path.name, re.IGNORECASE)
        if number and number[0].upper() not in there:
            yield f"update {number[0].upper()} is not installed"


def expires(inputs: Inputs, report: Mapping[str, Any], now: datetime | None = None) -> str:
    """Last day of an evaluation, ISO 8601, or "" for one that does not end.

    As the guest counts it; if it cannot tell, by the days that Microsoft gives from installation.
    """
    if not is_evaluation(inputs.image.edition_id):
        return ""
    now = now or datetime.now(tz=UTC)
    minutes = report.get("evaluation_minutes")
    if isinstance(minutes, int) and minutes > 0:
        return (now + timedelta(minutes=minutes)).date().isoformat()
    return (now + timedelta(days=EVALUATION_DAYS[inputs.release.product])).date().isoformat()
