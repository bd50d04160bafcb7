#!/usr/bin/env bash
# Runs mutated programs and reads mutated files under the sanitizer of addresses, each round with a seed of its own:
# `scripts/fuzz.sh [ROUNDS]`, by default 10 rounds of 100,000 programs. A program that traps is kept in .build/fuzz/.
set -euo pipefail
cd "$(dirname "$0")/.."

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0} GRAFT_FUZZ_RUNS=${GRAFT_FUZZ_RUNS:-100000}
options=(--scratch-path .build/address --sanitize=address -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined)
kept=.build/fuzz
mkdir -p "$kept"
swift build --build-tests "${options[@]}"
for ((round = 1; round <= ${1:-10}; round++)); do
  export GRAFT_FUZZ_SEED=$((RANDOM << 30 | RANDOM << 15 | RANDOM))
  export GRAFT_FUZZ_PROGRAM=$kept/$GRAFT_FUZZ_SEED.txt
  log=$kept/$GRAFT_FUZZ_SEED.log
  if swift test --skip-build --disable-xctest "${options[@]}" --filter 'FuzzTests' >"$log" 2>&1; then
    grep -aE '^fuzz ' "$log"
    rm -f "$log" "$GRAFT_FUZZ_PROGRAM"
  else
    grep -aE 'ERROR: |[Ff]atal|recorded an issue' "$log" | head -n 20
    echo "seed $GRAFT_FUZZ_SEED failed: see $log, and $GRAFT_FUZZ_PROGRAM if a program did it"
    exit 1
  fi
done
