#!/usr/bin/env bash
# Everything, in the order in which it fails soonest. Ends with the seconds of each part.
set -euo pipefail
cd "$(dirname "$0")/.."
timings=()
part() { # NAME COMMAND...
  local name=$1 start=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  "$@"
  timings+=("$(printf '%6d s  %s' $((SECONDS - start)) "$name")")
}

both() { # each uses one processor
  local log status=0
  log=$(mktemp)
  scripts/ansible_test.sh sanity >"$log" 2>&1 &
  pytest -q tests/integration || status=$?
  wait $! || status=$?
  cat "$log"
  rm "$log"
  return "$status"
}

part "Python environment and collections" scripts/bootstrap.sh
part "Lint" scripts/lint.sh
part "Unit tests" scripts/ansible_test.sh units
part "Integration tests, sanity" both
part "Artefact" scripts/artefact.sh
part "Docker engine and image" scripts/engine.sh
part "Molecule: the roles" scripts/molecule.sh
part "Molecule: the stack" scripts/molecule.sh stack
printf '\n== All passed\n'
printf '%s\n' "${timings[@]}" "$(printf '%6d s  in all' "$SECONDS")"
