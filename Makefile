# Every target that needs something installs it first; a second run installs nothing.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PREFIX ?= /usr/local
export GRAFT_PYTHON ?= $(CURDIR)/.venv/bin/python

.PHONY: help setup build release demo test conformance goldens readability bench bench-native bench-train parity sanitize fuzz format lint docs install clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: Debian packages, .venv with the Python packages
	@scripts/setup.sh

build: setup ## Build for development
	swift build

release: setup ## Build with optimisation
	swift build -c release --product graft

demo: release ## Convert a trained model from PyTorch to JAX, verify it, run it
	@scripts/demo.sh

test: setup ## Check the style, build, run every test
	@scripts/test.sh

conformance: setup ## Convert and verify every model of the conformance suite
	swift build -c release --product graft-conformance
	"$$(swift build -c release --show-bin-path)/graft-conformance" --markdown Docs/Conformance.md

goldens: setup ## Write the files in Tests/Goldens anew, from what is emitted now
	swift build -c release --product graft-conformance
	GRAFT_RECORD_GOLDENS=1 "$$(swift build -c release --show-bin-path)/graft-conformance" goldens/
	$(MAKE) --no-print-directory readability

readability: setup ## Write Docs/Readability.md from the files in Tests/Goldens
	.venv/bin/python Tests/Goldens/Checks/measure.py --cases Tests/Conformance/Cases >.build/Readability.md
	mv .build/Readability.md Docs/Readability.md

bench: release ## Measure emitted code and conversions; writes Docs/EmittedPerformance.md
	@scripts/bench.sh

bench-native: release ## Measure native execution beside other runtimes; writes Docs/Performance.md
	swift build -c release --product native-worker
	@scripts/bench-native.sh

bench-train: release ## Measure training beside other frameworks; writes Docs/TrainingPerformance.md
	swift build -c release --product train-worker
	@scripts/bench-train.sh

parity: release ## Train models in PyTorch and natively; writes how close they stay to Docs/TrainingParity.md
	swift build -c release --product train-worker
	@scripts/parity.sh

sanitize: setup ## Run the tests of native execution and of files under sanitizers of addresses and threads
	@scripts/sanitize.sh

fuzz: setup ## Run a million mutated programs, and read as many files, under the sanitizer of addresses
	@scripts/fuzz.sh

format: setup ## Format the Swift and Python sources
	swift format --in-place --parallel --recursive Sources Frontends Backends Tests Package.swift
	.venv/bin/ruff check --fix --quiet .
	.venv/bin/ruff format .

lint: setup ## Check the style of the Swift and Python sources
	@scripts/lint.sh

docs: setup ## Write Docs/Coverage.md and Docs/Readability.md, and the documentation to .build/docs
	@scripts/docs.sh

install: release ## Install graft to PREFIX/bin (default /usr/local/bin)
	install -D -m 755 "$$(swift build -c release --show-bin-path)/graft" "$(DESTDIR)$(PREFIX)/bin/graft"

clean: ## Remove what was built; .venv stays
	rm -rf .build out
