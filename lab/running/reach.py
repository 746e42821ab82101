"""The channels into a machine's guest, most trusted first, in its family's own kind.

Owns the choice; an image says which channels it has. Nothing past this asks for the family again: what
differs is in the channels and the dialect that are made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lab.errors import InputError
from lab.guest.agent_channel import REQUEST_S, AgentChannel
from lab.guest.agent_port import Transport
from lab.guest.dialect import Dialect
from lab.guest.dialects import DIALECTS
from lab.guest.ssh_channel import SshChannel
from lab.guest.windows.agent import WindowsAgentChannel
from lab.guest.windows.ssh import WindowsSshChannel
from lab.guest.winrm_channel import WinRmChannel, WinRmEndpoint
from lab.images import keys
from lab.images.windows import identity
from lab.machine.machine import Machine
from lab.model import Family, Timeouts

LOCAL = "127.0.0.1"
CHANNELS = AgentChannel | SshChannel | WinRmChannel
AGENT: Mapping[Family, type[AgentChannel]] = MappingProxyType(
    {Family.LINUX: AgentChannel, Family.WINDOWS: WindowsAgentChannel}
)
SSH: Mapping[Family, type[SshChannel]] = MappingProxyType(
    {Family.LINUX: SshChannel, Family.WINDOWS: WindowsSshChannel}
)


@dataclass(frozen=True, slots=True)
class Reach:
    """How a guest is reached."""

    channels: tuple[CHANNELS, ...]
    ssh_port: int
    """On 127.0.0.1, or 0 where the guest has no network or no SSH."""
    dialect: Dialect
    """What the guest's operating system is talked to in."""


def reach(machine: Machine, timeouts: Timeouts, *, ask: Transport | None = None) -> Reach:
    """Guest agent first: it needs no network; the others connect on first use.

    :param timeouts: already scaled.
    :param ask: how the guest agent is asked; the machine's own way when None.
    :raise InputError: the image names WinRM, and the lab knows no account or certificate for it.
    """
    image, networked = machine.order.image, machine.order.profile.network != "none"
    channels: list[CHANNELS] = []
    if "agent" in image.channels:
        # a guest that stands still for a while, out of memory or on a busy host, is not one that is gone
        patience_s = max(REQUEST_S, timeouts.heartbeat_s)
        channels.append(AGENT[image.family](ask or machine.agent_command(), request_s=patience_s))
    ssh_port = 0
    if "ssh" in image.channels and networked:
        ssh_port = machine.ssh_port()
        private = keys.ensure(machine.places).private
        channels.append(
            SSH[image.family](LOCAL, ssh_port, image.user, private, image.host_key, timeouts.command_s)
        )
    if "winrm" in image.channels and networked:
        channels.append(WinRmChannel(_winrm(machine), timeouts.command_s))
    return Reach(tuple(channels), ssh_port, DIALECTS[image.family])


def _winrm(machine: Machine) -> WinRmEndpoint:
    image = machine.order.image
    password = identity.password(machine.places, image.name)
    if not password or not image.winrm_thumbprint:
        missing = "certificate" if password else "account"
        raise InputError(
            f"image {image.name!r}: WinRM is among its channels, and the lab knows no {missing} for it",
            hint="images of kind windows have both; else take winrm out of the channels in its file",
        )
    return WinRmEndpoint(
        host=LOCAL,
        port=machine.winrm_port(),
        user=image.user,
        password=password,
        thumbprint=image.winrm_thumbprint,
    )
