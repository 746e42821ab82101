"""The first thing a clone is told: what time it is, fresh randomness, and whether it is somebody new.

A clone goes on from the moment its template was frozen: its clock is behind by the template's age,
and every clone would draw the same random numbers. Both are mended before a scenario sees the
guest, and time is seen to move, since a clone whose clock stands still hangs later and elsewhere.
Refuses guests it has no words for (`WAKING`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from lab.errors import ChannelError
from lab.guest import shell
from lab.guest.channel import Command
from lab.model import Family, Identity
from lab.proc import Completed

SEED_BYTES = 64
"""Mixed into the kernel's pool, and as many again left for the next boot."""

LINUX = (
    shell.SURROUNDINGS
    + r"""
# Every program that is started costs a clone 30 ms under emulation, so the shell does what it can itself.
exec 2>/dev/null
read -r seed
read -r later
printf %s "$seed" > /dev/urandom
# What is written is used at the kernel's next reseeding, in up to 5 minutes. A driver of the generation id
# reseeds at once (5.18 on) where that id is new; else RNDRESEEDCRNG (random(4)) does it.
reseeded=kernel driver=
for found in /sys/bus/*/drivers/vmgenid; do [ -d "$found" ] && driver=$found; done
if [ "$4" = same ] || [ -z "$driver" ]; then
  reseeded=no
  perl -e 'open(my $f, "<", "/dev/urandom") or exit 1; exit !ioctl($f, 0x5207, 0)' && reseeded=asked
fi
# The seed that the next boot starts from is its template's until then.
for kept in /var/lib/systemd/random-seed /var/lib/urandom/random-seed; do
  [ -f "$kept" ] && printf %s "$later" > "$kept"
done
read first rest < /proc/uptime
now=$(date -u -s "@$1" +%s) || now=$(date -u -s "@${1%.*}" +%s) || now=0
# The battery's clock is QEMU's, which goes by the host's; one that does not is set for the next boot.
rtc=0
read rtc < /sys/class/rtc/rtc0/since_epoch
off=$((rtc - now))
[ "${off#-}" -gt 2 ] && (hwclock -w -u > /dev/null &)
if [ "$2" = new ]; then
  read id < /proc/sys/kernel/random/uuid
  left=$id id=
  while [ -n "$left" ]; do id=$id${left%%-*}; case $left in *-*) left=${left#*-} ;; *) left= ;; esac; done
  [ -e /etc/machine-id ] && echo "$id" > /etc/machine-id
  dbus=/var/lib/dbus/machine-id
  [ -f $dbus ] && [ ! -L $dbus ] && echo "$id" > $dbus
  read old < /proc/sys/kernel/hostname
  echo "$3" > /proc/sys/kernel/hostname
  echo "$3" > /etc/hostname
  [ -n "$old" ] && sed -i "s/\(^\|[[:space:]]\)$old\([[:space:]]\|\$\)/\1$3\2/g" /etc/hosts
  rm -f /var/lib/dhcp/*.lease* /var/lib/dhcp/*duid* /var/lib/dhcpcd/*.lease /var/lib/dhcpcd/duid \
    /etc/dhcpcd.duid /var/lib/systemd/network/*
fi
tries=0
read second rest < /proc/uptime
while [ "$second" = "$first" ] && [ $tries -lt 20 ]; do
  sleep 0.05
  tries=$((tries + 1))
  read second rest < /proc/uptime
done
read host < /proc/sys/kernel/hostname
echo "woken first=$first second=$second date=$now reseeded=$reseeded host=$host"
"""
)

WAKING: Mapping[Family, str] = MappingProxyType({Family.LINUX: LINUX})
"""How clones of each family are woken. Arguments: the time, the identity, a host name, `same` where the
generation id is what it was. A family that is not here starts from power-off; what is restored from a
checkpoint is no clone and is woken in every dialect."""
Waking = Callable[[float, Identity, str, str], Command]
"""Makes the command: seconds since the epoch, identity, host name, generation."""

ANSWER = re.compile(
    r"woken first=([\d.]+) second=([\d.]+) date=(\d+)(?: reseeded=(\w+))?(?: host=(\S*))?", re.ASCII
)
MARGIN_S = 2.0
"""The guest tells whole seconds. Its time lies between ours before and after, however busy the host."""


class CloneAsleep(ChannelError):
    """A clone does not answer, its time does not move, or its clock cannot be set: it must not be used."""


class GuestLike(Protocol):
    """What of `lab.guest.guest.Guest` is needed here."""

    def run(
        self,
        command: Command,
        timeout_s: float | None = None,
        check: bool = False,
        *,
        stdin: bytes = b"",
        brief: bool = False,
    ) -> Completed: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """What waking found."""

    moved_s: float
    """How far the guest's uptime got meanwhile."""
    off_s: float
    """How far its clock is from the host's now, at most: what the command took is in it."""
    reseeded: str = ""
    """Who made the kernel draw on fresh randomness: `kernel` (the generation id), `asked`, or `no`: then it
    does so within five minutes."""
    host: str = ""
    """The guest's name of itself."""


def linux(now_s: float, identity: Identity, name: str, generation: str) -> Command:
    """For any Linux with a POSIX shell."""
    return ["/bin/sh", "-c", LINUX, "wake", f"{now_s:.3f}", identity.value, name, generation]


def wake(
    guest: GuestLike,
    now: Callable[[], float],
    *,
    words: Waking = linux,
    identity: Identity = Identity.KEEP,
    name: str = "",
    generation: str = "new",
) -> Woken:
    """Set the clock, mix in randomness, give it an identity, see time move.

    :param now: seconds since the epoch.
    :param words: of the guest's dialect.
    :param name: host name of a clone that is somebody new. Its SSH host keys stay: they are pinned.
    :param generation: `same` where the machine's generation id has not changed (a restored checkpoint).
    :raise CloneAsleep: time stands still, or the clock did not take the time.
    :raise ChannelError: the guest does not answer.
    """
    before = now()
    command = words(before, identity, name, generation)
    seeds = f"{secrets.token_hex(SEED_BYTES)}\n{secrets.token_hex(SEED_BYTES)}\n"
    done = guest.run(command, stdin=seeds.encode("ascii"), brief=True)
    told = ANSWER.search(done.text)
    if told is None:
        raise CloneAsleep(
            f"a clone could not be woken: exit code {done.exit_code}: {done.error_text or done.text!r}"
        )
    moved_s = float(told[2]) - float(told[1])
    if moved_s <= 0:
        raise CloneAsleep(f"time stands still in a clone: uptime is {told[1]} and stays")
    after = now()
    off_s = abs(after - float(told[3]))
    if not before - MARGIN_S <= float(told[3]) <= after + MARGIN_S:
        raise CloneAsleep(f"the clock of a clone could not be set: it is {off_s:.0f} s off")
    return Woken(moved_s=round(moved_s, 3), off_s=round(off_s, 1), reseeded=told[4] or "", host=told[5] or "")
