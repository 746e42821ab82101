"""The parts of an SSH connection that need no server."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import InputError
from lab.guest.ssh_connection import Endpoint, _signal_number, fingerprint, parse_host_key

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIEzmMBcxrE5DZAJ+5zCoAiLLHhEwb9rIzk2kCDHtVJyZ"


@pytest.mark.parametrize(
    "line",
    [
        f"ssh-ed25519 {KEY}",
        f"ssh-ed25519 {KEY} root@guest",
        f"[127.0.0.1]:2222 ssh-ed25519 {KEY}\n",
    ],
)
def test_public_key_and_known_hosts_lines_are_read(line: str) -> None:
    kind, blob = parse_host_key(line)
    assert kind == "ssh-ed25519"
    assert blob[4:15] == b"ssh-ed25519"


@pytest.mark.parametrize("line", ["", KEY, "ssh-ed25519", "ssh-ed25519 !!", f"rsa {KEY}"])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(InputError, match="wanted 'ssh-ed25519"):
        parse_host_key(line)


def test_a_fingerprint_is_printed_as_by_ssh_keygen() -> None:
    shown = fingerprint(parse_host_key(f"ssh-ed25519 {KEY}")[1])
    assert shown.startswith("SHA256:")
    assert len(shown) == len("SHA256:") + 43


@pytest.mark.parametrize(("name", "number"), [("KILL", 9), ("TERM", 15), ("SEGV", 11), ("odd@host", 6)])
def test_signal_names_of_the_protocol_become_numbers(name: str, number: int) -> None:
    assert _signal_number(name) == number


def test_an_endpoint_is_named_without_its_key() -> None:
    where = Endpoint(host="127.0.0.1", port=22, user="root", key=Path("/keys/x"), host_key="ssh-ed25519 A")
    assert str(where) == "root@127.0.0.1:22"
