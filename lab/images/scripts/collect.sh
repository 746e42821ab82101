# Hook: leave in /lab-out what the lab needs of an unpacked root. MODULES: what the RAM disk may load.
set -eu
out=$1/lab-out
mkdir -p "$out/root/usr/bin"
for directory in "$1"/usr/lib/modules/*-amd64; do
  [ -d "$directory/kernel" ] && release=${directory##*/}
done
printf '%s\n' "$release" >"$out/release"
cp "$1/boot/vmlinuz-$release" "$out/bzImage"
tree=$1/usr/lib/modules/$release
[ -e "$tree/modules.dep" ] || chroot "$1" /sbin/depmod "$release"
copy=$out/root/usr/lib/modules/$release
mkdir -p "$copy"
cp "$tree/modules.dep" "$tree/modules.builtin" "$copy"
for module in $MODULES; do
  chroot "$1" /sbin/modprobe --set-version "$release" --show-depends "$module" 2>/dev/null || :
done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u >"$out/modules"
while read -r path; do
  inner=${path#*"/modules/$release/"}
  mkdir -p "$copy/${inner%/*}"
  cp "$tree/$inner" "$copy/$inner"
done <"$out/modules"
if [ -e "$1/bin/busybox" ]; then cp "$1/bin/busybox" "$out/root/usr/bin/busybox"; fi
if [ -s "$1/var/lib/dpkg/status" ]; then
  chroot "$1" dpkg-query --show --showformat='${Package} ${Version}\n'
else
  for deb in "$1"/var/cache/apt/archives/*.deb; do
    dpkg-deb --show --showformat='${Package} ${Version}\n' "$deb"
  done
fi >"$out/packages"
