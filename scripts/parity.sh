#!/usr/bin/env bash
# Trains models in PyTorch and natively (Tests/Benchmarks/Training/parity.py; its options may follow), and writes how close the
# two stay to Docs/TrainingParity.md. In parts: a run with `--models A,B --json FILE` for each, then one with `--from FILE...`.
set -euo pipefail
cd "$(dirname "$0")/.."

GRAFT_PYTHON=${GRAFT_PYTHON:-$PWD/.venv/bin/python}
build=$(swift build -c release --show-bin-path)
export PYTHONPATH=$PWD/Tests/Benchmarks:$PWD/Docs/Examples/FineTune/Model
export GRAFT_PYTHON GRAFT=$build/graft GRAFT_TRAIN_WORKER=$build/train-worker
mkdir -p .build/parity
"$GRAFT_PYTHON" Tests/Benchmarks/Training/parity.py "$@" >.build/parity/page.md
mv .build/parity/page.md Docs/TrainingParity.md
cat Docs/TrainingParity.md
