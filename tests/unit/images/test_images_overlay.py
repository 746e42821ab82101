"""The tar of files that an image gets on top of its packages."""

from __future__ import annotations

import io
import tarfile

from lab.images import overlay
from lab.images.builders import debian_files, tiny_files


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: member for member in tar.getmembers()}


def content(data: bytes, name: str) -> str:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = tar.extractfile(name)
        assert found is not None
        return found.read().decode()


def debian() -> bytes:
    return overlay.archive(
        debian_files.files(
            hostname="debian-12",
            machine_id="0" * 32,
            authorized_key="ssh-ed25519 LAB lab",
            host_key="PRIVATE\n",
            host_key_public="ssh-ed25519 HOST debian-12",
        )
    )


def test_parents_come_before_what_is_in_them_and_everything_is_roots() -> None:
    data = overlay.archive([overlay.File("etc/a/b", "x"), overlay.Link("etc/c", "a")], below="top/")
    names = list(members(data))
    assert names == ["top", "top/etc", "top/etc/a", "top/etc/a/b", "top/etc/c"]
    assert all((one.uid, one.gid) == (0, 0) for one in members(data).values())


def test_the_same_files_make_the_same_bytes() -> None:
    assert debian() == debian()


def test_a_later_entry_for_a_path_wins() -> None:
    data = overlay.archive([overlay.File("a", "old"), overlay.File("a", "new")])
    assert content(data, "a") == "new"
    assert len(members(data)) == 1


def test_secrets_of_a_guest_are_readable_by_root_alone() -> None:
    found = members(debian())
    assert found["etc/ssh/ssh_host_ed25519_key"].mode == 0o600
    assert found["root/.ssh/authorized_keys"].mode == 0o600
    assert found["root/.ssh"].mode == 0o700
    assert found["root"].mode == 0o700
    tiny = members(overlay.archive(tiny_files.files("key", "private"), below="lab-tiny/"))
    assert tiny["lab-tiny/etc/dropbear/key.openssh"].mode == 0o600
    assert tiny["lab-tiny/root/.ssh"].mode == 0o700


def test_the_lab_key_opens_the_guest_and_its_passwords_do_not() -> None:
    assert content(debian(), "root/.ssh/authorized_keys") == "ssh-ed25519 LAB lab\n"
    assert "PasswordAuthentication no" in content(debian(), "etc/ssh/sshd_config.d/lab.conf")


def test_the_guest_agent_starts_before_anything_that_could_fail() -> None:
    unit = content(debian(), "etc/systemd/system/qemu-guest-agent.service")
    assert "DefaultDependencies=no" in unit
    assert "After=" not in unit
    assert "etc/systemd/system/sysinit.target.wants/qemu-guest-agent.service" in members(debian())


def test_a_hung_guest_stops_feeding_its_watchdog() -> None:
    assert "RuntimeWatchdogSec=60s" in content(debian(), "etc/systemd/system.conf.d/lab.conf")
    assert any("watchdog" in line for line in tiny_files.INITTAB.splitlines())


def test_masked_units_are_links_to_nothing() -> None:
    found = members(debian())
    for unit in debian_files.MASKED_UNITS:
        assert found[f"etc/systemd/system/{unit}"].linkname == "/dev/null"


def test_nothing_that_users_notice_is_masked() -> None:
    kept = {
        "ssh.service",
        "dbus.service",
        "systemd-journald.service",
        "systemd-udevd.service",
        "systemd-sysctl.service",
    }
    assert kept.isdisjoint(debian_files.MASKED_UNITS)
    assert len(set(debian_files.MASKED_UNITS)) == len(debian_files.MASKED_UNITS)


def test_scripts_of_the_tiny_image_are_executable_and_start_with_a_shell() -> None:
    scripts = [one for one in tiny_files.files("k", "h") if one.path.startswith(("etc/init.d/", "usr/sbin/"))]
    assert scripts
    assert all(one.mode == 0o755 and one.content.startswith("#!/bin/sh\n") for one in scripts)
    named = {line.rpartition(":")[2].split()[0] for line in tiny_files.INITTAB.splitlines()}
    own = {f"/{one.path}" for one in scripts}
    assert {name for name in named if name.startswith("/etc/")} <= own
