"""The POSIX shell as the lab needs it: quoting and the few scripts that channels run.

The only module that knows a guest's shell. Scripts take their values as arguments, so no path
or command is ever pasted into shell text; SSH, which carries one line, gets it quoted.
Everything here works in dash, bash and busybox ash.
"""

from __future__ import annotations

import re
import shlex

from lab.guest.channel import Command

SH = "/bin/sh"
LONGEST = 32 << 10
"""Bytes of a command. Escaped for JSON it must stay below what libvirt can send to the agent in one
go (208 KiB, see lab.guest.agent_channel), and below the kernel's 128 KiB for one argument."""
BOOT_ID = "/proc/sys/kernel/random/boot_id"

SURROUNDINGS = (
    'PATH="${PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}" HOME="${HOME:-/root}"; '
    "export PATH HOME; cd /; "
)
"""The guest agent's service and sshd start commands with different surroundings; a command must not depend
on the channel."""

LEADER = "setsid"
"""Makes the process group that a deadline kills, and becomes what it is told to run."""

# Output goes to files that lose their names at once: nothing is left behind, whatever happens. Nothing here
# waits for the command: the pid that the agent reports, its exit code and its signal are the command's own,
# and of text those of the shell that reads it on from here. Each program more costs an emulated guest 30 ms.
_SPOOLED = (
    'exec >>"$1" 2>>"$2" || exit 126; rm -f "$1" "$2"; '
    'if [ -n "$3" ]; then exec <"$3" || exit 126; rm -f "$3"; fi; '
    "shift 3; " + SURROUNDINGS + "\n"
)

# sync: without it a file and its new name can be lost when the guest panics seconds later.
_INSTALL = (
    'part=$1 to=$2 mode=$3 size=$4 sha=$5; fail() { rm -f "$part"; echo "$1" >&2; exit 1; }; '
    '[ ! -d "$to" ] || fail "is a directory"; '
    'have=$(wc -c <"$part") || fail "could not be written"; '
    '[ "$have" -eq "$size" ] || fail "arrived with $have bytes (wanted $size)"; '
    "if command -v sha256sum >/dev/null 2>&1; then "
    'have=$(sha256sum <"$part"); have=${have%% *}; '
    '[ "$have" = "$sha" ] || fail "arrived with sha256 $have (wanted $sha)"; fi; '
    'chmod "$mode" "$part" && { sync "$part" 2>/dev/null || sync; } && mv -f "$part" "$to" '
    '|| fail "could not be put in place"; sync "${to%/*}/" 2>/dev/null || sync'
)
_RECEIVE = 'part=$1; cat >"$part" || { rm -f "$part"; exit 1; }; '  # cat says why

REBOOT = (
    "if [ -d /run/systemd/system ]; then ask='systemctl reboot'; else ask=reboot; fi; "
    # The answer to this command must be on its way before the guest's network and agent go.
    '(trap "" HUP; sleep 1; $ask || reboot -f) </dev/null >/dev/null 2>&1 &'
)

FACTS = (
    "cat /etc/os-release 2>/dev/null; echo; echo '--lab--'; uname -r; cat /proc/uptime; "
    f"cat {BOOT_ID}; grep MemTotal /proc/meminfo"
)


def words(command: Command) -> list[str]:
    """The argument vector of a command; text becomes an argument of the shell.

    :raise ValueError: there is nothing to run, it is too long, or holds a NUL byte, which no argument can.
    """
    argv = [SH, "-c", command] if isinstance(command, str) else list(command)
    if not argv or not command:
        raise ValueError(f"guest command {command!r}: empty (wanted text or a program and its arguments)")
    if any("\0" in word for word in argv):
        raise ValueError(f"guest command {command!r}: holds a NUL byte (no program can be given one)")
    size = sum(len(word.encode("utf-8", "surrogateescape")) for word in argv)
    if size > LONGEST:
        raise ValueError(
            f"guest command {argv[-1][:40]!r}...: {size} bytes (wanted {LONGEST}; `put` a script)"
        )
    return argv


def readable(command: Command) -> str:
    """One text for people, logs and recordings."""
    return command if isinstance(command, str) else shlex.join(command)


def quote(word: str) -> str:
    """`word` as the shell would need it to read exactly this."""
    return shlex.quote(word)


def spooled(out: str, err: str, stdin: str, command: Command) -> list[str]:
    """Arguments of `/bin/sh` that run a command with its streams in files; `stdin` "" is none."""
    if isinstance(command, str):
        return ["-c", _SPOOLED + command, "sh", out, err, stdin]
    return ["-c", _SPOOLED + 'exec "$@"', "sh", out, err, stdin, *command]


def announced(token: str, argv: list[str]) -> str:
    """One line for a remote shell that prints `token` and the pid, then becomes `argv`.

    What a login shell's start-up files print comes before the token and can be told apart.
    """
    script = f"echo {quote(token)} $$; {SURROUNDINGS}exec {shlex.join(argv)}"
    return f"exec {SH} -c {quote(script)}"


def kill_group(pid: int) -> str:
    """Kill the process group that `pid` leads, or only `pid` when it leads none."""
    return f"kill -9 -{pid} 2>/dev/null || kill -9 {pid}"


def part_of(to: str, token: str) -> str:
    """Where a file is collected before it takes its name, on the same file system.

    :raise ValueError: `to` is not absolute or names no file.
    """
    if not to.startswith("/") or to.endswith("/") or "\0" in to:
        raise ValueError(f"guest path {to!r}: not usable (wanted the absolute path of a file)")
    return f"{to}.part-{token}"


def install(part: str, to: str, mode: int, size: int, sha256: str) -> list[str]:
    """Check a collected file and give it its name and mode; says on stderr why not."""
    return [SH, "-c", _INSTALL, "lab", part, to, f"{mode:o}", str(size), sha256]


def receive(part: str, to: str, mode: int, size: int, sha256: str) -> list[str]:
    """Collect stdin in `part`, then as `install`."""
    return [SH, "-c", _RECEIVE + _INSTALL, "lab", part, to, f"{mode:o}", str(size), sha256]


def digest_of_first(path: str, size: int) -> list[str]:
    """Print the sha256 of the first `size` bytes (a log may grow while it is read); "" without the tool."""
    script = 'command -v sha256sum >/dev/null 2>&1 || exit 0; head -c "$2" "$1" | sha256sum'
    return [SH, "-c", script, "lab", path, str(size)]


_ASSIGNMENT = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)


def assignments(text: str) -> dict[str, str]:
    """The variables of an os-release file; lines that cannot be read are left out."""
    found: dict[str, str] = {}
    for name, raw in _ASSIGNMENT.findall(text):
        try:
            found[name] = "".join(shlex.split(raw)[:1])
        except ValueError:
            continue
    return found
