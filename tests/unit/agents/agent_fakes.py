"""An agent folder on disk and a guest that behaves as its demo agent does, for the tests of lab.agents."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from lab.guest.channel import GuestCommandTimeout
from lab.model import Family
from lab.places import Places
from lab.proc import Completed

MANIFEST = """\
name: {name}
families:
  linux:
    dir: /opt/demo
    bundle: /opt/demo.tgz
    files:
      - {{ path: demo.sh, to: demo.sh, mode: 0755, sha256: {script} }}
    builds:
      1.0: {{ files: [{{ path: one.bin, to: builds/1.0/bin, sha256: {one} }}] }}
      1.1:
        compile:
          source: src
          command: make BUILD={{build}} KERNEL={{kernel_release}}
          outputs: [{{ path: out/bin, to: builds/1.1/bin, mode: 0755 }}]
    contents:
      290: {{ path: 290.content, to: content/290, sha256: {good} }}
      291: {{ path: 291.content, to: content/291, sha256: {bad} }}
    install: {{ run: "install {{build}} {{content}}", timeout: 100s }}
    update_build: {{ run: "update-build {{build}}" }}
    update_content: {{ run: "update-content {{content}}" }}
    rollback: {{ run: "rollback {{build}} {{content}}" }}
    start: {{ run: start }}
    stop: {{ run: stop }}
    uninstall: {{ run: uninstall }}
    leftovers: {{ run: leftovers }}
    health: {{ run: status, patience: 0s }}
    version: {{ run: {version} }}
    exercise:
      trigger: {{ run: probe }}
      counter: {{ run: status, key: matches }}
    features:
      log: {{ on: {{ run: log on }}, off: {{ run: log off }} }}
      watch:
        on: {{ run: log on }}
        off: {{ run: log off }}
        exercise: {{ trigger: {{ run: probe }}, counter: {{ run: status, key: logged }} }}
    activity: {{ run: "busy {{rate}} {{seconds}}", rate: 5 }}
    samples:
      run: usage
      values: {{ agent_rss_kib: rss, agent_handles: fds, agent_events: matches }}
      events: agent_events
    limits: {{ agent_handles: 100 }}
"""


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_agent(
    directory: Path, *, name: str | None = None, version: str = "status", text: str | None = None
) -> Path:
    """An agent folder; `text` replaces the whole manifest."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {
        "demo.sh": b"#!/bin/sh\n",
        "one.bin": b"build one",
        "290.content": b"two nine zero",
        "291.content": b"two nine one",
    }
    for file, data in files.items():
        (directory / file).write_bytes(data)
    (directory / "src").mkdir(exist_ok=True)
    (directory / "src/main.c").write_text("int main;\n")
    filled = MANIFEST.format(
        name=name or directory.name,
        version=version,
        script=sha(files["demo.sh"]),
        one=sha(files["one.bin"]),
        good=sha(files["290.content"]),
        bad=sha(files["291.content"]),
    )
    (directory / "agent.yaml").write_text(filled if text is None else text)
    return directory


def places_in(root: Path) -> Places:
    return Places(cache=root / "cache", state=root / "state", runtime=root / "run")


@dataclass(frozen=True)
class FakeImage:
    """As much of a built image as agents look at."""

    name: str = "debian-12"
    family: Family = Family.LINUX
    kernel_release: str = "6.1.0-9-amd64"
    sdk: Path | None = None


@dataclass
class FakeGuest:
    """A guest with the agent of MANIFEST in it; set the switches to make it misbehave."""

    refuses: dict[str, str] = field(default_factory=dict)
    """Content -> the agent's words."""
    breaks: dict[str, str] = field(default_factory=dict)
    """First word of a command -> what it says on stderr, exiting with 1."""
    hangs: set[str] = field(default_factory=set)
    deaf: bool = False
    """The counter does not move."""
    ignores_updates: bool = False
    leaves: tuple[str, ...] = ()
    build: str = ""
    content: str = ""
    running: bool = False
    matches: int = 0
    unwell_for: int = 0
    """So many times more the status says that it is not healthy."""
    commands: list[str] = field(default_factory=list)
    limits: list[float | None] = field(default_factory=list)
    received: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    def put(self, source: bytes | Path, to: str) -> None:
        data = source if isinstance(source, bytes) else source.read_bytes()
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            members = {one.name: archive.extractfile(one) for one in archive.getmembers()}
            self.received.append((to, {name: file.read() for name, file in members.items() if file}))

    def run(self, command: str, *, timeout_s: float | None = None) -> Completed:
        self.commands.append(command)
        self.limits.append(timeout_s)
        verb, *words = command.split()
        if verb in self.hangs:
            raise GuestCommandTimeout(repr(command), timeout_s or 0)
        if verb in self.breaks:
            return Completed(exit_code=1, stderr=self.breaks[verb].encode(), command=command)
        method = getattr(self, "_" + verb.replace("-", "_"))
        code, text = method(*words)
        return Completed(exit_code=code, stdout=text.encode(), command=command)

    def _install(self, build: str, content: str) -> tuple[int, str]:
        self.build, self.running = build, True
        return self._take(content)

    def _update_build(self, build: str) -> tuple[int, str]:
        self.build = self.build if self.ignores_updates else build
        return 0, ""

    def _update_content(self, content: str) -> tuple[int, str]:
        return (0, "") if self.ignores_updates else self._take(content)

    def _take(self, content: str) -> tuple[int, str]:
        if content in self.refuses:
            return 3, f"refused={self.refuses[content]}\n"
        self.content = content
        return 0, ""

    def _rollback(self, build: str, content: str) -> tuple[int, str]:
        if not self.ignores_updates:
            self.build, self.content = build, content
        return 0, ""

    def _start(self) -> tuple[int, str]:
        self.running = True
        return 0, ""

    def _stop(self) -> tuple[int, str]:
        self.running = False
        return 0, ""

    def _uninstall(self) -> tuple[int, str]:
        self.build, self.content, self.running = "", "", False
        return 0, ""

    def _leftovers(self) -> tuple[int, str]:
        return 0, "".join(f"leftover={one}\n" for one in self.leaves)

    def _probe(self) -> tuple[int, str]:
        self.matches += 0 if self.deaf else 1
        return 0, ""

    def _busy(self, rate: str, seconds: str) -> tuple[int, str]:
        self.matches += int(rate) * int(seconds)
        return 0, f"done={int(rate) * int(seconds)}\nerrors=0\n"

    def _usage(self) -> tuple[int, str]:
        return 0, f"rss=640\nfds=\nmatches={self.matches}\n"

    def _log(self, state: str) -> tuple[int, str]:
        return 0, f"log={state}\n"

    def _version(self) -> tuple[int, str]:
        return 0, f"build={self.build}\ncontent={self.content}\n"

    def _status(self) -> tuple[int, str]:
        well = self.running and self.unwell_for <= 0
        self.unwell_for -= 1
        words = "" if well else "the service does not run"
        text = (
            self._version()[1]
            + f"healthy={'yes' if well else 'no'}\nmessage={words}\n"
            + f"matches={self.matches}\nlogged={self.matches}\n"
        )
        return 0 if well else 1, text
