#!/usr/bin/env bash
#
# devices.sh up [--size 4G]    make the two block devices that comparisons are measured on (needs root)
# devices.sh status            say what is there; exit status 0 when both are up, 3 when not
# devices.sh down              undo everything, also what an interrupted run left behind
#
# Both live in memory, so they are fast and steadier than the disk of a virtual machine:
#
#   zram   ext4 on a compressed RAM disk (lz4). A request completes inside the submitting call, so it shows
#          the software's cost of each I/O.
#   loop   ext4 on a loop device with direct I/O, over a file of half the size on zram. A request completes
#          asynchronously, on another thread, as on a real disk.
#
# They are mounted at zram and loop under ${MILLRACE_DEVICES:-/var/tmp/millrace-devices}.

set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

readonly place=${MILLRACE_DEVICES:-/var/tmp/millrace-devices}
readonly zram_mount=$place/zram loop_mount=$place/loop loop_file=$place/zram/loop.img
# Which zram device is ours: the boot that this is about, the devices that were there before, then our number.
readonly record=$place/zram-device boot=$(cat /proc/sys/kernel/random/boot_id)

say() { printf '%s\n' "devices: $*"; }
fail() { printf '%s\n' "devices: $*" >&2; exit 1; }
usage() { sed -n '3,5s/^# //p' "$0" >&2; exit 2; }

require_root() {
  [ "$(id -u)" -eq 0 ] || fail "making and removing block devices needs root; run: sudo $0 $*"
}

require_kernel() {
  if [ ! -e /sys/class/zram-control/hot_add ]; then
    modprobe zram 2>/dev/null || true
    [ -e /sys/class/zram-control/hot_add ] ||
      fail "this machine has no zram devices: there is no /sys/class/zram-control" \
        "(a container needs the host's kernel module zram and a writable /sys)"
  fi
  if [ ! -e /dev/loop-control ]; then
    modprobe loop 2>/dev/null || true
    [ -e /dev/loop-control ] || fail "this machine has no loop devices (no /dev/loop-control)"
  fi
}

zram_numbers() { find /sys/block -name 'zram*' -printf '%f\n' | sed 's/^zram//' | sort -n | tr '\n' ' '; }

# The number of our zram device, if there is one since this boot.
our_zram() {
  local recorded_boot before number candidate
  [ -e "$record" ] || return 1
  { read -r recorded_boot && read -r before; } <"$record" || return 1
  number=$(sed -n 3p "$record")
  [ "$recorded_boot" = "$boot" ] || return 1
  if [ -z "$number" ]; then
    # Interrupted while the device was being made: it is a new one without a size.
    for candidate in $(zram_numbers); do
      case " $before " in *" $candidate "*) continue ;; esac
      [ "$(cat "/sys/block/zram$candidate/disksize")" != 0 ] || number=$candidate
    done
  fi
  [ -n "$number" ] && [ -e "/sys/block/zram$number" ] && echo "$number"
}

make_zram() {
  local size=$1 number
  printf '%s\n' "$boot" "$(zram_numbers)" >"$record"
  number=$(cat /sys/class/zram-control/hot_add)
  echo "$number" >>"$record"
  echo lz4 >"/sys/block/zram$number/comp_algorithm" 2>/dev/null ||
    say "this kernel's zram has no lz4; using $(sed 's/.*\[\(.*\)\].*/\1/' "/sys/block/zram$number/comp_algorithm")"
  echo "$size" >"/sys/block/zram$number/disksize"
  make_file_system "/dev/zram$number" "$zram_mount"
}

# Everything is initialised now: else a kernel thread would do it while something is being measured.
make_file_system() {
  local device=$1 mountpoint=$2
  mkfs.ext4 -q -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$device"
  mkdir -p "$mountpoint"
  mount -o noatime,discard "$device" "$mountpoint"
}

make_loop() {
  local bytes=$1 device
  truncate -s "$bytes" "$loop_file"
  device=$(losetup --find --show --direct-io=on "$loop_file")
  [ "$(losetup --noheadings --output DIO "$device" | tr -d ' ')" = 1 ] ||
    fail "the kernel refused direct I/O on $device; undo with: $0 down"
  make_file_system "$device" "$loop_mount"
}

up() {
  local size=$1 bytes
  bytes=$(numfmt --from=iec "$size") || usage
  [ "$bytes" -ge $((64 << 20)) ] || fail "--size $size is too small; at least 64M"
  require_root up
  require_kernel
  mkdir -p "$place"
  if ! mountpoint -q "$zram_mount" || ! mountpoint -q "$loop_mount"; then
    down  # what an interrupted run left
    mkdir -p "$place"
    make_zram "$bytes"
    make_loop $((bytes / 2))
  fi
  status
}

down() {
  local device number
  require_root down
  ! mountpoint -q "$loop_mount" || umount "$loop_mount"
  # Also a loop device that was never mounted.
  for device in $(losetup --noheadings --output NAME --associated "$loop_file" 2>/dev/null || true); do
    losetup --detach "$device"
  done
  ! mountpoint -q "$zram_mount" || umount "$zram_mount"
  if number=$(our_zram); then
    # The device stays busy for a moment after umount while udev looks at it.
    for _ in $(seq 50); do
      if echo 1 >"/sys/block/zram$number/reset" 2>/dev/null; then break; fi
      sleep 0.1
    done
    echo "$number" >/sys/class/zram-control/hot_remove || fail "/dev/zram$number is still in use by somebody"
  fi
  rm -f "$record"
  rmdir "$loop_mount" "$zram_mount" "$place" 2>/dev/null || true
}

status() {
  local mountpoint missing=0
  for mountpoint in "$zram_mount" "$loop_mount"; do
    if mountpoint -q "$mountpoint"; then
      say "$(findmnt --noheadings --output SOURCE,FSTYPE,SIZE,AVAIL,TARGET "$mountpoint")"
    else
      say "nothing at $mountpoint"
      missing=3
    fi
  done
  return $missing
}

size=4G
command=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
  case $1 in
    --size) [ $# -ge 2 ] || usage; size=$2; shift 2 ;;
    --size=*) size=${1#--size=}; shift ;;
    *) usage ;;
  esac
done
case $command in
  up) up "$size" ;;
  down) down ;;
  status) status ;;
  *) usage ;;
esac
