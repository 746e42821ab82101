# The timed operations, one function `one` for the op in $op; $me is the worker's number, $dir its place.
# `prepared` makes what they need (a message and 1 when it cannot), `ended` takes it away again.
# Sourced by load.sh. POSIX sh, also busybox.

case $op in
spin) # a fixed piece of arithmetic
    one() {
        i=0
        while [ $i -lt 2000 ]; do i=$((i + 1)); done
    }
    ;;
fork) # a process started and waited for
    one() { (exec true); }
    ;;
sleep) # how late a sleeper of 10 ms wakes up: the 10 ms are taken off
    one() {
        sleep 0.01 || return 1
        begun=$((begun + 10000000))
    }
    ;;
file) # a small file made, renamed, hashed and deleted
    prepared() { command -v sha256sum >/dev/null || { echo "sha256sum is missing"; return 1; }; }
    one() {
        f=$dir/f.$me
        echo "some text for the file of worker $me, begun at $begun" >"$f" &&
            mv "$f" "$f.renamed" && sha256sum "$f.renamed" >/dev/null && rm "$f.renamed"
    }
    ;;
open) # a file opened and closed, 100 times
    prepared() { : >"$dir/opened"; }
    one() {
        i=0
        while [ $i -lt 25 ]; do
            true <"$dir/opened" && true <"$dir/opened" && true <"$dir/opened" && true <"$dir/opened" || return 1
            i=$((i + 1))
        done
    }
    ;;
blocks) # 4 MiB written through to the disk and read again
    one() {
        dd if=/dev/zero of="$dir/large.$me" bs=65536 count=64 conv=fsync 2>"$dir/dd.$me" &&
            cat "$dir/large.$me" >/dev/null || { cat "$dir/dd.$me" >&2; return 1; }
    }
    ;;
pages) # 4 MiB of memory taken; at $cycle_mib everything is given back
    prepared() {
        mkdir -p "$dir/memory" && mount -t tmpfs -o "size=$((cycle_mib + 8))m" lab-load "$dir/memory"
    }
    ended() { umount "$dir/memory"; }
    one() {
        taken=${taken:-0}
        if [ $((taken + 4)) -gt $((cycle_mib / workers)) ]; then
            rm -f "$dir/memory/$me".*
            taken=0
        fi
        dd if=/dev/zero of="$dir/memory/$me.$taken" bs=1048576 count=4 2>/dev/null || return 1
        taken=$((taken + 4))
    }
    ;;
module) # a kernel module loaded and unloaded
    prepared() {
        for module in $modules; do
            [ ! -d "/sys/module/$(echo "$module" | tr - _)" ] || continue
            modprobe "$module" 2>/dev/null && modprobe -r "$module" 2>/dev/null || continue
            echo "$module" >"$base/module"
            return 0
        done
        echo "none of the modules $modules can be loaded and unloaded here"
        return 1
    }
    ended() { [ ! -e "$base/module" ] || modprobe -r "$(cat "$base/module")"; }
    one() {
        [ -n "${module:-}" ] || read -r module <"$base/module"
        modprobe "$module" && modprobe -r "$module"
    }
    ;;
login) # a login shell of another user, with its PAM session
    prepared() { su -s /bin/sh -c true "$user" || { echo "su to $user does not work"; return 1; }; }
    one() { su -l -s /bin/sh -c true "$user" </dev/null >/dev/null; }
    ;;
package) # a package installed and removed
    prepared() {
        mkdir -p "$dir/deb/DEBIAN" "$dir/deb/var/lib/lab-load" || return 1
        printf 'Package: lab-load\nVersion: 1\nArchitecture: all\nMaintainer: lab\nDescription: a package for load\n' \
            >"$dir/deb/DEBIAN/control"
        i=0
        while [ $i -lt 20 ]; do
            i=$((i + 1))
            echo "$i" >"$dir/deb/var/lib/lab-load/$i"
        done
        dpkg-deb --build "$dir/deb" "$dir/lab-load.deb" >/dev/null
    }
    ended() { dpkg --purge lab-load >/dev/null 2>&1; }
    one() { dpkg --install "$dir/lab-load.deb" >/dev/null && dpkg --purge lab-load >/dev/null; }
    ;;
pause) # the kernel's own test of a suspend: every process is frozen for a second, then thawed
    prepared() {
        grep -qw freezer /sys/power/pm_test 2>/dev/null || {
            echo "the kernel has no /sys/power/pm_test (wanted CONFIG_PM_DEBUG)"
            return 1
        }
        cat /sys/module/suspend/parameters/pm_test_delay >"$base/delay"
        echo 1 >/sys/module/suspend/parameters/pm_test_delay && echo freezer >/sys/power/pm_test
    }
    ended() {
        echo none >/sys/power/pm_test
        [ ! -s "$base/delay" ] || cat "$base/delay" >/sys/module/suspend/parameters/pm_test_delay
    }
    one() {
        echo freeze >/sys/power/state || return 1
        begun=$((begun + 1000000000))
    }
    ;;
event) # what the agent's sensor must see, as agent.yaml says
    prepared() { sh -c "$activity" >/dev/null || { echo "the agent's activity fails: $activity"; return 1; }; }
    one() { sh -c "$activity" >/dev/null; }
    ;;
connect) # a TCP connection to this very guest, a line there and back
    prepared() {
        mkdir -p "$dir/www" && echo pong >"$dir/www/ping" || return 1
        busybox httpd -p "127.0.0.1:$port" -h "$dir/www" || { echo "port $port cannot be listened on"; return 1; }
    }
    ended() { :; }
    one() { busybox wget -q -O /dev/null "http://127.0.0.1:$port/ping"; }
    ;;
*)
    prepared() { echo "no such operation: $op"; return 1; }
    ;;
esac
