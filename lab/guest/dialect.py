"""What channels, guest and heartbeat must know of a guest's operating system, and nothing else of it.

Owns the seam and its POSIX side; `lab.guest.dialects` says which one an image's family has. Refuses to
run anything: a dialect makes commands and reads answers.
"""

from __future__ import annotations

from typing import Protocol

from lab.guest import facts, shell, waking
from lab.guest.channel import Channel, Command
from lab.guest.facts import Facts
from lab.model import Identity


class Dialect(Protocol):
    """One family's ways."""

    @property
    def reboot(self) -> Command:
        """Asks for a reboot and returns before it."""
        ...

    @property
    def facts(self) -> Command:
        """Prints what `parse_facts` reads."""
        ...

    def parse_facts(self, text: str) -> Facts: ...

    def readable(self, command: Command) -> str:
        """One text for people, logs and recordings."""
        ...

    def remote(self, token: str, command: Command) -> tuple[str, bytes]:
        """The line for a remote shell that prints `token` and the pid and then runs `command`, and what its
        stdin must begin with. Without all of that the line runs nothing of `command`, and prints no token.

        :raise ValueError: the command cannot be passed.
        """
        ...

    def kill(self, pid: int) -> str:
        """The line that ends such a command with everything it started."""
        ...

    def part_of(self, to: str, token: str) -> str:
        """Where a file is collected before it takes its name, on the same file system.

        :raise ValueError: `to` is not absolute or names no file.
        """
        ...

    def crash_log(self, age_s: float) -> Command | None:
        """Prints what the guest itself has written down of crashes in the last `age_s` seconds; None where it
        keeps no such log that outlives them."""
        ...

    def wake(self, now_s: float, identity: Identity, name: str, generation: str) -> Command:
        """Sets the clock and prints what `lab.guest.waking` reads; its stdin is fresh randomness.

        :param generation: `same` where the machine's generation id is what it was.
        :raise ValueError: the family cannot be given a new identity so.
        """
        ...

    def boot_id(self, channel: Channel, timeout_s: float) -> str:
        """What is drawn, or counted up, at each boot and never moves during one.

        :raise ChannelError: it could not be read.
        """
        ...


class Posix:
    """Linux, and whatever has a POSIX shell and /proc."""

    reboot: Command = shell.REBOOT
    facts: Command = shell.FACTS

    def parse_facts(self, text: str) -> Facts:
        return facts.parse(text)

    def readable(self, command: Command) -> str:
        return shell.readable(command)

    def remote(self, token: str, command: Command) -> tuple[str, bytes]:
        return f"IFS= read -r go && {shell.announced(token, shell.words(command))}", b"go\n"

    def kill(self, pid: int) -> str:
        return shell.kill_group(pid)

    def part_of(self, to: str, token: str) -> str:
        return shell.part_of(to, token)

    def crash_log(self, age_s: float) -> Command | None:  # noqa: ARG002 - the seam's
        """Its console is recorded, which tells more."""
        return None

    def wake(self, now_s: float, identity: Identity, name: str, generation: str) -> Command:
        return waking.linux(now_s, identity, name, generation)

    def boot_id(self, channel: Channel, timeout_s: float) -> str:
        return channel.get(shell.BOOT_ID, timeout_s=timeout_s).decode("ascii", "replace").strip()


POSIX = Posix()
