#!/usr/bin/env bash
# Writes Docs/Coverage.md and Docs/Readability.md, and the documentation of the public API and the articles to .build/docs, without a package
# plugin.
set -euo pipefail
cd "$(dirname "$0")/.."

swift build --product graft
"$(swift build --show-bin-path)/graft" ops --markdown >.build/Coverage.md
mv .build/Coverage.md Docs/Coverage.md
.venv/bin/python Tests/Goldens/Checks/measure.py --cases Tests/Conformance/Cases >.build/Readability.md
mv .build/Readability.md Docs/Readability.md

catalogue=$(find Docs -maxdepth 1 -name '*.docc' | head -n 1)
[ -n "$catalogue" ] || { echo "docs: no DocC catalogue in Docs" >&2; exit 1; }
docc=$(command -v docc || echo "$(dirname "$(readlink -f "$(command -v swift)")")/docc")
[ -x "$docc" ] || { echo "docs: docc was not found beside swift" >&2; exit 1; }

swift package dump-symbol-graph --minimum-access-level public --skip-synthesized-members >/dev/null
graphs=$(find .build -type d -name symbolgraph | head -n 1)
chosen=.build/docs-symbols
rm -rf "$chosen" && mkdir -p "$chosen"
cp "$graphs"/Graft.symbols.json "$graphs"/GraftIR.symbols.json "$chosen"/
"$docc" convert "$catalogue" --additional-symbol-graph-dir "$chosen" --fallback-display-name Graft \
  --fallback-bundle-identifier graft --output-path .build/docs
echo "docs: written to .build/docs"
