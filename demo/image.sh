#!/usr/bin/env bash
# Builds the fleet's image from the machine's own Debian mirror: what a minimal server installation has, and SSH.
# Usage: image.sh TAG [SUITE]. Does nothing when the image is there and this file has not changed.
set -euo pipefail
image=$1
suite=${2:-bookworm}
recipe=$(sha256sum "$0" | cut -c1-16)-$suite
if [ "$(docker image inspect -f '{{ index .Config.Labels "golive.recipe" }}' "$image" 2>/dev/null)" = "$recipe" ]; then
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The apt lists stay (a fresh folder without lists looks up to date to apt's cache_valid_time); SSH host keys do not:
# each container makes its own at its first start.
cat >"$work/customise" <<'HOOK'
#!/bin/sh
set -eu
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/machine-id
: >"$1/etc/machine-id"
mkdir -p "$1/etc/systemd/system/ssh.service.d"
printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
  >"$1/etc/systemd/system/ssh.service.d/host-keys.conf"
printf 'force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n' \
  >"$1/etc/dpkg/dpkg.cfg.d/container"
# No kernel consoles or udev in a container.
for unit in console-getty.service getty.target systemd-udevd.service systemd-logind.service; do
  ln -sf /dev/null "$1/etc/systemd/system/$unit"
done
HOOK
chmod +x "$work/customise"

mmdebstrap --quiet --variant=minbase --skip=cleanup/apt/lists --customize-hook="$work/customise" \
  --include=systemd,systemd-sysv,dbus,python3,python3-apt,openssh-server,sudo,iproute2,procps,ca-certificates \
  "$suite" "$work/root.tar"
docker import --change 'CMD ["/sbin/init"]' --change 'ENV container=docker' \
  --change "LABEL golive.recipe=$recipe" "$work/root.tar" "$image" >/dev/null
