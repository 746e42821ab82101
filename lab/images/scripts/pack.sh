# Hook: turn ROOT (below the chroot) into an ext4 file system of SIZE_MIB, as a qcow2 in /lab-out.
# The inode tables are in a fresh sparse file, so they read as zeros already and nothing is left for the
# guest's ext4lazyinit thread to write at its first boot.
# ESP_MIB, when not 0, puts a GPT and an EFI system partition with the boot loader before it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# mmdebstrap mounts /proc and /sys for its hooks and, in a namespace, the host's device nodes one by one.
awk -v root="$1/" 'index($5, root) == 1 { print $5 }' /proc/self/mountinfo | while read -r point; do
  umount -l "$point" 2>/dev/null || :
done
mv "$1/lab-out" "$work/out"
# mmdebstrap's apt configuration for this root is in /tmp: out of the image, and back again. Without it any apt-get
# of mmdebstrap's would work on the host.
mkdir "$work/tmp"
if [ -d "$1/tmp" ]; then find "$1/tmp" -mindepth 1 -maxdepth 1 -exec mv {} "$work/tmp" \;; fi
raw=$work/raw
offset=0
truncate -s "$((SIZE_MIB + ESP_MIB + (ESP_MIB ? 2 : 0)))M" "$raw"
if [ "$ESP_MIB" != 0 ]; then
  printf 'label: gpt\nstart=2048, size=%sMiB, type=uefi, name=lab-esp\ntype=linux, name=lab-root, size=%sMiB\n' \
    "$ESP_MIB" "$SIZE_MIB" | sfdisk --quiet "$raw"
  offset=$(((ESP_MIB + 1) * 1024 * 1024))
  truncate -s "${ESP_MIB}M" "$work/esp"
  mkfs.vfat -n LAB-ESP -F 32 -s 1 "$work/esp" >/dev/null
  mcopy -s -i "$work/esp" "$work/out/esp/"* ::/
  dd if="$work/esp" of="$raw" bs=1M seek=1 conv=notrunc,sparse status=none
  rm -rf "$work/esp" "$work/out/esp"
fi
echo 'lab: making the file system' >&2
mke2fs -q -F -t ext4 -L lab-root -m 0 -E "assume_storage_prezeroed=1,root_owner=0:0,offset=$offset" \
  -d "$1$ROOT" "$raw" "${SIZE_MIB}M"
find "$work/tmp" -mindepth 1 -maxdepth 1 -exec mv {} "$1/tmp" \;
echo 'lab: packing the disk' >&2
qemu-img convert -O qcow2 "$raw" "$work/disk.qcow2"
# Run by root, the scratch directory is in reach and on the same file system; in a namespace it is not.
mv "$work/disk.qcow2" "$SCRATCH/disk.qcow2" 2>/dev/null || mv "$work/disk.qcow2" "$work/out/disk.qcow2"
mv "$work/out" "$1/lab-out"
