#!/usr/bin/env bash
# What the tests need beside Python: Debian's Chromium with its driver and certutil, curl, and the load tool hey.
set -euo pipefail
missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need chromium chromium
need chromedriver chromium-driver
need certutil libnss3-tools
need curl curl
need hey hey
[ ${#missing[@]} -eq 0 ] && exit 0
[ "$(id -u)" = 0 ] || {
  echo "The tests need: sudo apt-get install ${missing[*]}" >&2
  exit 1
}
echo "Installing ${missing[*]}"
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
