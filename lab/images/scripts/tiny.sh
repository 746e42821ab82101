# Hook: assemble the root of the tiny image in /lab-tiny from unpacked packages; the lab's own files are
# there already. Dynamic programs get the libraries that the loader itself lists.
set -eu
tiny=$1/lab-tiny
release=$(cat "$1/lab-out/release")
for directory in bin sbin lib lib64; do
  mkdir -p "$tiny/usr/$directory"
  ln -s "usr/$directory" "$tiny/$directory"
done
for directory in dev proc sys run tmp mnt opt root usr/local/bin var/log var/lib; do mkdir -p "$tiny/$directory"; done
chmod 1777 "$tiny/tmp"
ln -s ../run "$tiny/var/run"
cp "$1/bin/busybox" "$tiny/usr/bin/busybox"
for applet in $("$tiny/usr/bin/busybox" --list); do
  [ "$applet" = busybox ] || ln -s /usr/bin/busybox "$tiny/usr/bin/$applet"
done
for name in init halt reboot poweroff; do ln -s /usr/bin/busybox "$tiny/usr/sbin/$name"; done
for program in /usr/sbin/qemu-ga /usr/sbin/dropbear /usr/lib/openssh/sftp-server; do
  mkdir -p "$tiny${program%/*}"
  cp "$1$program" "$tiny$program"
  chroot "$1" /lib64/ld-linux-x86-64.so.2 --list "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | while read -r library; do
    mkdir -p "$tiny${library%/*}"
    cp -L "$1$library" "$tiny$library"
  done
done
cp -L "$1/lib64/ld-linux-x86-64.so.2" "$tiny/lib64/ld-linux-x86-64.so.2"
ln -s openssh/sftp-server "$tiny/usr/lib/sftp-server"
mkdir -p "$tiny/usr/lib/modules"
cp -R "$1/lab-out/root/usr/lib/modules/$release" "$tiny/usr/lib/modules/$release"
chroot "$1" /usr/bin/dropbearconvert openssh dropbear /lab-tiny/etc/dropbear/key.openssh /lab-tiny/etc/dropbear/dropbear_ed25519_host_key 2>/dev/null
rm "$tiny/etc/dropbear/key.openssh"
chmod 600 "$tiny/etc/dropbear/dropbear_ed25519_host_key"
chown -R 0:0 "$tiny"
