#!/bin/busybox sh
# Process 1 of the rescue guest: does what the parcel says, once, and powers off. Ends itself at its limit, so
# that nothing of it is left when the lab was killed.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin LD_LIBRARY_PATH=/lib
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
limit=$(sed -n 's/.*lab\.limit=\([0-9]*\).*/\1/p' /proc/cmdline)
(sleep "${limit:-60}"; poweroff -f) &
while read -r module; do insmod "/m/$module"; done </m/order

# The lab names its disks by their serial numbers.
disk() {
  for one in /sys/block/vd*; do
    [ -e "$one/serial" ] && [ "$(cat "$one/serial")" = "$1" ] && echo "/dev/${one##*/}" && return 0
  done
  return 1
}
tries=0
until parcel=$(disk parcel) && answer=$(disk answer); do
  tries=$((tries + 1))
  [ "$tries" -gt 200 ] && echo "lab-rescue: no parcel" && poweroff -f
  usleep 50000
done
cd /job && cpio -i -d 2>/dev/null <"$parcel"
. /job/steps.sh
tar -c -f "$answer" -C /out .
sync
echo "lab-rescue: done"
poweroff -f
