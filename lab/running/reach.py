"""The channels into a machine's guest, most trusted first."""

from __future__ import annotations

from dataclasses import dataclass

from lab.guest.agent_channel import AgentChannel
from lab.guest.agent_port import Transport
from lab.guest.ssh_channel import SshChannel
from lab.images import keys
from lab.machine.machine import Machine
from lab.model import Timeouts

CHANNELS = AgentChannel | SshChannel


@dataclass(frozen=True, slots=True)
class Reach:
    """How a guest is reached."""

    channels: tuple[CHANNELS, ...]
    ssh_port: int
    """On 127.0.0.1, or 0 where the guest has no network or no SSH."""


def reach(machine: Machine, timeouts: Timeouts, *, ask: Transport | None = None) -> Reach:
    """Guest agent first: it needs no network; SSH connects on first use.

    :param timeouts: already scaled.
    :param ask: how the guest agent is asked; the machine's own way when None.
    """
    order = machine.order
    channels: list[CHANNELS] = []
    if "agent" in order.image.channels:
        channels.append(AgentChannel(ask or machine.agent_command()))
    ssh_port = 0
    if "ssh" in order.image.channels and order.profile.network != "none":
        ssh_port = machine.ssh_port()
        private = keys.ensure(machine.places).private
        channels.append(
            SshChannel(
                "127.0.0.1", ssh_port, order.image.user, private, order.image.host_key, timeouts.command_s
            )
        )
    return Reach(tuple(channels), ssh_port)
