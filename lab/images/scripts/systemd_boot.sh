# Hook: lay out the EFI system partition in /lab-out/esp: systemd-boot at the removable-media path (the
# firmware needs no boot entry for it), the kernel and the distribution's own initramfs.
set -eu
release=$(cat "$1/lab-out/release")
esp=$1/lab-out/esp
mkdir -p "$esp/EFI/BOOT" "$esp/loader/entries" "$esp/debian"
cp "$1/usr/lib/systemd/boot/efi/systemd-bootx64.efi" "$esp/EFI/BOOT/BOOTX64.EFI"
cp "$1/boot/vmlinuz-$release" "$esp/debian/vmlinuz"
cp "$1/boot/initrd.img-$release" "$esp/debian/initrd"
printf 'default debian.conf\ntimeout 0\neditor no\n' >"$esp/loader/loader.conf"
printf 'title Debian\nlinux /debian/vmlinuz\ninitrd /debian/initrd\noptions %s\n' "$CMDLINE" \
  >"$esp/loader/entries/debian.conf"
