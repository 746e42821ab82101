# Runs one workload in a guest, in rounds, until its own deadline; POSIX sh, also busybox.
#
#   load.sh size DIR NAME...        what the guest has: CPUs, memory, free disk below DIR; then the
#                                   programs of these that are missing
#   load.sh start ID <ORDER         starts what ORDER says, detached, until its deadline or `stop`
#   load.sh look ID N               how ID fares, and its finished rounds after number N
#   load.sh stop ID N PATIENCE      asks it to end, waits PATIENCE half seconds, kills what is left; then as look
#   load.sh tidy ID                 removes everything of ID
#
# Everything that runs for ID has LAB_LOAD=ID in its environment, so it is found however its
# processes group themselves. Every part ends at a deadline of its own, whoever is killed.
set -u
home=${LAB_LOAD_HOME:-/run/lab-load}
base=$home/${2:-none}
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
grace=20

# Nanoseconds of the monotonic clock in $ns, without starting a process: jumps of the wall clock do not
# reach it, and its own cost is 0.4 ms on an emulated CPU. Where the kernel does not say, 10 ms steps.
now() {
    ns=
    { read -r _; read -r _; read -r _ _ ns _; } 2>/dev/null </proc/timer_list
    case $ns in
    '' | *[!0-9]*)
        read -r ns _ </proc/uptime
        ns=${ns%.*}${ns#*.}0000000
        ;;
    esac
}

size() {
    mkdir -p "$1"
    grep -c '^processor' /proc/cpuinfo
    awk '/^MemTotal:/ {t = $2} /^MemAvailable:/ {a = $2} END {print t, a}' /proc/meminfo
    df -Pk "$1" | awk 'END {print $4}'
    shift
    for tool; do
        command -v "$tool" >/dev/null 2>&1 || echo "$tool"
    done
}

# Pids of everything that runs for this workload.
marked() {
    grep -sl "LAB_LOAD=$id" /proc/[0-9]*/environ | sed 's|/proc/\([0-9]*\)/.*|\1|'
}

# KiB of memory that can be had, in $available, without starting a process.
available() {
    while read -r name available _; do
        [ "$name" != MemAvailable: ] || break
    done </proc/meminfo
}

# The least memory that could be had, looked at once a second until it is killed, or its runner is.
lowest() {
    low=
    while kill -0 "$$" 2>/dev/null; do
        available
        if [ -z "$low" ] || [ "$available" -lt "$low" ]; then
            low=$available
            echo "$low" >"$1"
        fi
        sleep 1
    done
}

# CPU ticks of all of them, their ended children included.
ticks() {
    marked | awk '
        {
            file = "/proc/" $1 "/stat"
            if ((getline line < file) <= 0) next
            close(file); sub(/.*\) /, "", line); split(line, part, " ")
            t += part[12] + part[13] + part[14] + part[15]; n++
        }
        END {printf "%.0f %.0f\n", t, n}'
}

worker() {
    me=$1
    until [ -e "$base/stop" ]; do
        now
        [ "$ns" -lt "$until_ns" ] || break
        begun=$ns
        if one; then
            now
            took=$(((ns - begun) / 1000))
            echo "$took"
        else
            now
            took=$(((ns - begun) / 1000))
            echo error
        fi
        rest=$((pace_us + took * idle / 100))
        if [ "$rest" -gt 0 ]; then
            part=$((1000000 + rest % 1000000))
            sleep "$((rest / 1000000)).${part#1}"
        fi
    done
}

# Times in microseconds to a histogram: 1000 steps per decade, each named by its upper edge.
histogram() {
    awk '
        $1 == "error" {errors++; next}
        {
            us = $1 + 0; n++; sum += us; if (us > worst) worst = us
            step = 1; while (us / step >= 1000) step *= 10
            bins[step == 1 ? us : (int(us / step) + 1) * step]++
        }
        END {
            printf "ops %.0f\nerrors %.0f\nworst_us %.0f\nsum_us %.0f\n", n, errors, worst, sum
            for (edge in bins) printf "bin %.0f %d\n", edge, bins[edge]
        }'
}

# One round of $seconds: the tool, and operations timed one by one beside it.
round() {
    out=$base/now
    rm -rf "$out"
    mkdir "$out" || return 1
    now
    begin_ns=$ns
    until_ns=$((ns + seconds * 1000000000))
    number=0
    workers_pids=
    while [ "$number" -lt "$workers" ]; do
        number=$((number + 1))
        worker "$number" >"$out/times.$number" 2>>"$out/said" &
        workers_pids="$workers_pids $!"
    done
    lowest "$out/available" &
    watcher=$!
    code=0
    if [ -n "$command" ]; then
        (eval "exec timeout -s KILL $((seconds * 2 + grace)) $command") </dev/null >"$out/text" 2>&1
        code=$?
    fi
    [ -z "$workers_pids" ] || wait $workers_pids
    kill "$watcher" 2>/dev/null
    now
    {
        echo "round $rounds"
        echo "begin_ns $begin_ns"
        echo "end_ns $ns"
        echo "seconds $seconds"
        echo "available_kib $(cat "$out/available" 2>/dev/null)"
        echo "exit_code $code"
        cat "$out"/times.* 2>/dev/null | histogram
        [ ! -s "$out/said" ] || sort "$out/said" | uniq -c | sort -rn | head -n 5 | sed 's/^ */said /'
        [ ! -s "$out/text" ] || tail -n 20 "$out/text" | sed 's/^/text /'
        [ ! -s "$out/report" ] || sed 's/^/report /' "$out/report"
        echo "end $rounds"
    } >"$base/rounds/$rounds.part"
    mv "$base/rounds/$rounds.part" "$base/rounds/$rounds"
}

finish() {
    trap '' EXIT TERM
    for pid in $(marked); do
        [ "$pid" = $$ ] || kill -KILL "$pid" 2>/dev/null
    done
    ended >/dev/null 2>&1
    rm -rf "$base/now" "$dir"
    echo "$1" >"$base/ended.part"
    mv "$base/ended.part" "$base/ended"
    exit 0
}

start() {
    mkdir -p "$base" && cat >"$base/order.part" && mv "$base/order.part" "$base/order" || exit 1
    setsid sh "$0" run "$1" </dev/null >"$base/log" 2>&1 &
}

run() {
    id=${base##*/}
    export LAB_LOAD="$id"
    op= command= workers=0 pace_us=0 idle=0 for_s=0 round_s=5 dir=$base/files rounds=0
    . "$base/order"
    mkdir -p "$base/rounds" "$dir" || exit 1
    prepared() { :; }
    ended() { :; }
    [ -z "$op" ] || . "${0%/*}/ops.sh"
    cat /proc/sys/kernel/random/boot_id >"$base/boot"
    trap 'finish killed' EXIT TERM
    trap '' HUP INT
    cd "$dir" || finish "failed $dir cannot be entered"
    why=$(prepared 2>&1) || finish "unusable $why"
    now
    deadline_ns=$((ns + for_s * 1000000000))
    echo $$ >"$base/pid"
    while [ ! -e "$base/stop" ]; do
        now
        left=$(((deadline_ns - ns + 500000000) / 1000000000))
        [ "$left" -gt 0 ] || break
        # what would be left of the last round is added to it, not run as a stump
        if [ "$left" -lt $((round_s * 3 / 2)) ]; then seconds=$left; else seconds=$round_s; fi
        rounds=$((rounds + 1))
        round || finish "failed round $rounds cannot be written"
        if [ "$code" -ne 0 ] && [ ! -e "$base/stop" ] && [ $((ns - begin_ns)) -lt $((seconds * 500000000)) ]; then
            finish "failed exit code $code after $(((ns - begin_ns) / 1000000)) ms: $(tail -n 3 "$out/text" | tr '\n' ' ')"
        fi
    done
    if [ -e "$base/stop" ]; then finish stopped; else finish deadline; fi
}

alive() {
    [ -e "$base/pid" ] && kill -0 "$(cat "$base/pid")" 2>/dev/null
}

look() {
    id=${base##*/}
    if [ -e "$base/ended" ]; then
        echo "state ended $(cat "$base/ended")"
    elif alive; then
        echo "state running"
    elif [ -e "$base/order" ] && [ ! -e "$base/pid" ]; then
        echo "state starting"
    else
        echo "state gone"
    fi
    echo "boot $(cat "$base/boot" 2>/dev/null)"
    now
    echo "now_ns $ns"
    echo "cpu $(ticks)"
    available
    echo "available_kib $available"
    seen=$1
    shown=0
    while [ -e "$base/rounds/$((seen + 1))" ] && [ "$shown" -lt 40 ]; do
        rm -f "$base/rounds/$seen"
        seen=$((seen + 1))
        shown=$((shown + 1))
        cat "$base/rounds/$seen"
    done
    [ ! -e "$base/rounds/$((seen + 1))" ] || echo more
    [ ! -s "$base/log" ] || tail -n 5 "$base/log" | sed 's/^/log /'
}

# stress-ng and fio report what they did until now when they are interrupted.
stop() {
    id=${base##*/}
    : >"$base/stop"
    for pid in $(marked); do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
        stress-ng* | fio*) kill -INT "$pid" 2>/dev/null ;;
        esac
    done
    waited=0
    while [ ! -e "$base/ended" ] && alive && [ "$waited" -lt "$2" ]; do
        sleep 0.5 2>/dev/null || sleep 1
        waited=$((waited + 1))
    done
    for signal in TERM KILL; do
        left=$(marked)
        [ -n "$left" ] || break
        kill -$signal $left 2>/dev/null
        sleep 1
    done
    [ -z "$left" ] || left=$(marked)
    [ -z "$left" ] || echo "stuck $(echo "$left" | tr '\n' ' ')"
    look "$1"
}

tidy() {
    . "$base/order" 2>/dev/null
    rm -rf "$base" "${dir:-$base}"
}

verb=${1:-}
case $verb in
size) shift && size "$@" ;;
start) start "$2" ;;
run) run ;;
look) look "$3" ;;
stop) stop "$3" "$4" ;;
tidy) tidy ;;
*)
    sed -n '3,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
