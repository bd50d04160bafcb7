#!/usr/bin/env bash
# Checks the style; prints one line per check and ends with `lint: N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.."

passed=0
failed=0

check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "$name: passed"
  else
    failed=$((failed + 1))
    echo "$name: failed"
  fi
}

check "swift format" swift format lint --strict --parallel --recursive Sources Frontends Backends Tests Package.swift
check "ruff check" .venv/bin/ruff check --quiet .
check "ruff format" .venv/bin/ruff format --check --quiet .
echo "lint: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
