"""One run of mmdebstrap: the only place that downloads packages and makes a root directory of them.

Runs as root or, for anybody else, in a user namespace (`--mode=unshare`); therefore everything that
needs the root directory happens in hooks inside the run, and results leave it with mmdebstrap's own
`copy-out`. The root directory itself is always temporary. It knows nothing of images.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import proc
from lab.errors import BuildError
from lab.images import mirror, tools
from lab.images.progress import Progress

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""Of the package debian-archive-keyring; also on hosts that are not Debian."""
NEEDS = (tools.MMDEBSTRAP, tools.APT)
OUT = "lab-out"
"""Directory in the root that hooks leave results in and that is copied out at the end."""
NO_SPACE = re.compile(r"No space left on device|not enough free space", re.IGNORECASE)
UNSIGNED = re.compile(r"NO_PUBKEY|EXPKEYSIG|is not signed|signatures were invalid")
EXPIRED = re.compile(r"Release file for .* is expired")
UNREACHABLE = re.compile(
    r"Could not (?:resolve|connect)|Temporary failure resolving|Unable to connect|Failed to fetch"
)
STAGES = {
    "running apt-get update": "reading package lists",
    "downloading packages": "downloading packages",
    "extracting archives": "unpacking packages",
    "installing essential": "installing the essential packages",
    "installing remaining": "installing packages",
}
"""mmdebstrap's own messages -> the stage as the lab tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """What to make a root directory of, and what to do in it."""

    suites: tuple[str, ...]
    """The first is the release itself."""
    packages: tuple[str, ...]
    variant: str
    """mmdebstrap's: `minbase` (apt and essential packages) or `extract` (unpacked, not configured)."""
    setup: tuple[str, ...] = ()
    """Hooks before any package is there. Shell text; `$1` is the root directory."""
    hooks: tuple[str, ...] = ()
    """Hooks when all packages are there."""
    options: tuple[str, ...] = ()


def run(spec: Bootstrap, scratch: Path, progress: Progress, *, timeout_s: float = 1800) -> Path:
    """Make the root directory, run the hooks, remove it; what hooks left in `/lab-out` is returned.

    :param scratch: directory of the caller's; the result is `scratch/lab-out`.
    :raise HostError: mmdebstrap or a Debian mirror is missing on this host.
    :raise BuildError: mmdebstrap failed; `log` has the end of its output.
    """
    tools.require(NEEDS, "making a guest image")
    if os.geteuid() != 0:
        tools.require([tools.UIDMAP], "making a guest image without root")
    if not KEYRING.is_file():
        raise BuildError(
            f"archive keyring {str(KEYRING)!r}: no such file (wanted to verify packages)",
            hint="apt-get install debian-archive-keyring",
        )
    lines: list[str] = []

    def heard(line: str) -> None:
        lines.append(line)
        if line.startswith("lab: "):
            progress.stage(line.removeprefix("lab: "))
        for words, stage in STAGES.items():
            if line.startswith(f"I: {words}"):
                progress.stage(stage)

    argv = _argv(spec, scratch)
    environment = {
        **os.environ,
        "TMPDIR": str(_workspace(scratch)),
        "PATH": tools.SEARCH,
        "LC_ALL": "C.UTF-8",
    }
    done = proc.run(_owned(argv, scratch), timeout_s=timeout_s, env=environment, on_line=heard)
    if not done.ok:
        raise _failure(spec, done.exit_code, lines)
    return scratch / OUT


def _argv(spec: Bootstrap, scratch: Path) -> list[str]:
    root = os.geteuid() == 0
    # mmdebstrap ends an `extract` run before its customize hooks (1.3.5), so its last ones are these.
    when = "extract" if spec.variant == "extract" else "customize"
    settings = ('Acquire::Languages "none"', *mirror.apt_options())
    return [
        "mmdebstrap",
        f"--mode={'root' if root else 'unshare'}",
        f"--variant={spec.variant}",
        "--architectures=amd64",
        f"--keyring={KEYRING}",
        f"--include={','.join(spec.packages)}",
        # The root directory is thrown away; cleaning it would only be another apt-get run.
        "--skip=cleanup",
        *(f"--aptopt={setting}" for setting in settings),
        *(f"--setup-hook={hook}" for hook in spec.setup),
        *(f"--{when}-hook={hook}" for hook in (*spec.hooks, f"copy-out /{OUT} {scratch}")),
        *spec.options,
        spec.suites[0],
        "/dev/null",
        *mirror.read().lines(spec.suites),
    ]  # fmt: skip


def _owned(argv: list[str], scratch: Path) -> list[str]:
    """The command, ended when the lab is killed, and holding the scratch directory's lock until it has ended.

    setpriv asks the kernel for SIGTERM on the parent's death, upon which mmdebstrap removes its root
    directory. Run by root, mmdebstrap binds the host's /dev/shm and more into that directory (1.3.5); in a
    mount namespace of its own they go with its last process. flock passes its lock on to every descendant: a
    scratch directory whose lock is free has nobody working in it. All are in util-linux (essential).
    """
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else []
    lock = ["flock", "--shared", "--no-fork", str(scratch / ALIVE)]
    return ["setpriv", "--pdeathsig", "TERM", *namespace, *lock, *argv]


ALIVE = ".alive"


def _workspace(scratch: Path) -> Path:
    """Where mmdebstrap puts its root directory: in the scratch directory if its namespace can get there."""
    if os.geteuid() == 0:
        return scratch
    open_path = all(directory.stat().st_mode & 0o001 for directory in scratch.parents)
    if not open_path:
        return Path(tempfile.gettempdir())
    workspace = scratch / "root"
    workspace.mkdir(exist_ok=True)
    scratch.chmod(0o711)
    workspace.chmod(0o1777)
    return workspace


def words_of(lines: Sequence[str]) -> list[str]:
    """mmdebstrap's output without blank lines and the text of our own hooks, which it repeats in full."""
    kept: list[str] = []
    echo = False
    for line in lines:
        if line.startswith(("I: running --", "E: setup failed: E: command failed:", "E: command failed:")):
            echo = True
        elif echo and line.startswith(("I: ", "W: ", "E: ", "' exec ")):
            echo = False
            if line.startswith("' exec "):
                continue
        if not echo and line.strip():
            kept.append(line)
    return kept


def culprit(words: Sequence[str]) -> str:
    """The line to quote: what was said last before mmdebstrap began to clean up, or its own last error."""
    for at, line in enumerate(words):
        if line.startswith(("umount:", "W: umount", "I: main() received signal")) and at:
            return words[at - 1].removeprefix("E: ")
    errors = [line for line in words if line.startswith("E: ") and "failed to run" not in line]
    return errors[0].removeprefix("E: ") if errors else (words[-1] if words else "no output")


def _failure(spec: Bootstrap, exit_code: int, lines: Sequence[str]) -> BuildError:
    """What mmdebstrap stumbled over, in the lab's words where the cause is a common one."""
    words = words_of(lines)[-60:]
    log = "\n".join(words)
    what = f"packages of {spec.suites[0]!r}"
    if NO_SPACE.search(log):
        return BuildError(
            f"{what}: the disk is full", hint="make room, or set LAB_HOME to a larger disk", log=log
        )
    if UNSIGNED.search(log):
        first = next(line for line in words if UNSIGNED.search(line)).strip()
        hint = "apt-get update && apt-get install debian-archive-keyring"
        return BuildError(
            f"{what}: the archive's signature is not of a known key: {first}", hint=hint, log=log
        )
    if EXPIRED.search(log):
        first = next(line for line in words if EXPIRED.search(line)).strip()
        hint = (
            "use a current mirror; for one that is frozen on purpose, set Acquire::Check-Valid-Until "
            '"false" in this machine\'s /etc/apt/apt.conf.d (builds take it over)'
        )
        return BuildError(f"{what}: the archive is out of date: {first}", hint=hint, log=log)
    if UNREACHABLE.search(log):
        first = next(line for line in words if UNREACHABLE.search(line)).strip()
        hint = "check this machine's apt sources with `apt-get update`"
        return BuildError(f"{what}: the archive cannot be reached: {first}", hint=hint, log=log)
    return BuildError(f"{what}: 'mmdebstrap' exited with {exit_code}: {culprit(words)}", log=log)


def script(name: str, **values: str | int) -> str:
    """A script of `lab/images/scripts` as a hook, with `values` set as shell variables before it."""
    text = (Path(__file__).parent / "scripts" / f"{name}.sh").read_text(encoding="utf-8")
    assignments = "".join(f"{key}={_quoted(str(value))}\n" for key, value in values.items())
    return f"{assignments}{text}"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
