#!/bin/sh
# A STAND-IN for Windows Setup, started by a Linux guest from the stand-in ISO: it reads what Setup reads, does
# what can be done without Windows, and tells the lab what the lab's own scripts would tell. It is no Windows.
here=$(dirname "$0")
say() { printf '%s\r\n' "$1" > /dev/ttyS0; }
fail() { say "lab-setup: failed stand-in: $1"; sleep 1; poweroff -f; exit 1; }

say '*** STAND-IN *** this guest only does what Windows Setup would begin with ***'
mkdir -p /run/answers
# Setup looks for the answer file in the roots of all removable media.
for disc in /dev/sr*; do
    mount -o ro "$disc" /run/answers 2> /dev/null || continue
    [ -f /run/answers/autounattend.xml ] && break
    umount /run/answers
done
answers=/run/answers/autounattend.xml
[ -f "$answers" ] || fail 'no autounattend.xml on any disc'
[ -f "/run/answers/\$WinPEDriver\$/viostor/viostor.inf" ] || fail 'no virtio disk driver on the answer medium'
grep -qx org.qemu.guest_agent.0 /sys/class/virtio-ports/*/name || fail 'no port for the guest agent'
# The marks are those that stand in the files on the medium, not ones that are known here.
marks() { grep -o 'lab-setup: [a-z-]*' "$1" | sort -u; }
# The dump disk is the one that comes formatted; its letter in Linux depends on the slots.
ntfs() { [ "$(dd if="$1" bs=1 skip=$((1048576 + 3)) count=4 2> /dev/null)" = NTFS ]; }
if ntfs /dev/vdb; then dump=/dev/vdb system=/dev/vdc; else dump=/dev/vdc system=/dev/vdb; fi
ntfs $dump || fail 'the dump disk has no NTFS at its first partition'

le32() {
    for shift in 0 8 16 24; do printf "\\$(printf %03o $(($1 >> shift & 255)))"; done
}
entry() { # offset in the boot record, first sector, sectors: a partition of type 7
    { printf '\000\376\377\377\007\376\377\377'; le32 "$2"; le32 "$3"; } |
        dd of=$system bs=1 seek="$1" conv=notrunc 2> /dev/null
}

if [ "$(dd if=$system bs=1 skip=510 count=2 2> /dev/null | od -An -tx1 | tr -d ' ')" != 55aa ]; then
    say "$(marks $answers | grep windowspe)"
    parts=$(grep -c '<CreatePartition ' $answers)
    [ "$parts" = 2 ] || fail "$parts partitions in the answer file (wanted 2 for BIOS)"
    first=$(($(grep -o '<Size>[0-9]*' $answers | grep -o '[0-9]*') * 2048))
    whole=$(cat /sys/class/block/${system#/dev/}/size)
    entry 446 2048 $first
    entry 462 $((2048 + first)) $((whole - 2048 - first))
    printf '\125\252' | dd of=$system bs=1 seek=510 conv=notrunc 2> /dev/null
    sync
    reboot -f
fi

script=/run/answers/lab/specialize.cmd
say "$(marks $script | grep 'specialize$')"
say "$(marks $script | grep 'specialized$')"
grep -o "'[a-z-]*' = {" /run/answers/lab/finish.ps1 | cut -d"'" -f2 | while read -r step; do say "lab-setup: $step"; done

say "lab-setup: stand-in wrote to the dump disk"
printf 'PAGEDU64' | dd of=$dump bs=1 seek=$((16 * 1048576)) conv=notrunc 2> /dev/null

say 'lab-setup: report'
registry=$(awk -F'": ' '
    /"key"/ { key = $2; sub(/",$/, "", key) }
    /"name"/ { name = $2; gsub(/^"|",$/, "", name) }
    /"value"/ { printf "%s%s|%s\": %s", more, key, name, $2; more = "," }' /run/answers/lab/settings.json)
hostkey=$(cut -d' ' -f1,2 /run/answers/lab/ssh/ssh_host_ed25519_key.pub)
letter=$(grep -o '"dump_letter": "[A-Z]' /run/answers/lab/wanted.json | tail -c 2)
{
    printf '{"schema":1,"os":%s,"registry":{%s},' "$(cat "$here/os.json")" "$registry"
    printf '"drivers":{"viostor":0,"VirtioSerial":3},"services":{"QEMU-GA":"Auto/Running","sshd":"Auto/Running"},'
    printf '"ssh_host_key":"%s","winrm_thumbprint":"STAND-IN",' "$hostkey"
    printf '"volumes":[{"letter":"%s"}],"hotfixes":[],"evaluation_minutes":-1}' "$letter"
} > /run/report.json
base64 -w 96 /run/report.json | while read -r line; do say "lab-report: $line"; done
say "lab-report-end: $(sha256sum /run/report.json | cut -d' ' -f1)"
sleep 1
poweroff -f
