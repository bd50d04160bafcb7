"""Print the versions of the distributions named on the command line, without importing any of them."""

import sys

# With -c the working directory comes first, where a user's json.py would be found.
sys.path[:] = [entry for entry in sys.path if entry]

import importlib.metadata
import json

found = {}
for name in sys.argv[1:]:
    try:
        found[name] = str(importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        found[name] = None
print("graft:" + json.dumps(found))
