#!/usr/bin/env bash
# Molecule for one role, for all roles (no argument) or for the stack. Each starts from clean containers.
# Usage: molecule.sh [ROLE|stack]
set -euo pipefail
cd "$(dirname "$0")/.."
export MOLECULE_GLOB="molecule/*/molecule.yml"

roles() { # the scenarios of the roles
  find molecule -mindepth 2 -maxdepth 2 -name molecule.yml -printf '%h\n' | sort | grep -vE '/(default|stack)$' | xargs -n1 basename
}

clean() { # SCENARIO INVENTORY...: no containers of an earlier, perhaps interrupted run, nor Molecule's memory of them
  local scenario=$1
  shift
  molecule destroy -s "$scenario" >/dev/null 2>&1 || true
  ansible-playbook "${@/#/--inventory=}" demo/destroy.yml >/dev/null
}

stack() {
  local logs=.cache/stack status=0
  rm -rf "$logs"
  mkdir -p "$logs"
  tests/tools.sh
  clean stack inventories/demo molecule/stack/inventory
  setsid tests/stack/processes.sh "$logs/processes.txt" &
  local sampler=$!
  # -vvv goes to the file, what is being done to the terminal.
  molecule test -s stack --no-command-borders ${GOLIVE_KEEP:+--destroy=never} >"$logs/molecule.log" 2>&1 &
  local run=$!
  tail --pid="$run" -n +1 -F "$logs/molecule.log" 2>/dev/null |
    grep --line-buffered -oE '(PLAY \[.*\]|➜.*Execut.*|fatal: .*|changed=[1-9].*|[0-9]+ (passed|failed).*|(PASSED|FAILED|ERROR) .*)' || true
  wait "$run" || status=$?
  kill -- "-$sampler"
  # What went wrong stands in front of the removal of the containers.
  [ "$status" = 0 ] || sed '/destroy.*Executing/,$d' "$logs/molecule.log" | tail -n 200
  return "$status"
}

case ${1:-} in
  stack) stack ;;
  "")
    tests/tools.sh
    clean default molecule/inventory
    clean rolling_update molecule/rolling_update/inventory
    # Two at once, as much of the time goes by waiting for hosts, and the longest first.
    # shellcheck disable=SC2046
    molecule test --no-command-borders --workers 2 \
      $( (printf '%s\n' rolling_update app_server; roles | sort -r) | awk '!seen[$0]++ { print "-s", $0 }')
    ;;
  *)
    [ -e "molecule/$1/molecule.yml" ] || {
      echo "There is no scenario $1; there are: $(roles | tr '\n' ' ')stack" >&2
      exit 2
    }
    if [ -d "molecule/$1/inventory" ]; then
      tests/tools.sh
      clean "$1" "molecule/$1/inventory"
    else
      clean default molecule/inventory
    fi
    molecule test --no-command-borders -s "$1"
    ;;
esac
