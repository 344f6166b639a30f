#!/usr/bin/env bash
# Makes .venv: the pinned Python tools, the community collections and this checkout as golive.delivery.
# Safe to repeat; does nothing when the pins have not changed.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if ! "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing python3-venv"
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
      python3 python3-venv ca-certificates >/dev/null
  fi
  "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' || {
    echo "Python 3.11 or newer with the venv module is needed (Debian: apt install python3-venv)," \
      "or name one: make PYTHON=/usr/bin/python3.12 ..." >&2
    exit 1
  }
fi

pins=$( { "$python" -VV; cat requirements/dev.txt requirements/collections.in requirements/dev.yml requirements.yml; } |
  sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/golive-pins 2>/dev/null)" != "$pins" ]; then
  echo "Making .venv ($("$python" --version))"
  "$python" -m venv --clear .venv
  .venv/bin/pip install --quiet --disable-pip-version-check -r requirements/dev.txt
  wheel=$(mktemp -d)
  trap 'rm -rf "$wheel"' EXIT
  .venv/bin/pip download --quiet --disable-pip-version-check --no-deps -d "$wheel" -r requirements/collections.in
  .venv/bin/python scripts/unpack_collections.py "$wheel"/ansible-*.whl requirements.yml requirements/dev.yml
  .venv/bin/python -m compileall -q "$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/ansible_collections" || true
  echo "$pins" >.venv/golive-pins
fi

# The checkout under its collection name, whatever its folder is called.
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$site/ansible_collections/golive"
ln -sfn "$PWD" "$site/ansible_collections/golive/delivery"
