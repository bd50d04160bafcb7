#!/usr/bin/env bash
# Runs every benchmark: the Python programs Tests/Benchmarks/bench_*.py, each of which prints its own table.
set -euo pipefail
cd "$(dirname "$0")/.."

export GRAFT_PYTHON=${GRAFT_PYTHON:-$PWD/.venv/bin/python}
GRAFT=$(swift build -c release --show-bin-path)/graft
export GRAFT
for program in Tests/Benchmarks/bench_*.py; do
  [ -e "$program" ] || { echo "bench: no Tests/Benchmarks/bench_*.py" >&2; exit 1; }
  printf '\n%s\n' "$program"
  "$GRAFT_PYTHON" "$program"
done
