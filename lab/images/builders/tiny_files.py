"""The lab's own files in the tiny image: busybox init, one start script, the guest agent and sshd.

Programs that a user adds start at boot as `/etc/rc.d/S*` with the argument `start` and get `stop` at
shutdown, in the order of their names (backwards at shutdown).
"""

from __future__ import annotations

from lab.images.overlay import File

INITTAB = """\
::sysinit:/etc/init.d/rcS
::once:/etc/init.d/network
::once:/etc/init.d/rc start
::respawn:/etc/init.d/guest-agent
::respawn:/usr/sbin/dropbear -F -s -j -k -r /etc/dropbear/dropbear_ed25519_host_key -P /run/dropbear.pid
::respawn:/etc/init.d/feed-watchdog
::ctrlaltdel:/sbin/reboot
::shutdown:/etc/init.d/rcK
"""

RCS = """\
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mkdir -p /dev/pts /dev/shm /dev/virtio-ports
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=755 tmpfs /run
ln -sf /proc/self/fd /dev/fd
hostname tiny
for port in /sys/class/virtio-ports/*; do
  [ -e "$port/name" ] && read -r name <"$port/name" && ln -sf "../${port##*/}" "/dev/virtio-ports/$name"
done
ip link set lo up
"""

NETWORK = """\
#!/bin/sh
# QEMU's user network answers at once; in the background, since a guest may have no network at all.
[ -e /sys/class/net/eth0 ] || exit 0
ip link set eth0 up
udhcpc -i eth0 -b -q -S -t 5 -T 2 -s /etc/init.d/dhcp-lease >/dev/null 2>&1
"""

DHCP_LEASE = """\
#!/bin/sh
case $1 in
bound | renew)
  ip addr replace "$ip/${mask:-24}" dev "$interface"
  for address in $router; do ip route replace default via "$address" dev "$interface"; done
  : >/etc/resolv.conf
  for address in $dns; do echo "nameserver $address" >>/etc/resolv.conf; done
  ;;
esac
"""

RC = """\
#!/bin/sh
for script in /etc/rc.d/S*; do
  [ -x "$script" ] && "$script" "$1"
done
"""

RCK = """\
#!/bin/sh
for script in $(ls -r /etc/rc.d/S* 2>/dev/null); do
  [ -x "$script" ] && "$script" stop
done
sync
umount -a -r 2>/dev/null
mount -o remount,ro / 2>/dev/null
"""

GUEST_AGENT = """\
#!/bin/sh
exec /usr/sbin/qemu-ga --method=virtio-serial --path=/dev/virtio-ports/org.qemu.guest_agent.0
"""

FEED_WATCHDOG = """\
#!/bin/sh
[ -c /dev/watchdog ] && exec watchdog -F -t 10 -T 60 /dev/watchdog
exec sleep 86400
"""

SHUTDOWN = """\
#!/bin/sh
# What the guest agent calls for guest-shutdown: `shutdown -P|-H|-r +0 message`.
case $1 in
-r) exec reboot ;;
-H) exec halt ;;
*) exec poweroff ;;
esac
"""


def files(authorized_key: str, host_key: str) -> tuple[File, ...]:
    """All of them; `host_key` is the private half in OpenSSH's format, converted during the build."""
    return (
        File("etc/inittab", INITTAB),
        File("etc/init.d/rcS", RCS, 0o755),
        File("etc/init.d/network", NETWORK, 0o755),
        File("etc/init.d/dhcp-lease", DHCP_LEASE, 0o755),
        File("etc/init.d/rc", RC, 0o755),
        File("etc/init.d/rcK", RCK, 0o755),
        File("etc/init.d/guest-agent", GUEST_AGENT, 0o755),
        File("etc/init.d/feed-watchdog", FEED_WATCHDOG, 0o755),
        File("usr/sbin/shutdown", SHUTDOWN, 0o755),
        File(
            "etc/rc.d/README", "Executable S* scripts here run with `start` at boot and `stop` at shutdown.\n"
        ),
        File("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nsshd:x:100:100::/run:/bin/false\n"),
        File("etc/group", "root:x:0:\nsshd:x:100:\n"),
        File("etc/shadow", "root:*:19000:0:99999:7:::\n", 0o600),
        File("etc/shells", "/bin/sh\n"),
        File("etc/hosts", "127.0.0.1 localhost tiny\n"),
        File("etc/os-release", 'ID=fleet-lab-tiny\nNAME="fleet-lab tiny"\nPRETTY_NAME="tiny (busybox)"\n'),
        File("etc/profile", "export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"),
        File("root/.ssh/authorized_keys", authorized_key + "\n", 0o600),
        File("etc/dropbear/key.openssh", host_key, 0o600),
    )
