# Hook before unpacking: Debian 11 and 12 packages still carry /bin and /lib; newer ones expect the links.
set -eu
for directory in bin sbin lib lib64; do
  mkdir -p "$1/usr/$directory"
  ln -s "usr/$directory" "$1/$directory"
done
