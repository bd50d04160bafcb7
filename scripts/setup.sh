#!/usr/bin/env bash
# Installs what Graft needs and this machine lacks: Debian packages, and .venv with the pinned Python packages.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(libpython3-dev libopenblas-dev libpng16-16 libturbojpeg0 python3-venv)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "not a Debian or Ubuntu system: Python 3.10 or later with its shared library, and OpenBLAS, are assumed"
    return
  fi
  local missing=() package
  for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && { [ -t 0 ] || sudo --non-interactive true 2>/dev/null; } ||
      fail "as root, run: apt-get install ${missing[*]}    (this user is not root and cannot use sudo)"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq || say "the package lists could not be updated; trying with the old ones"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends \
    "${missing[@]}" >&2 || fail "as root, run: apt-get install ${missing[*]}    (the installation failed)"
}

# Whether an interpreter is new enough and has a shared library to be embedded by.
is_suitable() {
  "$1" - 2>/dev/null <<'PYTHON'
import pathlib, sys, sysconfig

variables = sysconfig.get_config_vars()
folders = [variables.get("LIBDIR"), variables.get("LIBPL"), sys.base_prefix + "/lib"]
folders += [f"{folder}/{variables['MULTIARCH']}" for folder in folders if folder and variables.get("MULTIARCH")]
names = [variables.get("INSTSONAME"), variables.get("LDLIBRARY")]
found = any(
    name and folder and ".a" not in pathlib.Path(name).suffixes and pathlib.Path(folder, name).exists()
    for folder in folders
    for name in names
)
import venv, ensurepip

sys.exit(0 if sys.version_info >= (3, 10) and found else 1)
PYTHON
}

find_python() {
  local candidate
  for candidate in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    if command -v "$candidate" >/dev/null && is_suitable "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  fail "no Python 3.10 or later with a shared library (libpython3.so) was found; on Debian: apt-get install" \
    "libpython3-dev python3-venv"
}

create_environment() {
  local key stamp python
  key=$(cat requirements.txt requirements-test.txt requirements-no-deps.txt | cksum | tr -c '0-9\n' '-')
  stamp=.venv/.graft-$key
  if [ -e "$stamp" ] && .venv/bin/python -c '' 2>/dev/null; then return; fi
  if ! { [ -x .venv/bin/python ] && is_suitable .venv/bin/python; }; then
    python=$(find_python)
    say "creating .venv from $python"
    "$python" -m venv --clear .venv
  fi
  say "installing the Python packages of requirements-test.txt (a few minutes the first time)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-test.txt >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --requirement requirements-no-deps.txt >&2
  rm -f .venv/.graft-*
  touch "$stamp"
}

command -v swift >/dev/null || fail "swift was not found on PATH; install Swift 6.1 or later from swift.org"
install_packages
create_environment
