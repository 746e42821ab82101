# Hook before packages: what the distribution's initramfs is made of, for images that boot with it.
# A hook script in /etc/initramfs-tools, since its `modules` file belongs to the package.
set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/etc/initramfs-tools/hooks"
printf 'MODULES=list\nRESUME=none\nFSTYPE=ext4\n' >"$1/etc/initramfs-tools/conf.d/lab"
cat >"$1/etc/initramfs-tools/hooks/lab" <<HOOK
#!/bin/sh
[ "\$1" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules $MODULES
HOOK
chmod 755 "$1/etc/initramfs-tools/hooks/lab"
