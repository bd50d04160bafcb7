#!/usr/bin/env bash
# Runs every suite, logs each to .build/logs/, and ends with the total: `N passed, N failed[, N skipped]`.
#
# One configuration, release: the conformance suite compares tensors of millions of elements, which is slow without
# optimisation, and bounds and overflow checks trap in it as in debug. It has a build folder of its own, because
# `@testable` needs a compiler flag, and a changed flag would rebuild what `make release` built.
set -uo pipefail
cd "$(dirname "$0")/.."

export GRAFT_PYTHON=${GRAFT_PYTHON:-$PWD/.venv/bin/python}
configuration=(--configuration release -Xswiftc -enable-testing --scratch-path "$PWD/.build/testing")
logs=.build/logs
mkdir -p "$logs"
passed=0
failed=0
skipped=0
reasons=()

# add NAME PASSED FAILED SKIPPED: adds a suite to the total and prints its line.
add() {
  passed=$((passed + $2))
  failed=$((failed + $3))
  skipped=$((skipped + $4))
  printf '%-28s %s passed, %s failed, %s skipped (%ss)\n' "$1" "$2" "$3" "$4" "$((SECONDS - started))"
  if [ "$3" -gt 0 ]; then echo "  see $logs/$1.log"; fi
}

# explain NAME: prints what comes on the standard input, and again before the total.
explain() {
  local text
  text=$(head -n 60)
  echo "$text"
  reasons+=("$1:"$'\n'"$(cut -c -300 <<<"$text" | tail -n 12)")
}

# begin NAME: starts a suite's clock and log.
begin() {
  started=$SECONDS
  log=$logs/$1.log
  printf '%s ...\n' "$1"
}

# number REGEX [GROUP]: what the group (by default the first) of REGEX matched in the last line of the log that it
# matches; else 0.
number() {
  local value
  value=$(sed -nE "s/$1/\\${2:-1}/p" "$log" | tail -n 1)
  echo "${value:-0}"
}

run_lint() {
  begin lint
  scripts/lint.sh >"$log" 2>&1
  local bad
  bad=$(number '^lint: [0-9]+ passed, ([0-9]+) failed$')
  add lint "$(number '^lint: ([0-9]+) passed, .*$')" "$bad" 0
  if [ "$bad" -gt 0 ]; then explain lint < <(grep -vE ': passed$' "$log"); fi
}

build() {
  begin build
  if swift build --build-tests "${configuration[@]}" >"$log" 2>&1; then
    printf '%-28s done (%ss)\n' build "$((SECONDS - started))"
    return 0
  fi
  add build 0 1 0
  explain build < <(grep -E 'error:' "$log" | sort -u)
  return 1
}

# unended: the tests of the log that were started and have no result.
unended() {
  comm -23 \
    <(sed -nE 's/^.{1,4}Test ([^ ]*\(.*\)) started\.$/\1/p' "$log" | LC_ALL=C sort -u) \
    <(sed -nE 's/^.{1,4}Test ([^ ]*\(.*\)) .*(passed|failed|skipped).*$/\1/p' "$log" | LC_ALL=C sort -u)
}

# run_swift_tests NAME [OPTION...]: the tests that the options of `swift test` choose.
run_swift_tests() {
  begin "$1"
  local name=$1 status=0 run bad not_run
  shift
  swift test --skip-build --disable-xctest "${configuration[@]}" "$@" >"$log" 2>&1 || status=$?
  run=$(number '^.* Test run with ([0-9]+) tests? .*$')
  # A test that is skipped is in the count of the run; a failed one is named once, its cases apart.
  bad=$(grep -cE '^.{1,4}Test (.*[^ ]) failed after [0-9.]+ seconds' "$log")
  bad=$((bad - $(grep -cE '^.{1,4}Test (run with|case passing) .* failed after [0-9.]+ seconds' "$log")))
  not_run=$(grep -cE '^.{1,4}Test .* skipped(:|\.|$)' "$log")
  if [ "$status" -ne 0 ] && [ "$bad" -le 0 ]; then bad=1; fi
  if [ "$status" -eq 0 ] && [ "$run" -eq 0 ]; then bad=1; fi
  add "$name" "$((run - bad - not_run > 0 ? run - bad - not_run : 0))" "$bad" "$not_run"
  if [ "$bad" -gt 0 ]; then
    explain "$name" < <(
      grep -aE 'recorded an issue|failed after|[Ff]atal error|error:' "$log"
      if ! grep -qE 'Test run with' "$log"; then
        tail -n 20 "$log"
        echo "The process ended in the middle of:"
        unended
      fi
    )
  fi
}

# run_example: builds the example package, which depends on this one by its path, and runs it. The libraries are those that
# were built for the tests.
run_example() {
  begin example
  local folder bin bad=0
  folder=$(mktemp -d)
  cp Docs/Examples/FineTune/digits.* "$folder"
  bin=$(swift build "${configuration[@]}" --show-bin-path)
  if ! swift build --package-path Docs/Examples/FineTune "${configuration[@]}" >"$log" 2>&1 ||
    ! (cd "$folder" && "$bin/FineTune") >>"$log" 2>&1 ||
    [ "$(number '^epoch 10: .* ([0-9]+)\.[0-9] % of new images right$')" -lt 95 ] ||
    ! [ -s "$folder/tuned.safetensors" ]; then
    bad=1
  fi
  rm -rf "$folder"
  add example "$((1 - bad))" "$bad" 0
  if [ "$bad" -gt 0 ]; then explain example < <(tail -n 20 "$log"); fi
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
  if [ "$bad" -gt 0 ]; then explain "$name" < <(tail -n 40 "$log"); fi
}

# Two at a time: the conformance suite's groups, and the operations, family by family, against PyTorch. XLA takes minutes
# to compile the larger image models; `make conformance` runs those too.
start_comparisons() {
  local bin
  bin=$(swift build "${configuration[@]}" --show-bin-path)
  export GRAFT_EMIT_TRACE=$bin/emit-trace
  compared=(
    conformance-goldens conformance-nn conformance-transformers conformance-torchvision conformance-functions
    conformance-native conformance-gradient
  )
  local commands=(
    "$bin/graft-conformance goldens/" "$bin/graft-conformance nn/" "$bin/graft-conformance transformers/"
    "$bin/graft-conformance torchvision/resnet18 torchvision/mobilenet_v2" "$bin/graft-conformance functions/"
    "$bin/graft-conformance --native transformers/ functions/ torchvision/resnet18 torchvision/mobilenet_v2"
    "$bin/graft-conformance --gradient functions/ nn/lstm transformers/bert torchvision/resnet18"
  )
  local file
  for file in Tests/Ops/test_*.py; do
    compared+=("operations-$(basename "$file" .py | sed 's/^test_//')")
    commands+=("$GRAFT_PYTHON $file")
  done
  local index
  for index in "${!compared[@]}"; do
    printf '%s\0%s\0' "$logs/${compared[index]}.log" "${commands[index]}"
  done | xargs -0 -n 2 -P 2 bash -c 'SECONDS=0; $1 >"$0" 2>&1 || echo "exit status $?" >>"$0"
    name=${0##*/}; echo "${name%.log} ended (${SECONDS}s)"'
}

finish_comparisons() {
  local name bad
  started=$SECONDS
  for name in "${compared[@]}"; do
    log=$logs/$name.log
    bad=$(number '^(conformance: )?[0-9]+ passed, ([0-9]+) failed.*$' 2)
    if [ "$(number '^exit status ([0-9]+)$')" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    add "$name" "$(number '^(conformance: )?([0-9]+) passed, .*$' 2)" "$bad" \
      "$(number '^(conformance: )?[0-9]+ passed, .*, ([0-9]+) skipped$' 2)"
    grep -E '^skip ' "$log" | sort -u
    if [ "$bad" -gt 0 ]; then
      explain "$name" < <(
        grep -E '^(FAIL|Traceback|[A-Za-z]*Error|exit status)' "$log" | head -n 20
        if ! grep -q '^FAIL' "$log"; then tail -n 20 "$log"; fi
      )
    fi
  done
}

run_lint
if build; then
  run_swift_tests swift
  # The processor's own kernels have run; these are those of older ones.
  for path in avx2 baseline; do
    if [ "$path" = baseline ] || grep -qw "$path" /proc/cpuinfo; then
      GRAFT_CPU=$path run_swift_tests "swift-native-$path" --filter GraftNativeTests --skip JAXSampleTests
    fi
  done
  run_example
  start_comparisons
  finish_comparisons
fi
while IFS= read -r folder; do
  run_python_tests "$folder"
done < <(find Frontends Backends Tests -name 'test_*.py' -not -path 'Tests/Ops/*' -exec dirname {} + | LC_ALL=C sort -u)

if [ "${#reasons[@]}" -gt 0 ]; then printf '%s\n' "${reasons[@]}"; fi
if [ "$skipped" -gt 0 ]; then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
