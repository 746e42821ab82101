"""What can be asked of a machine before it is destroyed: keys, an interrupt, its memory.

The one place where evidence touches libvirt and QEMU. Refuses to decide what is worth taking, and to
record it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab import log
from lab.errors import MachineError
from lab.machine import kdump, sysrq
from lab.machine.driver import DumpTimeout
from lab.machine.machine import Machine
from lab.machine.vitals import Vitals
from lab.model import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryDump:
    """A dump that was written."""

    path: Path
    compressed: bool
    """kdump-compressed, else ELF."""
    windows: bool = False
    """Neither: a full dump in Windows' format, which WinDbg opens."""

    @property
    def format(self) -> str:
        """For a person."""
        return "Windows dump" if self.windows else "kdump-compressed" if self.compressed else "ELF"


class Witness(Protocol):
    """What evidence needs of a machine. Methods raise MachineError when it cannot be had."""

    @property
    def memory_mib(self) -> int: ...
    @property
    def dump_disk(self) -> Path | None:
        """The disk for the guest's own dump, where it has one."""
        ...

    @property
    def alive(self) -> bool: ...
    def registers(self) -> str:
        """QEMU's text, of every virtual CPU."""
        ...

    def written(self) -> int:
        """Bytes that the guest has written to all of its disks."""
        ...

    def serial_keys(self) -> contextlib.AbstractContextManager[Callable[[str], None]]:
        """SysRq over the serial line; the line is ours for as long."""
        ...

    def keyboard(self, key: str) -> None:
        """Alt+SysRq+`key`."""
        ...

    def nmi(self) -> None: ...
    def dump(self, target: Path, *, timeout_s: float) -> MemoryDump:
        """The guest's memory to `target`: compressed where QEMU can, else ELF; of a Windows in its own format
        where the guest helps, else ELF. Nothing is left of a failure."""
        ...


class MachineWitness:
    """A `Witness` of one machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.vitals = Vitals(machine.domain, vcpus=machine.order.profile.vcpus)

    @property
    def memory_mib(self) -> int:
        return self._machine.order.profile.memory_mib

    @property
    def dump_disk(self) -> Path | None:
        return self._machine.dump_disk

    @property
    def alive(self) -> bool:
        return self._machine.domain.alive

    def registers(self) -> str:
        return self.vitals.registers()

    def written(self) -> int:
        figures = self.vitals.figures()
        names = (f"block.{number}.wr.bytes" for number in range(int(figures.get("block.count", 0))))
        return sum(int(figures.get(name, 0)) for name in names)

    @contextlib.contextmanager
    def serial_keys(self) -> Iterator[Callable[[str], None]]:
        with sysrq.SerialKeys(self._machine.serial_socket, self._machine.domain.monitor) as keys:
            yield keys.press

    def keyboard(self, key: str) -> None:
        self._machine.domain.press(sysrq.keyboard(key))

    def nmi(self) -> None:
        self._machine.domain.inject_nmi()

    def dump(self, target: Path, *, timeout_s: float) -> MemoryDump:
        part = target.with_name(f"{target.name}.part")
        flat = target.with_name(f"{target.name}.flat.part")
        try:
            return self._dump(target, part, flat, timeout_s)
        except OSError as error:
            raise MachineError(f"memory dump could not be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
            flat.unlink(missing_ok=True)

    def _dump(self, target: Path, part: Path, flat: Path, timeout_s: float) -> MemoryDump:
        domain, compressed = self._machine.domain, True
        if self._machine.order.image.family is Family.WINDOWS:
            return self._dump_windows(target, part, timeout_s)
        try:
            domain.dump(flat, compressed=True, timeout_s=timeout_s)
            kdump.unflatten(flat, part)
        except DumpTimeout:
            raise
        except MachineError as error:
            log.get("machine").info("no compressed dump", machine=self._machine.name, error=str(error))
            compressed = False
            domain.dump(part, compressed=False, timeout_s=timeout_s)
        part.chmod(0o644)
        part.replace(target)
        return MemoryDump(path=target, compressed=compressed)

    def _dump_windows(self, target: Path, part: Path, timeout_s: float) -> MemoryDump:
        """Readers of Windows memory take ELF and no kdump."""
        domain, windows = self._machine.domain, True
        try:
            domain.dump(part, compressed=False, windows=True, timeout_s=timeout_s)
        except DumpTimeout:
            raise
        except MachineError as error:
            log.get("machine").info("no Windows dump", machine=self._machine.name, error=str(error))
            windows = False
            domain.dump(part, compressed=False, timeout_s=timeout_s)
        part.chmod(0o644)
        part.replace(target)
        return MemoryDump(path=target, compressed=False, windows=windows)
