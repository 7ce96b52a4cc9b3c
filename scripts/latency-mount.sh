#!/usr/bin/env bash
#
# latency-mount.sh BACKING MOUNTPOINT LATENCY_US    show the directory BACKING at MOUNTPOINT, each request slower
# latency-mount.sh --unmount MOUNTPOINT             undo it, also when the file system's process has died
#
# LATENCY_US is the time in microseconds that each read, write and fsync takes; requests are served in
# parallel. It stands for storage that is far away, such as a cloud volume (1000 us). Faults can be added
# through MOUNTPOINT/.control. See the head of Tools/faultfs/faultfs.c. Builds the tool when needed.

set -euo pipefail
readonly repository=$(cd "$(dirname "$0")/.." && pwd)

fail() { printf '%s\n' "latency-mount: $*" >&2; exit 1; }
usage() { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
is_mounted() { findmnt --types fuse.faultfs --mountpoint "$(realpath -m "$1")" >/dev/null; }

unmount() {
  local mountpoint=$1
  is_mounted "$mountpoint" || { echo "latency-mount: nothing of ours is mounted at $mountpoint"; return 0; }
  # Lazily when somebody still has files open there: the process ends with the last of them.
  fusermount3 -u "$mountpoint" 2>/dev/null || fusermount3 -u -z "$mountpoint"
}

mount_it() {
  local backing=$1 mountpoint=$2 latency_us=$3
  [ -d "$backing" ] || fail "there is no directory $backing"
  [ -e /dev/fuse ] ||
    fail "this machine has no /dev/fuse (in a container: run it with --device /dev/fuse --cap-add SYS_ADMIN)"
  ! is_mounted "$mountpoint" || fail "$mountpoint is mounted already (undo: $0 --unmount $mountpoint)"
  "$repository/scripts/build-tools.sh"
  mkdir -p "$mountpoint"
  "$repository/.build/tools/faultfs" --latency-us "$latency_us" "$backing" "$mountpoint"
}

case ${1:-} in
  --unmount) [ $# -eq 2 ] || usage; unmount "$2" ;;
  -* | '') usage ;;
  *) [ $# -eq 3 ] || usage; mount_it "$1" "$2" "$3" ;;
esac
