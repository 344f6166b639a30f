#!/usr/bin/env bash
# The demo: up | stop | destroy.
set -euo pipefail
cd "$(dirname "$0")/.."
inventory=inventories/demo
secrets=$inventory/.secrets/demo
port=${GOLIVE_DEMO_PORT:-8443}
network=$(sed -n 's/^ *fleet_network: *//p' $inventory/hosts.yml)

phase() { # NAME COMMAND...: runs it and remembers its seconds
  local name=$1 start=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  "$@"
  timings+=("$(printf '%6d s  %s' $((SECONDS - start)) "$name")")
}

quietly() { # COMMAND...: its output only if it fails
  local log
  log=$(mktemp)
  if "$@" >"$log" 2>&1; then rm -f "$log"; else
    local status=$?
    cat "$log"
    rm -f "$log"
    return "$status"
  fi
}

fit() { # is this machine fit? Everything that is missing at once, before anything starts
  local problems=() free_mib memory_mib
  if [ "$(id -u)" != 0 ] && ! docker info >/dev/null 2>&1; then
    problems+=("Neither root nor a user of a running Docker engine: run as root, or join the group docker.")
  fi
  # shellcheck source=/dev/null
  if ! (. /etc/os-release && [[ "$ID $VERSION_ID" =~ ^debian\ 1[23]$ ]]); then
    if ! command -v docker >/dev/null || ! command -v mmdebstrap >/dev/null; then
      problems+=("Not Debian 12 or 13: install docker and mmdebstrap yourself, then run again.")
    fi
  fi
  free_mib=$(df -Pm / | awk 'NR==2 {print $4}')
  [ "$free_mib" -ge 8192 ] || problems+=("$free_mib MiB of disk are free on /: 8192 are needed.")
  memory_mib=$(awk '/MemAvailable/ {print int($2 / 1024)}' /proc/meminfo)
  if [ -z "$(running)" ]; then
    [ "$memory_mib" -ge 3072 ] || problems+=("$memory_mib MiB of memory are available: 3072 are needed.")
    if ip -4 route show 2>/dev/null | grep -v 'dev br-' | grep -qE "^$network\."; then
      problems+=("This machine reaches $network.0/24 by another way: set fleet_network in $inventory/hosts.yml.")
    fi
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      problems+=("Port $port is taken: stop what listens there, or choose another: GOLIVE_DEMO_PORT=9443 make demo")
    fi
  fi
  if [ ${#problems[@]} -gt 0 ]; then
    printf 'This machine cannot run the demo yet:\n' >&2
    printf '  - %s\n' "${problems[@]}" >&2
    return 1
  fi
}

running() { docker ps -q --filter name=^golive-demo- 2>/dev/null || true; }

play() { ansible-playbook -i "$inventory" "$@"; }

site() {
  ANSIBLE_STDOUT_CALLBACK=golive.delivery.progress GOLIVE_PROGRESS_JSON=reports/demo/run.json \
    play playbooks/site.yml -e "golive_report_directory=$PWD/reports/demo"
}

up() {
  timings=()
  fit
  mkdir -p reports/demo
  phase "Python environment and collections" scripts/bootstrap.sh
  phase "Docker engine and image" scripts/engine.sh
  phase "Seven containers" quietly env ANSIBLE_FORCE_COLOR=0 \
    ansible-playbook -i "$inventory" demo/fleet.yml -e "{\"fleet_public_ports\": [\"127.0.0.1:$port:443\"]}"
  phase "site.yml: from bare hosts to the gate" site
  docker exec golive-demo-lb1 cat /etc/golive/tls/ca.pem >"$secrets/ca.pem"
  cat <<TXT

== Done
   Open       https://localhost:$port/  or  https://$network.10/   (authority: $secrets/ca.pem)
   Log in as  admin, database erp; the password lies in $secrets/erp_admin_password
   Report     reports/demo/report.html
   Took
TXT
  printf '     %s\n' "${timings[@]}" "$(printf '%6d s  in all' "$SECONDS")"
}

case ${1:-} in
  up) up ;;
  stop) quietly play demo/destroy.yml -e fleet_state=stopped && echo "The demo's containers are stopped; make demo starts them again." ;;
  destroy)
    quietly play demo/destroy.yml
    rm -rf "$secrets"
    echo "The demo is removed: containers, network, generated secrets. Its last report stays in reports/demo."
    ;;
  *) echo "Usage: demo.sh up|stop|destroy" >&2; exit 2 ;;
esac
