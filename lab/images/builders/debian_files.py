"""The lab's own files in a Debian image: guest agent early, network, sshd, and nothing that slows a boot.

Everything here is configuration that an administrator could have written; no package's file is changed. What
is masked is housekeeping that a guest which lives for minutes does not need; docs/images.md lists it.
"""

from __future__ import annotations

from lab.images.overlay import File, Link

MASKED_UNITS = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "systemd-tmpfiles-clean.timer", "logrotate.timer", "man-db.timer",
    "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service", "systemd-update-done.service",
    "systemd-hwdb-update.service", "systemd-journal-catalog-update.service", "systemd-journal-flush.service",
    "systemd-machine-id-commit.service", "systemd-firstboot.service", "systemd-sysusers.service",
    "systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount", "systemd-pstore.service",
    "systemd-pcrphase.service", "systemd-pcrphase-sysinit.service", "systemd-pcrmachine.service",
    "systemd-tpm2-setup.service", "systemd-tpm2-setup-early.service", "tpm2.target",
    "systemd-networkd-wait-online.service", "systemd-timesyncd.service", "systemd-logind.service",
    "systemd-logind-varlink.socket",
    "systemd-rfkill.socket", "systemd-rfkill.service", "systemd-random-seed.service",
    "systemd-boot-random-seed.service", "systemd-boot-update.service", "systemd-bless-boot.service",
    "systemd-remount-fs.service", "systemd-modules-load.service", "kmod-static-nodes.service",
    "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@drm.service",
    "modprobe@efi_pstore.service", "modprobe@fuse.service", "modprobe@loop.service",
    "sys-kernel-config.mount", "sys-fs-fuse-connections.mount", "dev-hugepages.mount", "dev-mqueue.mount",
    "getty.target", "getty@tty1.service", "serial-getty@ttyS0.service", "ssh.socket", "networking.service",
    "ldconfig.service", "systemd-userdbd.socket", "systemd-mountfsd.socket",
    "systemd-nsresourced.socket", "systemd-creds.socket", "systemd-sysext.socket", "systemd-pcrextend.socket",
    "systemd-pcrlock.socket", "systemd-importd.socket", "systemd-machined.socket", "systemd-hostnamed.socket",
    "systemd-bootctl.socket", "systemd-repart.socket", "systemd-factory-reset.socket",
    "systemd-journalctl.socket", "systemd-sysinstall.socket",
    "systemd-udev-settle.service", "tmp.mount", "run-lock.mount",
    "systemd-tmpfiles-setup-dev-early.service", "systemd-tmpfiles-setup-dev.service",
    "systemd-networkd-persistent-storage.service", "systemd-udev-load-credentials.service",
)  # fmt: skip
"""Units that keep house over days, look for hardware that is not there, or wait for the network."""

MASKED_GENERATORS = (
    "systemd-bless-boot-generator", "systemd-cryptsetup-generator", "systemd-debug-generator",
    "systemd-getty-generator", "systemd-gpt-auto-generator", "systemd-hibernate-resume-generator",
    "systemd-integritysetup-generator", "systemd-run-generator", "systemd-ssh-generator",
    "systemd-system-update-generator", "systemd-tpm2-generator", "systemd-veritysetup-generator",
    "systemd-factory-reset-generator", "systemd-import-generator",
)  # fmt: skip
"""Programs that systemd runs before its first unit; fstab, rc.local and SysV scripts keep theirs."""

GUEST_AGENT_UNIT = """\
[Unit]
Description=QEMU Guest Agent
Documentation=man:qemu-ga(8)
# The first unit of the boot: the lab wants to see a guest that fails later.
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target sysinit.target

[Service]
ExecStart=/usr/local/lib/lab/guest-agent
Restart=always
RestartSec=1

[Install]
WantedBy=sysinit.target
"""

GUEST_AGENT = """\
#!/bin/sh
# udev names the port later; the kernel knows its name already.
for port in /sys/class/virtio-ports/*; do
  [ -e "$port/name" ] && read -r name <"$port/name" && [ "$name" = org.qemu.guest_agent.0 ] &&
    exec /usr/sbin/qemu-ga --method=virtio-serial --path="/dev/${port##*/}"
done
echo 'no virtio port org.qemu.guest_agent.0' >&2
exit 1
"""

NETWORK = """\
[Match]
Type=ether

[Link]
RequiredForOnline=no

[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
"""

SYSTEM_CONF = """\
[Manager]
# Fed by systemd; a guest that hangs is reported by the hypervisor's WATCHDOG event.
RuntimeWatchdogSec=60s
DefaultTimeoutStopSec=20s
"""

JOURNAL_CONF = """\
[Journal]
Storage=volatile
RuntimeMaxUse=16M
Audit=no
"""

SSHD_CONF = """\
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
PrintMotd no
"""

_PLUGGED = " ".join(
    f"--subsystem-match={name}" for name in ("net", "block", "virtio-ports", "watchdog", "tpm")
)
COLDPLUG = f"""\
[Service]
# A lab machine's other devices have their drivers already, or none.
ExecStart=
ExecStart=udevadm trigger --type=devices --action=add {_PLUGGED}
"""

MODPROBE = """\
# systemd-networkd asks for nl80211; wireless regulation is noise on the console of a virtual machine.
blacklist cfg80211
"""


def files(
    *, hostname: str, machine_id: str, authorized_key: str, host_key: str, host_key_public: str
) -> tuple[File | Link, ...]:
    """What every Debian image has; `host_key` is the private half."""
    system = "etc/systemd/system"
    return (
        *(Link(f"{system}/{unit}", "/dev/null") for unit in MASKED_UNITS),
        *(Link(f"etc/systemd/system-generators/{name}", "/dev/null") for name in MASKED_GENERATORS),
        File(f"{system}/qemu-guest-agent.service", GUEST_AGENT_UNIT),
        Link(f"{system}/sysinit.target.wants/qemu-guest-agent.service", "../qemu-guest-agent.service"),
        Link(f"{system}/default.target", "/lib/systemd/system/multi-user.target"),
        Link(
            f"{system}/multi-user.target.wants/systemd-networkd.service",
            "/lib/systemd/system/systemd-networkd.service",
        ),
        File("usr/local/lib/lab/guest-agent", GUEST_AGENT, 0o755),
        File(f"{system}/systemd-udev-trigger.service.d/lab.conf", COLDPLUG),
        File("etc/systemd/network/lab.network", NETWORK),
        File("etc/systemd/system.conf.d/lab.conf", SYSTEM_CONF),
        File("etc/systemd/journald.conf.d/lab.conf", JOURNAL_CONF),
        File("etc/modprobe.d/lab.conf", MODPROBE),
        File("etc/ssh/sshd_config.d/lab.conf", SSHD_CONF),
        File("etc/ssh/ssh_host_ed25519_key", host_key, 0o600),
        File("etc/ssh/ssh_host_ed25519_key.pub", host_key_public + "\n"),
        File("root/.ssh/authorized_keys", authorized_key + "\n", 0o600),
        File("etc/hostname", hostname + "\n"),
        File("etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {hostname}\n"),
        File("etc/machine-id", machine_id + "\n", 0o444),
        File("etc/resolv.conf", "nameserver 10.0.2.3\n"),
        File("etc/fstab", "# the kernel mounts / as its command line says\n"),
    )
