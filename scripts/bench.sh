#!/usr/bin/env bash
# Runs every benchmark, the Python programs Tests/Benchmarks/bench_*.py, each of which prints its own table, and writes
# what they print to Docs/EmittedPerformance.md.
set -euo pipefail
cd "$(dirname "$0")/.."

export GRAFT_PYTHON=${GRAFT_PYTHON:-$PWD/.venv/bin/python}
GRAFT=$(swift build -c release --show-bin-path)/graft
export GRAFT
page=.build/Performance.md
processor=$(sed -nE 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)
cat >"$page" <<EOF
# Performance of emitted code

Written by \`make bench\`: the times of a run on $(nproc) cores of ${processor:-an unknown processor}. What is compared runs alternately in one run;
the ratios mean more than the times.
EOF
for program in Tests/Benchmarks/bench_*.py; do
  [ -e "$program" ] || { echo "bench: no Tests/Benchmarks/bench_*.py" >&2; exit 1; }
  printf '\n%s\n' "$program"
  printf '\n## %s\n\n%s\n\n```\n' "$program" "$(sed -E '1s/^"""|"""$//g; 1q' "$program")" >>"$page"
  "$GRAFT_PYTHON" "$program" | tee -a "$page"
  echo '```' >>"$page"
done
mv "$page" Docs/EmittedPerformance.md
