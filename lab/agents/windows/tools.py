"""Windows' tools on one guest: each call runs one, reads back what it did, and restarts where that is asked.

Owns command lines and what their ends mean. Raises AgentFailure where a tool says no: the guest answered.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.agents import exit_codes
from lab.agents.exit_codes import Meaning, Restart, restart
from lab.agents.outcomes import AgentFailure
from lab.agents.windows import listings, safe_mode
from lab.agents.windows.guestlike import GuestLike
from lab.agents.windows.listings import Filter, Package, Service, Verification
from lab.agents.windows.safe_mode import SafeMode
from lab.guest.channel import Command
from lab.guest.windows.quoting import powershell
from lab.proc import Completed

MSI_LOG = "C:\\Windows\\Temp\\lab-msi.log"
NO_SUCH_SERVICE, ALREADY_RUNNING, NOT_RUNNING = 1060, 1056, 1062
FAULT_SHARE = 600
"""Allocations of 10,000 that low-resource simulation lets fail: Windows' own default."""
FAULTS_FROM_MIN = 1
"""Minutes after the boot from which on they fail; Windows' default of 8 is longer than most scenarios."""
_SIGNED = """\
$s=Get-AuthenticodeSignature -LiteralPath {path}; $v=(Get-Item -LiteralPath {path}).VersionInfo
ConvertTo-Json -Compress @{{ status=[string]$s.Status; signer=[string]$s.SignerCertificate.Subject
  file=[string]$v.FileVersion; product=[string]$v.ProductVersion
  parts=@($v.FileMajorPart,$v.FileMinorPart,$v.FileBuildPart,$v.FilePrivatePart) -join '.' }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A file's signature and version, as Windows reads them."""

    valid: bool
    status: str
    """`Valid`, `NotSigned`, `HashMismatch`, `NotTrusted`, ..."""
    signer: str
    version: str
    """Of the fixed part of the version resource: four numbers, the same in every language."""
    product: str


class WindowsTools:
    """On one Windows guest.

    :param guest: `lab.guest.guest.Guest`; restarts are announced in its recording.
    """

    def __init__(self, guest: GuestLike) -> None:
        self._guest = guest

    # -- packages ------------------------------------------------------------

    def install_msi(self, path: str, properties: Mapping[str, str] | None = None) -> Restart:
        """Install a package that is in the guest, and restart where it asks for that; what it asked for.

        :raise AgentFailure: with the code's meaning and the log's last failure.
        """
        words = ["msiexec.exe", "/i", path, "/qn", "/norestart", "/l*v", MSI_LOG]
        words += [f"{name}={value}" for name, value in (properties or {}).items()]
        return self._installer(words, exit_codes.MSI, f"msiexec /i {path}", log=MSI_LOG)

    def uninstall_msi(self, product: str) -> Restart:
        """:param product: the package's path, or its product code in braces."""
        words = ["msiexec.exe", "/x", product, "/qn", "/norestart", "/l*v", MSI_LOG]
        return self._installer(words, exit_codes.MSI, f"msiexec /x {product}", log=MSI_LOG)

    def install_exe(self, words: Sequence[str], codes: Mapping[int, Meaning] = exit_codes.MSI) -> Restart:
        """An installer of its own kind, with the arguments that make it silent.

        :param codes: what its exit codes mean; most take over those of MSI.
        """
        return self._installer(list(words), codes, words[0])

    def add_driver(self, inf: str) -> str:
        """Put a driver package into the store and onto its devices; its name there (`oem12.inf`)."""
        words = ["pnputil.exe", "/add-driver", inf, "/install"]
        done = self._guest.run(words)
        name = listings.published(done.text)
        self._finish(done, exit_codes.PNPUTIL, f"pnputil /add-driver {inf}")
        if not name:
            raise AgentFailure(f"pnputil /add-driver {inf}: told no published name", done)
        return name

    def delete_driver(self, published: str) -> Restart:
        """Take a driver package off its devices and out of the store."""
        words = ["pnputil.exe", "/delete-driver", published, "/uninstall", "/force"]
        return self._finish(self._guest.run(words), exit_codes.PNPUTIL, f"pnputil /delete-driver {published}")

    def driver_packages(self) -> tuple[Package, ...]:
        """Those that did not come with Windows."""
        return listings.packages(self._told(["pnputil.exe", "/enum-drivers"]))

    # -- services, filters, files -------------------------------------------

    def service(self, name: str) -> Service | None:
        """None where there is no such service or driver."""
        done = self._guest.run(["sc.exe", "query", name])
        if done.exit_code == NO_SUCH_SERVICE:
            return None
        self._finish(done, exit_codes.PLAIN, f"sc query {name}")
        found = {key.lower(): value for key, value in listings.services(done.text).items()}
        if name.lower() not in found:
            raise AgentFailure(f"sc query {name}: tells no state", done)
        return found[name.lower()]

    def start_service(self, name: str) -> None:
        """It may run already."""
        self._control("start", name, ALREADY_RUNNING)

    def stop_service(self, name: str) -> None:
        """It may have stopped already."""
        self._control("stop", name, NOT_RUNNING)

    def filters(self) -> tuple[Filter, ...]:
        """The minifilters that are loaded, with their altitudes."""
        return listings.filters(self._told(["fltmc.exe", "filters"]))

    def signed(self, path: str) -> Signed:
        """Signature and version of a file in the guest."""
        said = json.loads(self._told(_SIGNED.format(path=powershell(path))))
        return Signed(
            valid=said["status"] == "Valid",
            status=said["status"],
            signer=said.get("signer") or "",
            version=said.get("parts") or "",
            product=said.get("product") or "",
        )

    # -- Driver Verifier -----------------------------------------------------

    def verification(self) -> Verification:
        """What Driver Verifier is set to."""
        return listings.verification(self._told(["verifier.exe", "/querysettings"], exit_codes.VERIFIER))

    @contextlib.contextmanager
    def verified(self, *drivers: str, low_resources: bool = False) -> Iterator[Verification]:
        """Driver Verifier on `drivers` (`agent.sys`) for the body, with a restart before and after it.

        When the body fails the settings stay: the guest is as it crashed, and ends with its attempt.

        :param low_resources: some of the drivers' allocations fail.
        :raise AgentFailure: it is not in force after the restart, or not off at the end.
        """
        if not drivers:
            raise ValueError("verified: no driver (wanted image names such as 'agent.sys')")
        faults = ["/faults", str(FAULT_SHARE), "", "", str(FAULTS_FROM_MIN)] if low_resources else []
        self._guest.run(["verifier.exe", "/bootmode", "persistent"])
        done = self._guest.run(
            ["verifier.exe", "/flags", f"0x{listings.STANDARD:X}", *faults, "/driver", *drivers]
        )
        self._finish(done, exit_codes.VERIFIER, "verifier /flags", restarts=False)
        self._guest.reboot(reason="Driver Verifier is switched on")
        now = self.verification()
        missing = sorted({name.lower() for name in drivers} - set(now.drivers))
        if not now.on or missing or (low_resources and not now.low_resources):
            wrong = f"without {', '.join(missing)}" if missing else f"with flags 0x{now.flags:X}"
            raise AgentFailure(f"Driver Verifier is not in force as asked: {wrong}")
        yield now
        done = self._guest.run(["verifier.exe", "/reset"])
        self._finish(done, exit_codes.VERIFIER, "verifier /reset", restarts=False)
        self._guest.reboot(reason="Driver Verifier is switched off")
        if self.verification().on:
            raise AgentFailure("Driver Verifier is still on after it was reset and the guest restarted")

    # -- safe mode -----------------------------------------------------------

    def safe_mode(self, *, network: bool = False) -> contextlib.AbstractContextManager[SafeMode]:
        """See `lab.agents.windows.safe_mode`: `with windows.safe_mode():`."""
        return safe_mode.safe_mode(self._guest, network=network)

    def recovery_environment(self) -> str:
        """Where WinRE is, "" when it is switched off."""
        return safe_mode.recovery_environment(self._guest)

    # -- parts ---------------------------------------------------------------

    def _control(self, verb: str, name: str, already: int) -> None:
        done = self._guest.run(["sc.exe", verb, name])
        if done.exit_code != already:
            self._finish(done, exit_codes.PLAIN, f"sc {verb} {name}")

    def _told(self, command: Command, codes: Mapping[int, Meaning] = exit_codes.PLAIN) -> str:
        done = self._guest.run(command)
        if not exit_codes.meaning(codes, done.exit_code).done:
            raise AgentFailure(f"{done.command}: {exit_codes.words(codes, done.exit_code)}", done)
        return done.text

    def _installer(
        self, words: list[str], codes: Mapping[int, Meaning], what: str, *, log: str = ""
    ) -> Restart:
        return self._finish(self._guest.run(words), codes, what, log=log)

    def _finish(
        self,
        done: Completed,
        codes: Mapping[int, Meaning],
        what: str,
        *,
        log: str = "",
        restarts: bool = True,
    ) -> Restart:
        """Judge the exit code, and restart where it says so."""
        found = exit_codes.meaning(codes, done.exit_code)
        if not found.done:
            tail = self._last_failure(log) if log else ""
            raise AgentFailure(f"{what}: {exit_codes.words(codes, done.exit_code)}{tail}", done)
        if restarts:
            restart(self._guest, found.restart, what)
        return found.restart

    def _last_failure(self, log: str) -> str:
        """The action that ended an installation: the log has `Return value 3` behind it."""
        script = (
            f"Get-Content -LiteralPath {powershell(log)} | Select-String -SimpleMatch 'Return value 3'"
            " | Select-Object -First 1 | ForEach-Object Line"
        )
        found = self._guest.run(script).text.strip()
        return f"; its log: {found[:200]}" if found else ""
