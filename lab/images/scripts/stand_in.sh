# Hook: leave in /lab-out/tree the programs of the Windows stand-in's RAM disk: busybox, dropbear, the file
# service, and Python with as much of its library as the stand-in's program imports, compiled.
set -eu
tree=$1/lab-out/tree
for directory in bin sbin lib lib64; do
  mkdir -p "$tree/usr/$directory"
  ln -s "usr/$directory" "$tree/$directory"
done
for directory in dev proc sys run tmp root etc/dropbear usr/lib/python3.11/lib-dynload; do mkdir -p "$tree/$directory"; done
cp "$1/bin/busybox" "$tree/usr/bin/busybox"
for applet in sh ip udhcpc tar; do ln -s busybox "$tree/usr/bin/$applet"; done
for program in /usr/bin/python3.11 /usr/sbin/dropbear /usr/lib/openssh/sftp-server /bin/ntfs-3g; do
  mkdir -p "$tree${program%/*}"
  cp "$1$program" "$tree$program"
  chroot "$1" /lib64/ld-linux-x86-64.so.2 --list "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | while read -r library; do
    mkdir -p "$tree${library%/*}"
    cp -L "$1$library" "$tree$library"
  done
done
cp -L "$1/lib64/ld-linux-x86-64.so.2" "$tree/lib64/ld-linux-x86-64.so.2"
ln -s openssh/sftp-server "$tree/usr/lib/sftp-server"
here=$1/usr/lib/python3.11
there=$tree/usr/lib/python3.11
cp "$here"/*.py "$there"
for package in collections encodings importlib json re urllib; do cp -R "$here/$package" "$there/$package"; done
for extension in _json mmap; do cp "$here/lib-dynload/$extension".*.so "$there/lib-dynload" 2>/dev/null || :; done
chroot "$1" /usr/bin/python3.11 -m compileall -q --invalidation-mode unchecked-hash /lab-out/tree/usr/lib/python3.11 || :
chroot "$1" /usr/bin/dropbearconvert openssh dropbear /lab-key.openssh /lab-out/tree/etc/dropbear/key 2>/dev/null
rm "$1/lab-key.openssh"
