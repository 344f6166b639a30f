#!/usr/bin/env bash
# Debian's Chromium, its driver and certutil, for the browser test.
set -euo pipefail
missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
command -v certutil >/dev/null || missing+=(libnss3-tools)
command -v curl >/dev/null || missing+=(curl)
[ ${#missing[@]} -eq 0 ] && exit 0
[ "$(id -u)" = 0 ] || {
  echo "The browser test needs: sudo apt-get install ${missing[*]}" >&2
  exit 1
}
echo "Installing ${missing[*]}"
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
