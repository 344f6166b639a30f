#!/usr/bin/env bash
# A running Docker engine and the fleet's base image. Installs and starts the engine where there is none (as root).
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
command -v dockerd >/dev/null || packages+=(docker.io)
command -v docker >/dev/null || packages+=(docker.io)
command -v mmdebstrap >/dev/null || packages+=(mmdebstrap)
# From Debian 13 on the client is a package of its own.
if [ ${#packages[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || {
    echo "Missing: ${packages[*]}. Run as root, or: sudo apt-get install ${packages[*]}" >&2
    exit 1
  }
  echo "Installing ${packages[*]}"
  apt-get -qq update
  apt-cache show docker-cli >/dev/null 2>&1 && packages+=(docker-cli)
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${packages[@]}" iptables >/dev/null
fi

if ! docker info >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] || {
    echo "The Docker engine does not answer $(id -un): start it, and add the user to the group docker." >&2
    exit 1
  }
  echo "Starting the Docker engine"
  if [ -d /run/systemd/system ]; then
    systemctl enable --now docker
  else
    setsid nohup dockerd >/var/log/dockerd.log 2>&1 </dev/null &
  fi
  for _ in $(seq 60); do
    docker info >/dev/null 2>&1 && break
    sleep 0.5
  done
  docker info >/dev/null || {
    echo "The Docker engine did not start; see journalctl -u docker or /var/log/dockerd.log" >&2
    exit 1
  }
fi
demo/image.sh golive-host:bookworm
