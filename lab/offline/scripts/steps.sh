# What the rescue guest does with a guest's volumes: /job/volumes has lines `number type`, /job/order the steps,
# /job/N/ the words of one. Answers are /out/N/exit (code, volume, kind of failure), /out/N/text, /out/N/found
# and /out/N/data; a step that fails is the last. Kinds are those of lab/offline/refusal.py.

kind= why=
# say KIND TEXT: why a step fails.
say() { kind=$1 why=$2; return 1; }

# ready NUMBER TYPE MODE: mount the volume at /v.
ready() {
  device=$(disk "v$1") || { say failed "no device"; return 1; }
  case $2 in
  ntfs) ready_ntfs "$device" "$3" ;;
  ext4) quietly mount -t ext4 -o "$3" "$device" /v ;;
  fat) quietly mount -t vfat -o "$3,utf8,shortname=mixed" "$device" /v ;;
  exfat) quietly mount -t exfat -o "$3" "$device" /v ;;
  *) say failed "it is $2" ;;
  esac
}

quietly() { said=$("$@" 2>&1) || say damaged "$(printf '%s' "$said" | tr '\n' ' ')"; }

# ntfs-3g would clear Windows' log and write to a volume that Windows is going to check: both are refused.
ready_ntfs() {
  said=$(ntfsinfo -m "$1" 2>&1) || case $said in
  *"scheduled for check"*) [ "$2" = ro ] || { say dirty "it is marked for a check (dirty)"; return 1; } ;;
  *) say damaged "$(printf '%s' "$said" | head -n 3 | tr '\n' ' ')"; return 1 ;;
  esac
  if [ "$2" = ro ]; then
    quietly ntfs-3g -o ro,norecover "$1" /v && return 0
    quietly ntfs-3g -o ro,recover "$1" /v
    return
  fi
  for number in $(sed -n 's/ ntfs$//p' /job/volumes); do
    quietly ntfs-3g -o ro "$(disk "v$number")" /v || { why="volume $number cannot be looked at: $why"; return 1; }
    mark=$(sleeping)
    umount /v
    [ -z "$mark" ] || { say hibernated "Windows is hibernated on volume $number (hiberfil.sys), or was shut down by Fast Startup"; return 1; }
  done
  writable "$1" && return 0
  # A log of version 2.0 is that of Windows 8 and later while it runs. ntfsrecover takes it for Fast Startup's, whose
  # other half is in hiberfil.sys, and wants to be told that there is none (-k).
  ntfsrecover -k "$1" >/out/recovered 2>&1 || { say unclean "its log could not be replayed: $(tail -n 1 /out/recovered)"; return 1; }
  writable "$1" || say unclean "its log was replayed, and still it cannot be written to: $why"
}

# ntfs-3g falls back to reading where the volume is not safe to write to, and calls that success.
writable() {
  quietly ntfs-3g -o norecover "$1" /v || return 1
  grep -q ' /v fuse[^ ]* rw' /proc/mounts && return 0
  umount /v
  say unclean "ntfs-3g mounts it read-only"
}

# Windows leaves `hibr` there (Windows 8 and later in capitals) and zeroes it when it has woken up.
sleeping() {
  for file in $(find /v -maxdepth 1 -iname hiberfil.sys); do
    case $(head -c 4 "$file" 2>/dev/null) in hibr | HIBR) echo yes ;; esac
  done
}

# matches PATH: what there is of it below /v, one per line; the last part may be a pattern.
matches() {
  at=/v rest=${1#/}
  if [ -z "$rest" ]; then echo /v; return; fi
  while [ "$rest" != "${rest#*/}" ]; do
    part=${rest%%/*} rest=${rest#*/}
    [ -n "$part" ] || continue
    literal=$(printf '%s' "$part" | sed 's/[][*?\\]/\\&/g')
    at=$(find "$at" -maxdepth 1 -mindepth 1 "$named" "$literal" | head -n 1)
    [ -n "$at" ] || return 0
    if [ -L "$at" ]; then
      to=$(readlink "$at")
      case $to in /*) at=/v$to ;; *) at=${at%/*}/$to ;; esac
    fi
    [ -d "$at" ] || return 0
    at=$(cd "$at" && pwd -P)
    case $at in /v | /v/*) ;; *) return 0 ;; esac
  done
  find "$at" -maxdepth 1 -mindepth 1 "$named" "$rest"
}

named_for() { case $1 in ext4) named=-name ;; *) named=-iname ;; esac; }

# locate PATH AMONG MODE: mount the one volume that has it; its matches go to /out/found.
locate() {
  holder= reasons= : >/out/found
  for number in $2; do
    its=$(sed -n "s/^$number //p" /job/volumes)
    named_for "$its"
    first=ro
    [ "$2" != "$number" ] || first=$3
    if ready "$number" "$its" "$first"; then
      matches "$1" >"/out/found.$number"
      if [ "$2" = "$number" ] && [ -s "/out/found.$number" ]; then
        holder=$number
        mv "/out/found.$number" /out/found
        return 0
      fi
      umount /v
      [ -s "/out/found.$number" ] || { reasons="$reasons; volume $number ($its) does not have it"; continue; }
      [ -z "$holder" ] || { say ambiguous "volumes $holder and $number have it"; return 1; }
      holder=$number held=$its
    else
      [ "$2" != "$number" ] || { why="volume $number ($its): $why"; return 1; }
      reasons="$reasons; volume $number ($its): $why"
    fi
  done
  [ -n "$holder" ] || { say absent "${reasons#; }"; return 1; }
  named_for "$held"
  ready "$holder" "$held" "$3" || { why="volume $holder ($held): $why"; return 1; }
  matches "$1" >/out/found
  [ -s /out/found ] || { umount /v; say absent "it went when the volume's log was replayed"; }
}

# each COMMAND...: run it with every match as last argument.
each() {
  while read -r file; do
    [ -f "$file" ] || { say failed "${file#/v} is no file"; return 1; }
    said=$("$@" "$file" 2>&1) || { say failed "${file#/v}: $said"; return 1; }
    echo "${file#/v}"
  done </out/found
}

renamed() {
  case $to in /*) new=/v$to ;; *) new=${1%/*}/$to ;; esac
  [ ! -e "$new" ] || { echo "${new#/v} exists"; return 1; }
  mv "$1" "$new"
}
overwritten() { cat "$here/content" >"$1"; }
only_one() { [ "$(wc -l </out/found)" -eq 1 ] || say ambiguous "$(wc -l </out/found) files match"; }
listed() {
  while read -r file; do
    if [ -d "$file" ]; then find "$file" -maxdepth 1 -mindepth 1; else echo "$file"; fi
  done </out/found | while read -r file; do stat -c '%F|%s|%Y|%n' "$file"; done | sed 's/|\/v\//|\//'
}

# The newest of the matches to the device $1; prints its size.
copied() {
  newest=
  while read -r file; do
    [ -n "$newest" ] && [ ! "$file" -nt "$newest" ] || newest=$file
  done </out/found
  echo "$newest" >/out/found
  [ -f "$newest" ] || { say failed "${newest#/v} is no file"; return 1; }
  size=$(stat -c %s "$newest")
  mib=$(((size + 1048575) / 1048576))
  taken=$(dump_mib "$newest")
  [ "$taken" -gt 0 ] && [ "$taken" -lt "$mib" ] && mib=$taken && size=$((taken * 1048576))
  echo "$size"
  dd if="$newest" of="$1" bs=1M count="$mib" conv=fsync 2>/dev/null || say failed "${newest#/v} could not be copied"
}

# What a Windows dump says it takes (RequiredDumpSpace at 0xFA0), in MiB and rounded up; 0 for other files.
dump_mib() {
  case $(head -c 8 "$1") in PAGEDU64 | PAGEDUMP) ;; *) echo 0; return ;; esac
  takes=$(od -A n -t d8 -j 4000 -N 8 "$1" | tr -d ' ')
  [ "$takes" -gt 8192 ] 2>/dev/null && echo $(((takes + 1048575) / 1048576)) || echo 0
}

# perform WHAT: with the volume mounted; output is the step's data.
perform() {
  case $1 in
  list) listed ;;
  read)
    only_one && while read -r file; do
      [ "$(stat -c %s "$file")" -le 33554432 ] || { say failed "it is larger than 32 MiB, which copy-out takes"; return 1; }
      cat "$file" || say failed "it cannot be read"
    done </out/found
    ;;
  copy-out) copied "$(disk "$(cat "$here/device")")" ;;
  rename) each renamed ;;
  delete) each rm ;;
  replace) only_one && each overwritten ;;
  *) say failed "no such step" ;;
  esac
}

while read -r step what; do
  here=/job/$step
  mkdir -p "/out/$step"
  to=$(cat "$here/to" 2>/dev/null)
  case $what in list | read | copy-out) mode=ro ;; *) mode=rw ;; esac
  kind= why= code=0
  if locate "$(cat "$here/path")" "$(cat "$here/among")" "$mode"; then
    perform "$what" >"/out/$step/data" || code=1
    cp /out/found "/out/$step/found"
    sync
    umount /v || { code=1; say failed "the volume could not be unmounted"; }
  else
    code=1
    [ "$kind" != absent ] || [ ! -e "$here/optional" ] || code=0 holder=
  fi
  printf '%s' "$why" >"/out/$step/text"
  echo "$code ${holder:-0} ${kind:-failed}" >"/out/$step/exit"
  [ "$code" = 0 ] || break
done </job/order
