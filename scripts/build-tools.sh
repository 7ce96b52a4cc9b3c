#!/usr/bin/env bash
#
# Builds the C tools that tests and comparisons use into .build/tools, when their sources are newer than
# what is there. Needs a C compiler and libfuse3's headers (scripts/install-test-dependencies.sh).

set -euo pipefail
cd "$(dirname "$0")/.."

readonly sources=Tools/faultfs program=.build/tools/faultfs
mkdir -p .build/tools

if [ ! -x $program ] || [ -n "$(find $sources -newer $program -name '*.[ch]')" ]; then
  read -ra compile_flags <<<"$(pkg-config --cflags fuse3)"
  read -ra link_flags <<<"$(pkg-config --libs fuse3)"
  # Two builds at once each make their own file; the rename is atomic.
  cc -std=c17 -O2 -Wall -Wextra -Wconversion -Werror "${compile_flags[@]}" $sources/*.c \
    -o "$program.$$" "${link_flags[@]}"
  mv "$program.$$" $program
fi
