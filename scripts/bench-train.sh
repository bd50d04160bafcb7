#!/usr/bin/env bash
# Measures steps of training beside other frameworks (Tests/Benchmarks/Training/bench_train.py; its options may follow) and
# writes the figures to .build/bench-train/figures.json and Docs/TrainingPerformance.md.
set -euo pipefail
cd "$(dirname "$0")/.."

GRAFT_PYTHON=${GRAFT_PYTHON:-$PWD/.venv/bin/python}
build=$(swift build -c release --show-bin-path)
export PYTHONPATH=$PWD/Tests/Benchmarks GRAFT_PYTHON GRAFT=$build/graft GRAFT_TRAIN_WORKER=$build/train-worker

figures=.build/bench-train/figures.json
mkdir -p .build/bench-train
"$GRAFT_PYTHON" Tests/Benchmarks/Training/bench_train.py --json "$figures" "$@"
"$GRAFT_PYTHON" Tests/Benchmarks/Training/training_page.py "$figures" >.build/bench-train/TrainingPerformance.md
mv .build/bench-train/TrainingPerformance.md Docs/TrainingPerformance.md
