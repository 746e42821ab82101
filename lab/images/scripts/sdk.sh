# Hook: finish an unpacked compiler chroot for kernel RELEASE and pack it as /lab-out/sdk.tar.
# The links are those that the packages' maintainer scripts (update-alternatives) would have made.
set -eu
mkdir -p "$1/lab-out" "$1/tmp" "$1/etc"
for deb in "$1"/var/cache/apt/archives/*.deb; do
  dpkg-deb --show --showformat='${Package} ${Version}\n' "$deb"
done >"$1/lab-out/packages"
for name in awk nawk; do [ -e "$1/usr/bin/$name" ] || ln -s mawk "$1/usr/bin/$name"; done
[ -e "$1/usr/bin/sh" ] || ln -s dash "$1/usr/bin/sh"
for pair in cc:gcc c99:gcc; do
  [ -e "$1/usr/bin/${pair%:*}" ] || ln -s "${pair#*:}" "$1/usr/bin/${pair%:*}"
done
printf '%s\n' "$RELEASE" >"$1/etc/kernel-release"
printf 'root:x:0:0:root:/root:/bin/sh\n' >"$1/etc/passwd"
chmod 1777 "$1/tmp"
tar --create --directory "$1" --numeric-owner --one-file-system \
  --exclude=./lab-out --exclude=./dev --exclude=./proc --exclude=./sys --exclude=./var --exclude=./usr/share/doc --exclude=./usr/share/man \
  --exclude=./usr/share/locale --exclude=./usr/share/info --exclude='./usr/lib/x86_64-linux-gnu/*san.so*' \
  --file "$1/lab-out/sdk.tar" .
