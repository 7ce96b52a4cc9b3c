#!/usr/bin/env bash
#
# Every comparison with fio and PostgreSQL: `make bench`. The tables go to .build/bench, as Markdown and JSON.
# About two hours. Arguments, such as --rounds 3, go to each of the scripts. Needs root for the quiet devices
# and for storage with latency; without it those rows are left out.

set -euo pipefail
cd "$(dirname "$0")/../.."

scripts/install-test-dependencies.sh
make build

if [ "$(id -u)" -eq 0 ] && ! scripts/devices.sh status >/dev/null; then
  trap 'scripts/devices.sh down' EXIT
  scripts/devices.sh up || echo "going on without the quiet devices"
fi

for comparison in random-reads scans verify-speed checkpoint commits load recovery foreground-reads \
  pgbench statements; do
  scripts/bench/$comparison.py "$@"
done
