# Hook: remove from a Debian root what only its installation needed. The lab's own files come after this.
set -eu
rm -f "$1"/etc/resolv.conf "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/systemd/system/multi-user.target.wants/qemu-guest-agent.service
rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb \
  "$1"/var/cache/ldconfig/aux-cache "$1"/var/log/*.log "$1"/var/log/apt "$1"/run/*
if [ "$INITRAMFS" = drop ]; then rm -f "$1"/boot/initrd.img* "$1"/initrd.img*; fi
sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' "$1/usr/lib/os-release" >"$1/lab-out/pretty_name"
cat "$1/etc/debian_version" >"$1/lab-out/debian_version"
