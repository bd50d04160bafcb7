#!/usr/bin/env bash
# Measures native execution beside other runtimes (Tests/Benchmarks/Native/bench_native.py; its options may follow) and
# writes the figures to .build/bench-native/figures.json and Docs/Performance.md.
set -euo pipefail
cd "$(dirname "$0")/.."

GRAFT_PYTHON=${GRAFT_PYTHON:-$PWD/.venv/bin/python}
build=$(swift build -c release --show-bin-path)
export PYTHONPATH=$PWD/Tests/Benchmarks GRAFT_PYTHON GRAFT=$build/graft GRAFT_WORKER=$build/native-worker
"$GRAFT_PYTHON" -c 'import onnxruntime, openvino, onnxscript' 2>/dev/null ||
  "$GRAFT_PYTHON" -m pip install --quiet --disable-pip-version-check --requirement requirements-bench.txt >&2

figures=.build/bench-native/figures.json
mkdir -p .build/bench-native
"$GRAFT_PYTHON" Tests/Benchmarks/Native/bench_native.py --together --profile --json "$figures" "$@"
"$GRAFT_PYTHON" Tests/Benchmarks/Native/page.py "$figures" >.build/bench-native/Performance.md
mv .build/bench-native/Performance.md Docs/Performance.md
