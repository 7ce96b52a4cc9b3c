#!/usr/bin/env bash
#
# Everything that must hold before a change is merged: `make test`. Ends with a list of the stages and how each
# went; the exit status is 0 when all went well.
#
# A test that this machine cannot run is skipped with its reason, unless MILLRACE_REQUIRE names what it needs:
# a list such as "io_uring,postgresql", or "all", which is what CI=true means. io_uring is always required
# where fio can use it, so that a broken detection of our own cannot hide behind a skip.

set -euo pipefail
cd "$(dirname "$0")/.."

readonly logs=.build/test-logs
readonly failure_lines='recorded an issue|✘ Test .* failed|error: |SUMMARY: Thread|atal error|unexpected signal'
failed=0
summary=()
failures=()

say() { printf '\n== %s\n' "$*"; }

# stage NAME COMMAND...: runs it, keeps its output in a log, notes how it went. Exit status 77 means skipped.
# Because its status is asked for, `set -e` does not hold inside COMMAND: there each step says what follows on failure.
stage() {
  local name=$1 began=$SECONDS verdict=passed status=0
  shift
  say "$name"
  "$@" 2>&1 | tee "$logs/${name// /-}.log" || status=$?
  case $status in
    0) ;;
    77) verdict=skipped ;;
    *) verdict=FAILED failed=1 failures+=("$name") ;;
  esac
  summary+=("$(printf '%-8s %5d s  %s' "$verdict" $((SECONDS - began)) "$name")")
  [ "$verdict" != FAILED ]
}

# What a failed stage's log says of its failure, so that who sees only the end of the output knows it.
explain() {
  local log=$logs/${1// /-}.log
  say "why $1 failed"
  # Lines that say that a test began or passed have its name, which may speak of errors.
  grep -vE '^(◇|✔) ' "$log" | grep -E "$failure_lines" | cut -c1-240 | sort -u | head -n 12 || tail -n 15 "$log"
  if grep -q '^◇ Test run started' "$log" && ! grep -q ' Test run with ' "$log"; then
    echo "the run was ended before these had:"
    comm -23 <(sed -nE 's/^◇ Test ("[^"]*"|[^ ]+) started\.$/\1/p' "$log" | sort -u) \
      <(sed -nE 's/^[^ ]+ Test ("[^"]*"|[^ ]+) .*(passed|failed|skipped).*/\1/p' "$log" | sort -u) | head -n 12
  fi
}

finish() {
  local name
  for name in "${failures[@]}"; do explain "$name"; done
  say "summary"
  printf '%s\n' "${summary[@]}"
  exit $failed
}

# In CI a test that hangs shall not hold the machine for ever. At a terminal it would keep Ctrl-C from the tests.
limited() { if [ "${CI:-}" = true ]; then timeout --kill-after=10 "$@"; else shift; "$@"; fi; }

build_release() {
  swift build -c release --product millrace || return
  if grep -q '"millrace-counts"' Package.swift; then swift build -c release --product millrace-counts || return; fi
}

# Warnings of our own code. Only what was compiled in this run can show: a fresh clone shows all.
check_warnings() {
  local ours="^$PWD/(Sources|Tests|Package)[^:]*:[0-9]+:[0-9]+: warning:|^warning: 'millrace'"
  ! grep -hE "$ours" "$logs"/build-*.log | sort -u | grep .
}

check_faultfs() {
  local status=0
  scripts/build-tools.sh || return
  Tools/faultfs/test.py .build/tools/faultfs || status=$?
  if [ $status -eq 77 ] && [ "$MILLRACE_REQUIRE" = all ]; then status=1; fi
  return $status
}

# Does io_uring work here? Asked of fio, which knows nothing of our own detection.
machine_has_io_uring() {
  fio --name=probe --ioengine=io_uring --rw=read --bs=4k --size=4k --filename=Package.swift --readonly \
    >/dev/null 2>&1
}

# Tests begin in the order in which they come, and one that waits for something has to queue up behind all that have
# begun. Where the toolchain can be told so (6.3), few are under way together: each goes on as soon as it can, and no
# client is kept waiting by a thousand other tests until its server gives it up.
few_at_a_time() {
  local help
  # Not piped into `grep -q`, which leaves at the first match: what is not read by then would count as a failure.
  help=$(swift test --help-hidden 2>/dev/null) || true
  if [[ $help == *--experimental-maximum-parallelization-width* ]]; then
    echo "--experimental-maximum-parallelization-width $(($(nproc) * 2))"
  fi
}

run_tests() {
  # In CI what is made up at random is tried for longer (Tests/Support/Fuzzing.swift), each for so many seconds.
  if [ "${CI:-}" = true ]; then export MILLRACE_FUZZ_SECONDS=${MILLRACE_FUZZ_SECONDS:-60}; fi
  # shellcheck disable=SC2046
  limited 40m swift test --skip-build $(few_at_a_time) || return
  if [ "$has_io_uring" = yes ] && grep -i 'skipped.*io_uring' "$logs"/test.log; then
    echo "tests of io_uring were skipped, but fio can use io_uring on this machine"
    return 1
  fi
}

run_thread_sanitizer() {
  # A worker that was idle long enough to leave is joined when its engine ends, which may be after the process's last
  # test: that is no leak.
  # Simulations run on one thread, where there is nothing to race: a few seeds show that they run here, too.
  # shellcheck disable=SC2046
  MILLRACE_LOWER_FLOORS=1 TSAN_OPTIONS=report_thread_leaks=0 MILLRACE_SEEDS=30 limited 30m swift test \
    --sanitize=thread --scratch-path .build-tsan $(few_at_a_time)
}

# One process runs all tests, each with databases of its own, and POSIX AIO has many descriptors for each file.
ulimit -n "$(ulimit -Hn)" || true

mkdir -p "$logs"
rm -f "$logs"/*.log

stage "test dependencies" scripts/install-test-dependencies.sh || finish
set -a
# shellcheck source=/dev/null
. .cache/environment
set +a

has_io_uring=no
if machine_has_io_uring; then has_io_uring=yes; fi
require=${MILLRACE_REQUIRE:-}
if [ "${CI:-}" = true ]; then require=all; fi
if [ "$require" != all ] && [ $has_io_uring = yes ]; then require=${require:+$require,}io_uring; fi
export MILLRACE_REQUIRE=$require
echo "io_uring on this machine: $has_io_uring; MILLRACE_REQUIRE=$MILLRACE_REQUIRE"

stage "build release" build_release || finish
stage "build tests" swift build --build-tests || finish
stage "no warnings" check_warnings || true
stage "faultfs" check_faultfs || true
stage "test" run_tests || true
stage "thread sanitizer" run_thread_sanitizer || true
finish
