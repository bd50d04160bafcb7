#!/usr/bin/env bash
# Runs the tests of native execution and of the file formats under sanitizers: that of addresses with traps for undefined
# behaviour in the C kernels, then that of threads. Each has a build folder of its own; logs go to .build/logs/.
set -uo pipefail
cd "$(dirname "$0")/.."

export GRAFT_PYTHON=${GRAFT_PYTHON:-$PWD/.venv/bin/python}
# Swift keeps what lives as long as the process; that is no leak.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export TSAN_OPTIONS=${TSAN_OPTIONS:-suppressions=$PWD/scripts/thread-sanitizer.txt}
logs=.build/logs
mkdir -p "$logs"
failed=0

# check NAME OPTION...: builds with the options and runs the tests.
check() {
  local log=$logs/sanitize-$1.log options=(--scratch-path ".build/$1" "${@:2}")
  printf '%s ...\n' "$1"
  if swift build --build-tests "${options[@]}" >"$log" 2>&1 &&
    swift test --skip-build --disable-xctest "${options[@]}" --filter 'GraftNativeTests|GraftFilesTests' \
      --skip JAXSampleTests >>"$log" 2>&1; then
    grep -E 'Test run with' "$log"
  else
    failed=1
    grep -E 'error:|ERROR: |WARNING: ThreadSanitizer|recorded an issue|[Ff]atal|Test run with' "$log" | head -n 40
    echo "see $log"
  fi
}

case ${1:-all} in
  address | all) check address --sanitize=address -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined ;;&
  thread | all) check thread --sanitize=thread ;;
esac
exit "$failed"
