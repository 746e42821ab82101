#!/bin/sh
# Everything that is done to the demo sensor on a guest; POSIX sh, also busybox.
#
#   install BUILD CONTENT          the files of both are unpacked in /opt/demo-sensor
#   update-build BUILD             likewise
#   update-content CONTENT         likewise; exit code 3 and refused=WORDS when the sensor refuses it
#   rollback BUILD CONTENT         back to what was there before the last update
#   start | stop | uninstall
#
# Exit codes: 0 done, 1 failed, 2 bad words, 3 content refused.
#
# Each step of an update is said on the kernel log when it begins ("demo-sensor: step NAME"), so that
# whoever cuts the power knows what was being done.
#
# What is written is synced before it is loaded: a content that brings the kernel down is still
# there after the reset, and brings it down again.

program=/opt/demo-sensor
state=/var/lib/demo-sensor
sensord=$program/current/demo-sensord
unit=/etc/systemd/system/demo-sensor.service
wanted=/etc/systemd/system/multi-user.target.wants/demo-sensor.service
rc=/etc/rc.d/S50demo-sensor
patience=${DEMO_SENSOR_PATIENCE:-60}

fail() {
    echo "demo-sensor: $*" >&2
    exit 1
}

step() {
    echo "<6>demo-sensor: step $1" >/dev/kmsg 2>/dev/null
}

has_systemd() {
    [ -d /run/systemd/system ]
}

start() {
    step start
    if has_systemd; then
        systemctl start demo-sensor || fail "systemctl start failed"
    else
        $sensord start || fail "the service does not start"
    fi
    $sensord wait "$patience"
}

stop() {
    step stop
    if has_systemd; then
        systemctl stop demo-sensor || fail "systemctl stop failed"
    else
        $sensord stop || fail "the service does not stop"
    fi
}

# Writes down what is there, so that a roll back finds it. $1: build or content, $2: its name now.
remember() {
    echo "$2" >"$state/previous-$1.new" && mv -f "$state/previous-$1.new" "$state/previous-$1" ||
        fail "cannot write $state/previous-$1"
}

recall() {
    cat "$state/previous-$1" 2>/dev/null
}

build_now() {
    link=$(readlink "$program/current")
    echo "${link##*/}"
}

content_now() {
    link=$(readlink "$state/content/current")
    echo "${link%.content}"
}

# Selecting is done by the program of the build that will be in force: each has its own way.
select_build() {
    [ -f "$program/builds/$1/demo_sensor.ko" ] || fail "build $1 is not unpacked in $program/builds"
    "$program/builds/$1/demo-sensord" select-build "$1" || fail "cannot select build $1"
}

select_content() {
    [ -f "$program/content/$1.content" ] || fail "content $1 is not unpacked in $program/content"
    $sensord select-content "$1" || fail "cannot select content $1"
}

enable() {
    if has_systemd; then
        cp "$program/demo-sensor.service" "$unit" || fail "cannot write $unit"
        systemctl daemon-reload || fail "systemctl daemon-reload failed"
        mkdir -p "${wanted%/*}" && ln -sf "$unit" "$wanted" || fail "cannot enable the unit"
    else
        mkdir -p "${rc%/*}" && cp "$program/S50demo-sensor" "$rc" && chmod 0755 "$rc" || fail "cannot write $rc"
    fi
}

install() {
    [ ! -e "$state" ] || fail "$state exists: the sensor is installed already"
    step select-build
    mkdir -p "$state/content" || fail "cannot make $state"
    select_build "$1"
    step select-content
    select_content "$2"
    step enable
    ln -sf current/demo-sensord "$program/demo-sensor-probe"
    ln -sf current/demo-sensord "$program/demo-sensorctl"
    enable
    flush
    start
}

# Everything that was unpacked is on the disk before anything leads to it. The new build writes the
# content that stays once more, in its own way.
change_build() {
    flush
    stop
    step unload
    $sensord unload || fail "the module of build $(build_now) cannot be unloaded"
    step select-build
    select_build "$1"
    step select-content
    select_content "$(content_now)"
    start
}

update_build() {
    [ -f "$program/builds/$1/demo_sensor.ko" ] || fail "build $1 is not unpacked in $program/builds"
    step remember
    remember build "$(build_now)"
    change_build "$1"
}

change_content() {
    flush
    step select-content
    select_content "$1"
    reload
}

flush() {
    step sync
    sync
}

reload() {
    step load
    $sensord reload "$patience"
}

update_content() {
    before=$(content_now)
    [ -f "$program/content/$1.content" ] || fail "content $1 is not unpacked in $program/content"
    step remember
    remember content "$before"
    change_content "$1"
    result=$?
    if [ $result -eq 3 ]; then
        # the content that was in force stays, also after a reboot
        step restore-content
        select_content "$before"
        reload >/dev/null
    fi
    return $result
}

rollback() {
    if [ "$(build_now)" != "$1" ]; then
        [ "$(recall build)" = "$1" ] || fail "build $1 is not what was there before the last update"
        # the content first, without loading it: the older build must not meet the newer content
        [ "$(content_now)" = "$2" ] || restore_content "$2"
        change_build "$1"
    elif [ "$(content_now)" != "$2" ]; then
        restore_content "$2"
        reload
    else
        $sensord status
    fi
}

restore_content() {
    [ "$(recall content)" = "$1" ] || fail "content $1 is not what was there before the last update"
    step restore-content
    select_content "$1"
}

uninstall() {
    if [ -e "$sensord" ]; then
        stop
        $sensord unload || fail "the module cannot be unloaded"
    fi
    rm -f "$rc" "$wanted" "$unit"
    if has_systemd; then
        systemctl daemon-reload
    fi
    rm -rf "$program" "$state" /run/demo-sensor
    sync
}

verb=${1:-}
[ $# -gt 0 ] && shift
case "$verb $#" in
"install 2") install "$1" "$2" ;;
"update-build 1") update_build "$1" ;;
"update-content 1") update_content "$1" ;;
"rollback 2") rollback "$1" "$2" ;;
"start 0") start ;;
"stop 0") stop ;;
"uninstall 0") uninstall ;;
*)
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
result=$?
[ $result -ne 0 ] || step done
exit $result
