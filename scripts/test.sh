#!/usr/bin/env bash
# Runs every suite, logs each to .build/logs/, and ends with the total: `N passed, N failed[, N skipped]`.
#
# One configuration, release: the conformance suite compares tensors of millions of elements, which is slow without
# optimisation, and bounds and overflow checks trap in it as in debug. It has a build folder of its own, because
# `@testable` needs a compiler flag, and a changed flag would rebuild what `make release` built.
set -uo pipefail
cd "$(dirname "$0")/.."

export GRAFT_PYTHON=${GRAFT_PYTHON:-$PWD/.venv/bin/python}
configuration=(--configuration release -Xswiftc -enable-testing --scratch-path .build/testing)
logs=.build/logs
mkdir -p "$logs"
passed=0
failed=0
skipped=0

# add NAME PASSED FAILED SKIPPED: adds a suite to the total and prints its line.
add() {
  passed=$((passed + $2))
  failed=$((failed + $3))
  skipped=$((skipped + $4))
  printf '%-28s %s passed, %s failed, %s skipped (%ss)\n' "$1" "$2" "$3" "$4" "$((SECONDS - started))"
  if [ "$3" -gt 0 ]; then echo "  see $logs/$1.log"; fi
}

# begin NAME: starts a suite's clock and log.
begin() {
  started=$SECONDS
  log=$logs/$1.log
  printf '%s ...\n' "$1"
}

# number REGEX: what the first group of REGEX matched in the last line of the log that it matches; else 0.
number() {
  local value
  value=$(sed -nE "s/$1/\1/p" "$log" | tail -n 1)
  echo "${value:-0}"
}

run_lint() {
  begin lint
  scripts/lint.sh >"$log" 2>&1
  local bad
  bad=$(number '^lint: [0-9]+ passed, ([0-9]+) failed$')
  add lint "$(number '^lint: ([0-9]+) passed, .*$')" "$bad" 0
  if [ "$bad" -gt 0 ]; then grep -vE ': passed$' "$log" | head -n 40; fi
}

build() {
  begin build
  if swift build --build-tests "${configuration[@]}" >"$log" 2>&1; then
    printf '%-28s done (%ss)\n' build "$((SECONDS - started))"
    return 0
  fi
  add build 0 1 0
  grep -E 'error:' "$log" | sort -u | head -n 40
  return 1
}

run_swift_tests() {
  begin swift
  local status=0 run bad not_run
  swift test --skip-build --disable-xctest "${configuration[@]}" >"$log" 2>&1 || status=$?
  run=$(number '^.* Test run with ([0-9]+) tests? .*$')
  # A test that is skipped is in the count of the run; a failed one is named once, its cases apart.
  bad=$(grep -cE '^.{1,4}Test (.*[^ ]) failed after [0-9.]+ seconds' "$log")
  bad=$((bad - $(grep -cE '^.{1,4}Test (run with|case passing) .* failed after [0-9.]+ seconds' "$log")))
  not_run=$(grep -cE '^.{1,4}Test .* skipped(:|\.|$)' "$log")
  if [ "$status" -ne 0 ] && [ "$bad" -le 0 ]; then bad=1; fi
  add swift "$((run - bad - not_run > 0 ? run - bad - not_run : 0))" "$bad" "$not_run"
  if [ "$bad" -gt 0 ]; then
    grep -E 'recorded an issue|failed after|[Ff]atal error|error:' "$log" | head -n 60
    if ! grep -qE 'Test run with' "$log"; then tail -n 20 "$log"; fi
  fi
}

# run_python_tests FOLDER: the unittest files in a folder.
run_python_tests() {
  local folder=$1 status=0 run bad not_run name
  name=python-$(tr '/' '-' <<<"$folder")
  begin "$name"
  "$GRAFT_PYTHON" -m unittest discover --start-directory "$folder" --top-level-directory "$folder" \
    --pattern 'test_*.py' >"$log" 2>&1 || status=$?
  run=$(number '^Ran ([0-9]+) tests? in .*$')
  bad=$(($(number '^FAILED \(failures=([0-9]+).*$') + $(number '^FAILED \(.*errors=([0-9]+).*$')))
  not_run=$(number '^[A-Z]+ \(.*skipped=([0-9]+).*$')
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  add "$name" "$((run - bad - not_run > 0 ? run - bad - not_run : 0))" "$bad" "$not_run"
  if [ "$bad" -gt 0 ]; then tail -n 40 "$log"; fi
}

# The larger models take a while to compile: `make conformance` runs them all.
run_conformance() {
  grep -q graft-conformance Package.swift || return 0
  begin conformance
  local status=0 bad
  "$(swift build "${configuration[@]}" --show-bin-path)/graft-conformance" functions/ nn/ torchvision/resnet18 transformers/bert \
    transformers/gpt2 >"$log" 2>&1 || status=$?
  bad=$(number '^conformance: [0-9]+ passed, ([0-9]+) failed.*$')
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  add conformance "$(number '^conformance: ([0-9]+) passed.*$')" "$bad" \
    "$(number '^conformance: .*, ([0-9]+) skipped$')"
  if [ "$bad" -gt 0 ]; then tail -n 60 "$log"; fi
}

# The operations, family by family, against PyTorch: beside the conformance suite, one core each.
start_operations() {
  GRAFT_EMIT_TRACE=$(swift build "${configuration[@]}" --show-bin-path)/emit-trace
  export GRAFT_EMIT_TRACE
  for file in Tests/Ops/test_*.py; do
    local name
    name=operations-$(basename "$file" .py | sed 's/^test_//')
    "$GRAFT_PYTHON" "$file" >"$logs/$name.log" 2>&1 || echo "exit status $?" >>"$logs/$name.log"
  done &
  operations=$!
}

finish_operations() {
  local file name bad status
  wait "$operations"
  for file in Tests/Ops/test_*.py; do
    name=operations-$(basename "$file" .py | sed 's/^test_//')
    log=$logs/$name.log
    bad=$(number '^[0-9]+ passed, ([0-9]+) failed, .*$')
    status=$(number '^exit status ([0-9]+)$')
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    add "$name" "$(number '^([0-9]+) passed, [0-9]+ failed, .*$')" "$bad" \
      "$(number '^[0-9]+ passed, [0-9]+ failed, ([0-9]+) skipped$')"
    if [ "$bad" -gt 0 ]; then grep -E '^(FAIL|Traceback|[A-Za-z]*Error)' "$log" | head -n 20; fi
  done
}

run_lint
if build; then
  run_swift_tests
  started=$SECONDS
  start_operations
  run_conformance
  finish_operations
fi
while IFS= read -r folder; do
  run_python_tests "$folder"
done < <(find Frontends Backends Tests -name 'test_*.py' -not -path 'Tests/Ops/*' -exec dirname {} + | LC_ALL=C sort -u)

if [ "$skipped" -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
