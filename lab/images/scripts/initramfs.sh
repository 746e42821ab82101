# Hook before packages: the distribution's initramfs gets MODULES and nothing else. Images that boot without it
# drop it, but the kernel package makes it all the same, and a small one is made in a tenth of the time.
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
