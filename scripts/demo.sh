#!/usr/bin/env bash
# Converts the trained all-MiniLM-L6-v2 from PyTorch to JAX, verifies the result, and runs it without Graft.
set -euo pipefail
cd "$(dirname "$0")/.."

export GRAFT_PYTHON=${GRAFT_PYTHON:-$PWD/.venv/bin/python}
graft=$(swift build -c release --show-bin-path)/graft
out=out/minilm

show() {
  local line="$*"
  line=${line/#$graft/graft}
  printf '\n$ %s\n' "${line/#$GRAFT_PYTHON/python}"
  "$@"
}

show "$graft" transpile examples/minilm.py:encoder --inputs examples/minilm.py:example_inputs \
  --dynamic input_ids=N,T --dynamic attention_mask=N,T --to jax -o "$out"
show "$graft" verify "$out"
show "$GRAFT_PYTHON" examples/minilm_similarity.py "$out"
