"""Which channels lead into which guest, and in what order."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.errors import InputError
from lab.guest.agent_channel import AgentChannel
from lab.guest.dialect import POSIX
from lab.guest.ssh_channel import SshChannel
from lab.guest.windows.agent import WindowsAgentChannel
from lab.guest.windows.dialect import WINDOWS
from lab.guest.windows.ssh import WindowsSshChannel
from lab.guest.winrm_channel import WinRmChannel
from lab.images import keys
from lab.images.windows import identity
from lab.machine.machine import Machine
from lab.model import Family, Timeouts
from lab.places import Places
from lab.running.reach import reach

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGYw0cS9jS7nRJSrSgJ5vY0qDcYqsyiDzM6F3xbMcPbS tests"


@dataclass
class Wired:
    """What of a machine is looked at."""

    places: Places
    family: Family
    channels: tuple[str, ...]
    network: str = "isolated"
    thumbprint: str = "AB" * 20
    asked: list[str] = field(default_factory=list)

    @property
    def order(self) -> Any:
        image = SimpleNamespace(
            name="w", family=self.family, channels=self.channels, user="lab", host_key=HOST_KEY,
            winrm_thumbprint=self.thumbprint,
        )  # fmt: skip
        return SimpleNamespace(image=image, profile=SimpleNamespace(network=self.network))

    def agent_command(self) -> Any:
        return lambda _request, _timeout_s: {}

    def ssh_port(self) -> int:
        return 2222

    def winrm_port(self) -> int:
        return 5986


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    pair = SimpleNamespace(private=tmp_path / "key", public="ssh-ed25519 x")
    monkeypatch.setattr(keys, "ensure", lambda _places: pair)
    monkeypatch.setattr(identity, "password", lambda _places, _name: "secret")
    return Places(cache=tmp_path, state=tmp_path, runtime=tmp_path)


def of(wired: Wired) -> Any:
    return reach(cast(Machine, wired), Timeouts())


def test_windows_is_reached_by_agent_then_ssh_then_winrm_each_of_its_own_kind(places: Places) -> None:
    found = of(Wired(places, Family.WINDOWS, ("agent", "ssh", "winrm")))
    assert [type(one) for one in found.channels] == [WindowsAgentChannel, WindowsSshChannel, WinRmChannel]
    assert found.dialect is WINDOWS
    assert found.ssh_port == 2222


def test_linux_has_its_own_kinds(places: Places) -> None:
    found = of(Wired(places, Family.LINUX, ("agent", "ssh")))
    assert [type(one) for one in found.channels] == [AgentChannel, SshChannel]
    assert found.dialect is POSIX


def test_without_a_network_only_the_agent_is_left(places: Places) -> None:
    found = of(Wired(places, Family.WINDOWS, ("agent", "ssh", "winrm"), network="none"))
    assert [one.name for one in found.channels] == ["agent"]
    assert found.ssh_port == 0


def test_winrm_without_a_certificate_or_an_account_is_refused_with_the_remedy(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="knows no certificate") as caught:
        of(Wired(places, Family.WINDOWS, ("winrm",), thumbprint=""))
    assert caught.value.hint is not None
    monkeypatch.setattr(identity, "password", lambda _places, _name: "")
    with pytest.raises(InputError, match="knows no account"):
        of(Wired(places, Family.WINDOWS, ("winrm",)))


@pytest.mark.parametrize(("heartbeat_s", "patience_s"), [(5.0, 20.0), (50.0, 50.0)])
def test_an_agent_that_is_slow_is_not_gone_before_silence_would_be_called_so(
    places: Places, heartbeat_s: float, patience_s: float
) -> None:
    limits: list[float] = []
    reached = reach(
        cast(Machine, Wired(places, Family.LINUX, ("agent",))),
        Timeouts(heartbeat_s=heartbeat_s),
        ask=lambda _request, limit_s: limits.append(limit_s) or {"pid": 1, "exited": True},
    )
    reached.channels[0].run("true", timeout_s=300.0, brief=True)
    assert limits == [patience_s] * 2
