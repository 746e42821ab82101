"""Why a guest's disk was not read or written, as a type, each with what would change it."""

from __future__ import annotations

from enum import StrEnum

from lab.errors import MachineError


class Refusal(StrEnum):
    """What stands against it."""

    IN_USE = "in-use"
    NO_TABLE = "no-table"
    ENCRYPTED = "encrypted"
    HIBERNATED = "hibernated"
    DIRTY = "dirty"
    UNCLEAN = "unclean"
    DAMAGED = "damaged"
    ABSENT = "absent"
    AMBIGUOUS = "ambiguous"
    FAILED = "failed"


REMEDIES = {
    Refusal.IN_USE: "stop the machine first; the guest would not see the change and both would write",
    Refusal.NO_TABLE: "`qemu-img info` shows whether it is the right disk",
    Refusal.ENCRYPTED: "run `manage-bde -off C:` in the guest and wait for its end, then freeze the image",
    Refusal.HIBERNATED: "run `powercfg /h off` in the guest, or shut it down by `shutdown /s /t 0`: what a "
    "hibernated Windows keeps in memory would be written over the repair",
    Refusal.DIRTY: "Windows wants to check the volume: boot the guest, or WinRE, and run `chkdsk C: /f`",
    Refusal.UNCLEAN: "its log could not be replayed: boot WinRE once and run `chkdsk C: /f`",
    Refusal.DAMAGED: "mend the partition table first (`sgdisk --verify`), or build the image anew",
    Refusal.ABSENT: "`lab.offline.repair` can list what is there",
    Refusal.AMBIGUOUS: "name the volume by its number, or the file without a pattern",
    Refusal.FAILED: None,
}
"""Refusal -> what mends it."""


class DiskRefused(MachineError):
    """A guest's disk was not touched, or a step on it failed.

    :param why: for callers; nobody matches on the message.
    """

    def __init__(self, message: str, why: Refusal) -> None:
        super().__init__(message, hint=REMEDIES[why])
        self.why = why
