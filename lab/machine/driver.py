"""The one adapter to libvirt: nothing else in the lab imports it.

libvirt-python has no types, so every value that leaves this module is converted. Its calls
can block for long; those that talk to the guest run on a thread of their own so that the
thread that asked can still be interrupted by a signal.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any

from lab.clock import Deadline
from lab.errors import ChannelError, HostError, MachineError
from lab.guest.channel import GuestAgentError

# Read by libvirt when it is loaded: the embedded driver would else print its log on our stderr.
os.environ.setdefault("LIBVIRT_LOG_OUTPUTS", "3:file:/dev/null")

import libvirt
import libvirt_qemu

REMOVED, REMOVED_S, LOOK_S = "is already being removed", 10.0, 0.02
"""libvirt's words for a domain that has gone and is not forgotten yet, and how long it may take to be."""

EventSink = Callable[[str, dict[str, Any]], None]
"""Called with the name of a `lab.model.MachineEvent` and its details."""

_loop_lock = threading.Lock()
_loop_started = False


def _ignore(_context: object, _error: object) -> None:
    """libvirt prints every error to stderr unless told otherwise; ours carry the text."""


def _start_event_loop() -> None:
    """One event loop thread per process, before the first connection (libvirt requires this)."""
    global _loop_started  # noqa: PLW0603 - libvirt's loop is process-wide by its own design
    with _loop_lock:
        if _loop_started:
            return
        libvirt.registerErrorHandler(_ignore, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_spin, name="libvirt-events", daemon=True).start()
        _loop_started = True


def _spin() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


class DumpTimeout(MachineError):
    """QEMU is still writing: there is no sense in asking for another dump."""


class Hypervisor:
    """A connection to one host.

    :raise HostError: `open` failed; the message has the URI and libvirt's own words.
    """

    def __init__(self, uri: str) -> None:
        _start_event_loop()
        self.uri = uri
        try:
            self._connection = libvirt.open(uri)
        except libvirt.libvirtError as error:
            raise HostError(
                f"libvirt host {uri!r} cannot be reached: {error}",
                hint="`lab doctor` checks every host of lab.yaml; `hosts:` names them",
            ) from error

    def close(self) -> None:
        with contextlib.suppress(libvirt.libvirtError):
            self._connection.close()

    @property
    def libvirt_version(self) -> str:
        return _version(self._connection.getLibVersion())

    @property
    def qemu_version(self) -> str:
        """ "" where libvirt finds no QEMU for the host's architecture."""
        try:
            return _version(self._connection.getVersion())
        except libvirt.libvirtError:
            return ""

    def host_size(self) -> tuple[int, int]:
        """(CPUs, MiB of RAM)."""
        info = self._connection.getInfo()
        return int(info[2]), int(info[1])

    def cpu(self) -> str:
        """Vendor, model, signature and microcode of the host's CPUs; "" where libvirt does not tell."""
        try:
            capabilities = ET.fromstring(self._connection.getCapabilities())
        except (libvirt.libvirtError, ET.ParseError):
            return ""
        found = capabilities.find("host/cpu")
        if found is None:
            return ""
        words = [found.findtext("vendor", ""), found.findtext("model", "")]
        for part in ("signature", "microcode"):
            told = found.find(part)
            words += (
                [f"{name} {value}" for name, value in sorted(told.attrib.items())] if told is not None else []
            )
        return " ".join(word for word in words if word)

    def free_memory_mib(self) -> int:
        return int(self._connection.getFreeMemory() / 2**20)

    def create_paused(self, xml: str) -> Domain:
        """Start a transient domain without running an instruction of it."""
        with _as_machine_error("domain could not be created"):
            raw = self._created(xml, Deadline.after(REMOVED_S))
        return Domain(self._connection, raw)

    def _created(self, xml: str, deadline: Deadline) -> Any:
        """libvirt 9.0 tells that a domain is gone some time before it lets another of its name begin."""
        while True:
            try:
                return self._connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
            except libvirt.libvirtError as error:
                if REMOVED not in str(error) or deadline.passed:
                    raise
                time.sleep(LOOK_S)

    def find(self, uuid: str) -> Domain | None:
        """The running domain with this uuid, if there is one."""
        try:
            return Domain(self._connection, self._connection.lookupByUUIDString(uuid))
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise MachineError(f"domain {uuid} could not be looked up: {error}") from error


class Domain:
    """One running domain."""

    def __init__(self, connection: Any, raw: Any) -> None:
        self._connection = connection
        self._raw = raw
        self.name: str = raw.name()
        self.uuid: str = raw.UUIDString()
        self._callbacks: list[tuple[str, int]] = []

    def watch(self, sink: EventSink) -> None:
        """Hand every event of this domain to `sink`, on the event loop's thread."""
        events = libvirt_qemu.qemuMonitorEventRegister
        with _as_machine_error("events could not be subscribed"):
            number = events(self._connection, self._raw, None, _monitor_event, sink, 0)
        self._callbacks.append(("monitor", number))

    def unwatch(self) -> None:
        for _, number in self._callbacks:
            with contextlib.suppress(libvirt.libvirtError):
                libvirt_qemu.qemuMonitorEventDeregister(self._connection, number)
        self._callbacks.clear()

    def resume(self) -> None:
        with _as_machine_error("domain could not be resumed"):
            self._raw.resume()

    def suspend(self) -> None:
        with _as_machine_error("domain could not be suspended"):
            self._raw.suspend()

    def reset(self) -> None:
        with _as_machine_error("domain could not be reset"):
            self._raw.reset()

    def destroy(self) -> None:
        """End it; a domain that is gone already is fine."""
        try:
            self._raw.destroy()
        except libvirt.libvirtError as error:
            gone = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
            if error.get_error_code() not in gone:
                raise MachineError(f"domain {self.name!r} could not be destroyed: {error}") from error

    @property
    def alive(self) -> bool:
        """Whether libvirt still has it; a domain whose QEMU died is not."""
        try:
            return bool(self._raw.isActive())
        except libvirt.libvirtError:
            return False

    def state(self) -> str:
        """running, paused, crashed, shutoff, ... or `gone`."""
        names = {
            libvirt.VIR_DOMAIN_RUNNING: "running",
            libvirt.VIR_DOMAIN_PAUSED: "paused",
            libvirt.VIR_DOMAIN_CRASHED: "crashed",
            libvirt.VIR_DOMAIN_SHUTDOWN: "shutdown",
            libvirt.VIR_DOMAIN_SHUTOFF: "shutoff",
        }
        try:
            return names.get(self._raw.state()[0], "other")
        except libvirt.libvirtError:
            return "gone"

    def agent(self, request: dict[str, Any], timeout_s: float) -> Any:
        """One request to the guest agent; the value of its `return`.

        :raise ChannelError: no answer in `timeout_s`, or the agent's own error in its words.
        """
        whole = max(1, round(timeout_s))
        text = json.dumps(request)

        def ask() -> str:
            return str(libvirt_qemu.qemuAgentCommand(self._raw, text, whole, 0))

        name = request.get("execute", "?")
        try:
            answer = interruptible(ask, timeout_s=whole + 5)
        except libvirt.libvirtError as error:
            raise _agent_error(name, error.get_error_message() or "no reason given") from error
        except FutureTimeout as error:
            raise ChannelError(f"guest agent call {name!r} hangs in libvirt after {whole + 5} s") from error
        return json.loads(answer).get("return")

    def revive(self) -> None:
        """Make libvirt see that a guest which panicked has rebooted itself.

        libvirt 9.0 keeps a domain `crashed` after pvpanic spoke and refuses every agent call from then
        on, though QEMU runs; stop and cont on the monitor bring its view up to date (`resume` does not).
        """
        self.monitor("stop")
        self.monitor("cont")

    def monitor(self, request: dict[str, Any] | str, *, files: Sequence[int] = ()) -> Any:
        """A QMP request (dict) or a human monitor line (str); the value of its `return` or the text.

        :param files: descriptors handed over with the request (`getfd`); QEMU gets copies.
        :raise MachineError: QEMU refused.
        """
        human = isinstance(request, str)
        flags = libvirt_qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP if human else 0
        text = request if isinstance(request, str) else json.dumps(request)
        with _as_machine_error(f"monitor command {text!r} failed"):
            if files:
                answer, _ = libvirt_qemu.qemuMonitorCommandWithFiles(self._raw, text, list(files), flags)
            else:
                answer = libvirt_qemu.qemuMonitorCommand(self._raw, text, flags)
        if human:
            return str(answer)
        parsed = json.loads(answer)
        if "error" in parsed:
            raise MachineError(f"monitor command {text!r} failed: {parsed['error'].get('desc')}")
        return parsed.get("return")

    def figures(self) -> dict[str, Any]:
        """libvirt's numbers: `state.state`, `vcpu.N.time` (ns), `block.N.rd.bytes`, ... 20 ms.

        Does not wait for a domain that is busy with something else: then there are fewer numbers.

        :raise MachineError: the domain is gone.
        """
        flags = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
        with _as_machine_error("figures could not be read"):
            found = self._connection.domainListGetStats([self._raw], 0, flags)
        return dict(found[0][1]) if found else {}

    def press(self, codes: Sequence[int], *, hold_ms: int = 100) -> None:
        """Keys held down together; `codes` are Linux's.

        :raise MachineError: QEMU refused.
        """
        with _as_machine_error("keys could not be sent"):
            self._raw.sendKey(libvirt.VIR_KEYCODE_SET_LINUX, hold_ms, list(codes), len(codes), 0)

    def inject_nmi(self) -> None:
        """A non-maskable interrupt on every virtual CPU.

        :raise MachineError: QEMU refused.
        """
        with _as_machine_error("NMI could not be injected"):
            self._raw.injectNMI()

    def dump(self, path: Path, *, compressed: bool, timeout_s: float, windows: bool = False) -> None:
        """The guest's memory to `path`, from which the guest stands still (256 MiB: 0.8 s) and then goes on.

        Works in every state, `crashed` included (libvirt 9.0). The file is made here, so that it is ours
        under a privileged libvirtd too.

        :param compressed: kdump with zlib, as a flattened stream; else plain ELF.
        :param windows: a full dump in Windows' own format instead. QEMU (7.2) refuses it with "invalid
            vmcoreinfo note size" unless the guest's fwcfg driver has handed over its header.
        :raise DumpTimeout: not done in `timeout_s`.
        :raise MachineError: refused.
        """
        path.touch(mode=0o600)
        kind = (
            libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB
            if compressed
            else libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_RAW
        )
        if windows:
            kind = libvirt.VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP

        def write() -> None:
            self._raw.coreDumpWithFormat(str(path), kind, libvirt.VIR_DUMP_MEMORY_ONLY)

        with _as_machine_error("memory could not be dumped"):
            try:
                interruptible(write, timeout_s=timeout_s)
            except FutureTimeout as error:
                raise DumpTimeout(f"memory dump did not end in {timeout_s:.0f} s") from error

    def screenshot(self) -> bytes:
        """The screen as an image file (PNG or PPM, whatever QEMU made)."""
        chunks: list[bytes] = []
        with _as_machine_error("screenshot failed"):
            stream = self._connection.newStream()
            self._raw.screenshot(stream, 0)
            stream.recvAll(lambda _stream, data, _opaque: chunks.append(data), None)
            stream.finish()
        return b"".join(chunks)

    def xml(self) -> str:
        with _as_machine_error("domain XML could not be read"):
            return str(self._raw.XMLDesc())


def interruptible(call: Callable[[], Any], *, timeout_s: float) -> Any:
    """Run a C call that cannot be interrupted on its own thread and wait for it in Python.

    A signal handler can then raise in the waiting thread at once; the call itself ends by
    its own time-out and its result is dropped.
    """
    future: Future[Any] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - carried over to the waiting thread, whatever it is
            future.set_exception(error)

    threading.Thread(target=work, name="libvirt-call", daemon=True).start()
    return future.result(timeout_s)


def _agent_error(name: str, words: str) -> ChannelError:
    """Refused by the agent itself, or not delivered? libvirt 9.0 tells only by this phrase."""
    _, refused, rest = words.partition("unable to execute QEMU agent command ")
    if refused:
        return GuestAgentError("", rest.partition("': ")[2] or rest, request=name)
    return ChannelError(f"guest agent did not do {name!r}: {words}")


_QMP_NAMES = {
    "RESET": "reset",
    "GUEST_PANICKED": "panicked",
    "GUEST_CRASHLOADED": "crashloaded",
    "WATCHDOG": "watchdog",
    "SHUTDOWN": "shutdown",
    "STOP": "stopped",
    "RESUME": "resumed",
    "BLOCK_IO_ERROR": "io-error",
    "POWERDOWN": "powerdown",
}


def _monitor_event(
    _connection: Any,
    _domain: Any,
    event: str,
    _seconds: int,
    _micros: int,
    details: str | None,
    sink: EventSink,
) -> None:
    name = _QMP_NAMES.get(event)
    if name is not None:
        sink(name, json.loads(details) if details else {})


@contextlib.contextmanager
def _as_machine_error(what: str) -> Iterator[None]:
    try:
        yield
    except libvirt.libvirtError as error:
        raise MachineError(f"{what}: {error}") from error


def _version(number: int) -> str:
    """libvirt packs versions as major * 1,000,000 + minor * 1,000 + release."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
