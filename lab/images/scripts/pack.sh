# Hook: turn ROOT (below the chroot) into an ext4 file system of SIZE_MIB, as a qcow2 in /lab-out.
# The itables are in a fresh sparse file, so they read as zeros already and nothing is left for the
# guest's ext4lazyinit thread to write at its first boot.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for point in dev/pts dev/shm proc sys dev; do
  umount -l "$1/$point" 2>/dev/null || :
done
mke2fs -q -t ext4 -L lab-root -m 0 -E assume_storage_prezeroed=1,root_owner=0:0 -d "$1$ROOT" "$work/raw" "${SIZE_MIB}M"
qemu-img convert -O qcow2 "$work/raw" "$work/disk.qcow2"
mkdir -p "$1/lab-out"
mv "$work/disk.qcow2" "$1/lab-out/disk.qcow2"
