"""The operating system that the STAND-IN plays: boots, drivers, stops, dumps, events; all kept on its
NTFS disk.

A driver is Python text that says `STAND-IN driver`. Its error is a stop: reading past the end of what it
was given is a page fault (0x50), anything else 0x7E, and both blame its file. A stop freezes every
program, paints the stop screen, writes a dump with a header to the dump disk, tells the panic device and
resets. Drivers are loaded at every boot, except in safe mode; one whose file is gone is passed over.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.images.stand_in.guest import dump
from lab.images.stand_in.guest.drives import Drives
from lab.images.stand_in.guest.hardware import Hardware

CONFIG = "C:\\Windows\\System32\\config\\stand-in.json"
EVENTS = "C:\\Windows\\System32\\winevt\\Logs\\stand-in.jsonl"
DUMP = "Q:\\dedicated.dmp"
FOLDERS = (
    "C:\\Windows\\Temp",
    "C:\\Windows\\System32\\config",
    "C:\\Windows\\System32\\drivers",
    "C:\\Windows\\System32\\winevt\\Logs",
    "C:\\ProgramData",
)
DRIVER_MARK = "#!STAND-IN driver"
PAGE_FAULT, UNHANDLED, NMI = 0x50, 0x7E, 0x80
POOL = 0xFFFFA10C5E800000
READABLE_S = 4.0
"""Guest seconds that a stop screen stays: longer than the screen is looked at (every 2 s)."""
DUMP_MIB = 8
BOOT, SYSTEM, AUTO, DEMAND, DISABLED = 0, 1, 2, 3, 4


class DriverStopped(Exception):
    """A driver's error: the guest stops. Never caught by who loads one."""

    def __init__(self, code: int, parameters: tuple[int, ...], module: str) -> None:
        super().__init__(f"0x{code:X} {module}")
        self.code, self.parameters, self.module = code, parameters, module


class Kernel:
    """:param run: a directory that is empty at each boot."""

    def __init__(self, drives: Drives, hardware: Hardware, run: Path) -> None:
        self.drives, self.hardware, self.run = drives, hardware, run

    # -- what is kept on the disk ------------------------------------------------

    @property
    def config(self) -> dict[str, Any]:
        path = self.drives.local(CONFIG)
        found: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        return {"boot": 0, "clean": True, "services": {}, "verifier": {}, "bcd": {}, "registry": {}, **found}

    def change(self, **changes: Any) -> None:
        """Written beside its place and renamed: a reset leaves the old or the new."""
        path = self.drives.local(CONFIG)
        part = path.with_name("stand-in.new")
        part.write_text(json.dumps({**self.config, **changes}))
        _to_disk(part)
        part.replace(path)
        os.sync()

    def event(self, provider: str, number: int, level: int, **data: str) -> None:
        """One entry of the System log."""
        entry = {"provider": provider, "id": number, "level": level, "at": time.time(), "data": data}
        with self.drives.local(EVENTS).open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def events(self) -> list[dict[str, Any]]:
        path = self.drives.local(EVENTS)
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []

    # -- boots -------------------------------------------------------------------

    @property
    def booted(self) -> dict[str, Any]:
        """Of this boot: its number, when it began, whether in safe mode."""
        found: dict[str, Any] = json.loads((self.run / "boot.json").read_text())
        return found

    def boot(self) -> None:
        """Count it, write down how the last one ended, load the drivers."""
        for folder in FOLDERS:
            self.drives.local(folder).mkdir(parents=True, exist_ok=True)
        before = self.config
        self.run.mkdir(parents=True, exist_ok=True)
        safe = before["bcd"].get("safeboot", "")
        number = before["boot"] + 1
        began = {"number": number, "at": time.time(), "up": time.monotonic(), "safe": safe}
        (self.run / "boot.json").write_text(json.dumps(began))
        self._last_end(before)
        self.change(boot=number, clean=False)
        self.hardware.say(f"*** STAND-IN *** boot {number}{' in safe mode' if safe else ''}")
        if not safe:
            self._load_all()

    def _last_end(self, before: dict[str, Any]) -> None:
        path = self.drives.local(DUMP) if "Q" in self.drives.roots else None
        stop = dump.stop_of(path) if path is not None and path.is_file() else None
        fresh = stop is not None and stop.ticks != before.get("reported")
        if stop is not None and fresh:
            text = ", ".join(f"0x{value:016x}" for value in stop.parameters)
            self.event(
                "Microsoft-Windows-WER-SystemErrorReporting", 1001, 2,
                param1=f"0x{stop.code:08x} ({text})", param2=DUMP,
            )  # fmt: skip
            self.change(reported=stop.ticks)
        if not before["clean"]:
            code, values = (stop.code, stop.parameters) if stop is not None and fresh else (0, (0, 0, 0, 0))
            named = {f"BugcheckParameter{at}": f"0x{value:x}" for at, value in enumerate(values, start=1)}
            self.event("Microsoft-Windows-Kernel-Power", 41, 1, BugcheckCode=str(code), **named)
            self.event("EventLog", 6008, 2)

    def _load_all(self) -> None:
        services = self.config["services"]
        for name in sorted(services, key=lambda one: (services[one]["start"], one)):
            if services[name]["start"] > AUTO:
                continue
            try:
                self.load(name)
            except OSError as error:
                self.event("Service Control Manager", 7000, 2, param1=name, param2=str(error.strerror))

    # -- drivers -----------------------------------------------------------------

    def load(self, name: str) -> dict[str, Any]:
        """Load a service's driver; what it keeps. An error in it stops the guest.

        :raise OSError: there is no such file.
        """
        return self._in_driver(name, "load", {})

    def tell_drivers(self, program: str) -> None:
        """A program is started: every loaded driver sees it."""
        for name in self.loaded():
            self._in_driver(name, "process", self.loaded()[name], program)

    def unload(self, name: str) -> None:
        (self.run / f"{name}.driver").unlink(missing_ok=True)

    def loaded(self) -> dict[str, dict[str, Any]]:
        """Name -> what its driver keeps."""
        return {path.stem: json.loads(path.read_text()) for path in self.run.glob("*.driver")}

    def _in_driver(self, name: str, what: str, state: dict[str, Any], *words: Any) -> dict[str, Any]:
        path = str(self.config["services"][name]["path"])
        text = self.drives.local(path).read_text()
        if not text.startswith(DRIVER_MARK):
            raise OSError(193, "is no driver of the stand-in", path)
        module = path.rpartition("\\")[2]
        names: dict[str, Any] = {"__name__": name}
        try:
            exec(compile(text, path, "exec"), names)  # noqa: S102 - a driver is code that the kernel runs
            act: Callable[..., dict[str, Any]] | None = names.get(what)
            kept = act(self, state, *words) if act is not None else state
        except DriverStopped as stopped:
            self.stop(stopped.code, stopped.parameters, stopped.module)
            raise
        except IndexError:
            self.stop(PAGE_FAULT, (POOL, 0, POOL & 0xFFFFFFFF, 0), module)
            raise
        except Exception:
            self.stop(UNHANDLED, (0xC0000005, POOL, POOL, POOL), module)
            raise
        part = self.run / f"{name}.new"
        part.write_text(json.dumps(kept))
        part.replace(self.run / f"{name}.driver")
        return kept

    # -- ends --------------------------------------------------------------------

    def stop(self, code: int, parameters: tuple[int, ...], module: str = "") -> None:
        """What Windows does at a stop; returns only where the hardware is none."""
        self.hardware.freeze()
        self.hardware.show(f"stop-{code:x}")
        self.hardware.say(_stop_text(code, parameters, module))
        if "Q" in self.drives.roots:
            path = self.drives.local(DUMP)
            dump.write(path, code, parameters, DUMP_MIB, time.time())
            _to_disk(path)
        os.sync()
        self.hardware.show(f"stop-{code:x}-dumped")
        self.hardware.panicked()
        self.hardware.wait(READABLE_S)
        self.hardware.reset()

    def end(self, *, restart: bool) -> None:
        """An orderly end."""
        self.change(clean=True)
        (self.hardware.reset if restart else self.hardware.power_off)()


def _to_disk(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _stop_text(code: int, parameters: tuple[int, ...], module: str) -> str:
    """As Windows with EMS says it: the XML, then the stop line."""
    values = ",".join(f"0x{value:016X}" for value in parameters)
    failed = f"What failed: {module}\n" if module else ""
    return (
        '<?xml>\a<BP>\n<INSTANCE CLASSNAME="BLUESCREEN">\n'
        f'<PROPERTY NAME="STOPCODE" TYPE="string"><VALUE>"0x{code:X}"</VALUE></PROPERTY>'
        "<machine-info>\n<name>STAND-IN</name>\n</machine-info>\n</INSTANCE>\n</BP>\a\n!SAC>\n"
        f"{failed}*** STOP: 0x{code:08X} ({values})\n"
    )
