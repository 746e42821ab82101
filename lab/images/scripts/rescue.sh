# Hook: put the rescue guest's programs in /lab-out/root, with the libraries that the loader itself lists.
set -eu
root=$1/lab-out/root
for program in $PROGRAMS; do
  mkdir -p "$root${program%/*}"
  cp "$1$program" "$root$program"
  chroot "$1" /usr/lib64/ld-linux-x86-64.so.2 --list "$program"
done | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | sort -u | while read -r library; do
  mkdir -p "$root/lib"
  cp "$1$library" "$root/lib/"
done
mkdir -p "$root/lib64"
cp "$1/usr/lib64/ld-linux-x86-64.so.2" "$root/lib64/"
