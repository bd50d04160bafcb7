"""Print what Graft needs to know about this interpreter. Runs on any Python, however old."""

import sys

# With -c the working directory comes first, where a user's json.py would be found.
sys.path[:] = [entry for entry in sys.path if entry]

import json
import os
import platform
import sysconfig


def mapped_library():
    """The shared libpython that this process runs on, where the system can tell."""
    name = "libpython" + ".".join(map(str, sys.version_info[:2]))
    try:
        with open("/proc/self/maps") as maps:
            paths = [line.split(None, 5)[-1].strip() for line in maps]
    except OSError:
        return None
    for path in paths:
        if os.path.basename(path).startswith(name):
            return path
    return None


names = (
    "LDLIBRARY",
    "LIBDIR",
    "LIBPL",
    "INSTSONAME",
    "MULTIARCH",
    "PYTHONFRAMEWORKPREFIX",
)
variables = {}
for name in names:
    value = sysconfig.get_config_var(name)
    variables[name] = str(value) if value else None

description = {
    "version": list(sys.version_info[:3]),
    "implementation": platform.python_implementation(),
    "executable": sys.executable or None,
    "prefix": sys.prefix,
    "base_prefix": getattr(sys, "base_prefix", sys.prefix),
    "abi_flags": getattr(sys, "abiflags", ""),
    "shared": bool(sysconfig.get_config_var("Py_ENABLE_SHARED")),
    "platform": sysconfig.get_platform(),
    "library": mapped_library(),
    "variables": variables,
}
print("graft:" + json.dumps(description))
