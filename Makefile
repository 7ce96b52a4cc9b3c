# What can be done with this repository; `make` prints the list.
#
# What they need besides the Swift toolchain is installed by scripts/install-test-dependencies.sh, which they call: the
# SQL parser's library to build, and programs to compare with to test.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build demo test soak fuzz bench format lint docs clean parser-library

libraries := MillraceSettings MillraceIO MillraceSimulation MillraceTypes MillraceStorage MillraceWAL MillraceEngine \
  MillraceSQL Millrace

# Only what is said on make's own command line: many a PostgreSQL user has PGDATA in the environment.
said = $(if $(filter command line,$(origin $(1))),--$(2) '$($(1))')

# Where the toolchain can, the command carries Swift's run-time library with it: one file that runs on a database server
# without a toolchain, and starts in half the time.
toolchain := $(dir $(realpath $(shell command -v swift)))
runtime := $(wildcard $(toolchain)../lib/swift_static/linux/libFoundation.a)
static := $(if $(runtime),--static-swift-stdlib -Xswiftc -use-ld=lld)

# Tests, which are debug builds, look at each access to memory for a second one that would overlap; the command does
# not, which is a fifth of a short statement's instructions (docs/decisions/0007-exclusivity-checks.md).
unchecked := -Xswiftc -enforce-exclusivity=unchecked

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: parser-library ## the release build of the millrace command, at .build/release/millrace
	swift build -c release --product millrace $(static) $(unchecked)

demo: build ## the whole story on a database of its own; takes PGDATA=directory SIZE=512MiB
	.build/release/millrace demo $(call said,PGDATA,pgdata) $(call said,SIZE,size)

test: ## everything that must hold before a change is merged
	scripts/test.sh

# libpg_query and PostgreSQL's headers, which the SQL parser is built with.
parser-library:
	@scripts/install-test-dependencies.sh build

soak: parser-library ## the whole engine on a simulated disk, seed after seed until stopped; takes SEED=first
	swift build -c release -Xswiftc -enable-testing --scratch-path .build-soak --build-tests
	MILLRACE_SOAK=1 $(if $(SEED),MILLRACE_SEED=$(SEED)) swift test -c release -Xswiftc -enable-testing \
	  --scratch-path .build-soak --skip-build --filter 'EngineSimulationTests.*without.end'

fuzz: parser-library ## what takes bytes from outside gets them made up at random; takes SECONDS=each (3600), SEED=first
	swift build --build-tests
	MILLRACE_FUZZ_SECONDS=$(or $(SECONDS),3600) $(if $(SEED),MILLRACE_SEED=$(SEED)) swift test --skip-build \
	  --filter 'FuzzTests|WALDamageTests.garbage'

bench: ## compare with fio and PostgreSQL; tables go to .build/bench
	scripts/bench/all.sh

format: ## bring the Swift sources into the project's format
	swift format --in-place --parallel --recursive Package.swift Sources Tests

lint: ## only say what is not in the project's format
	swift format lint --strict --parallel --recursive Package.swift Sources Tests

docs: parser-library ## the libraries' reference as a web site, in .build/docs
	swift package --allow-writing-to-directory .build/docs generate-documentation \
	  $(addprefix --target ,$(libraries)) --enable-experimental-combined-documentation \
	  --transform-for-static-hosting --output-path .build/docs
	@echo "to read it: python3 -m http.server --directory .build/docs 8000, then open /documentation/"

clean: ## remove what was built
	rm -rf .build .build-tsan .build-soak
