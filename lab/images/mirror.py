"""Where this machine gets Debian packages from, read from its own apt configuration.

Both formats of sources (`*.sources`, deb822, and one-line `*.list`) are read; no host name is ever
written in the repository. Proxy, retry and date settings of the machine's apt go along, so that a build
reaches the archive the way the machine itself does. Reads files only; downloads nothing.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import HostError

SECURITY_SUITE = re.compile(r"(-security|/updates)$")
PASSED_ON = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Retries",
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
    "Acquire::https::CAInfo",
)
"""Settings of the machine's apt that a build takes over; they decide whether the archive is reachable."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One archive that the machine uses: an address, the suites taken from it, its components."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]

    @property
    def security(self) -> bool:
        return all(SECURITY_SUITE.search(suite) for suite in self.suites)


@dataclass(frozen=True, slots=True)
class Mirror:
    """The addresses of the main and, where the machine has one, the security archive."""

    main: str
    security: str | None

    def lines(self, suites: Sequence[str]) -> tuple[str, ...]:
        """One-line apt sources for the suites; `*-security` ones come from the security archive.

        Security suites are left out when the machine has no security archive: `missing` names them.
        """
        return tuple(f"deb {uri} {suite} main" for suite in suites if (uri := self._uri(suite)) is not None)

    def missing(self, suites: Sequence[str]) -> tuple[str, ...]:
        """The suites that this machine has no archive for."""
        return tuple(suite for suite in suites if self._uri(suite) is None)

    def _uri(self, suite: str) -> str | None:
        return self.security if SECURITY_SUITE.search(suite) else self.main


def read(etc_apt: Path = Path("/etc/apt")) -> Mirror:
    """The machine's Debian mirror.

    :raise HostError: no source with the component `main` is configured.
    """
    entries = [entry for path in _files(etc_apt) for entry in _parse(path)]
    usable = [entry for entry in entries if "main" in entry.components]
    main = next((entry.uri for entry in usable if not entry.security), None)
    security = next((entry.uri for entry in usable if entry.security), None)
    if main is None:
        raise HostError(
            f"no Debian archive in {str(etc_apt)!r} (wanted a `deb` source with the component 'main')",
            hint="add the mirror this machine should use to /etc/apt/sources.list, then `apt-get update`",
        )
    return Mirror(main, security)


def apt_options() -> tuple[str, ...]:
    """The machine's own apt settings among `PASSED_ON`, as lines for an apt.conf."""
    try:
        done = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, check=False, timeout=20)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ()
    return select_options(done.stdout.decode("utf-8", "replace"))


def select_options(dump: str) -> tuple[str, ...]:
    """The lines of `apt-config dump` that a build takes over, with a value."""
    wanted = {name.lower() for name in PASSED_ON}
    found = (line.strip() for line in dump.splitlines())
    return tuple(line for line in found if line.partition(" ")[0].lower() in wanted and '""' not in line)


def _files(etc_apt: Path) -> Iterator[Path]:
    if (etc_apt / "sources.list").is_file():
        yield etc_apt / "sources.list"
    directory = etc_apt / "sources.list.d"
    if directory.is_dir():
        yield from sorted(path for path in directory.iterdir() if path.suffix in (".list", ".sources"))


def _parse(path: Path) -> Iterator[Entry]:
    text = path.read_text(encoding="utf-8", errors="replace")
    yield from _deb822(text) if path.suffix == ".sources" else _one_line(text)


def _one_line(text: str) -> Iterator[Entry]:
    """`deb [options] URI SUITE COMPONENT...` (sources.list(5))."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)", line)
        if match and _reachable(match[1]):
            yield Entry(match[1].rstrip("/"), (match[2],), tuple(match[3].split()))


def _deb822(text: str) -> Iterator[Entry]:
    """Stanzas of `Key: value` with continuation lines; `Enabled: no` switches one off."""
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[key] = f"{fields.get(key, '')} {line.strip()}"
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        suites, components = fields.get("suites", "").split(), fields.get("components", "").split()
        for uri in fields.get("uris", "").split():
            if suites and _reachable(uri):
                yield Entry(uri.rstrip("/"), tuple(suites), tuple(components))


def _reachable(uri: str) -> bool:
    """A CD is not: the build could not ask for the next disc."""
    return not uri.startswith("cdrom:")
