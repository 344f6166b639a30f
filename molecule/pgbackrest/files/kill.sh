#!/usr/bin/env bash
# Starts golive-backup and kills it, and pgBackRest with it, as a loss of power would. Arguments: VERB HELPER
# (VERB full or restore; HELPER what pgBackRest's helpers are called: backup:local or restore:local).
set -u
golive-backup "$1" >/dev/null 2>&1 &
for _ in $(seq 400); do
  pgrep -f "stanza=main $2" >/dev/null && break
  sleep 0.02
done
killed=$(pgrep -f "python3 .*golive-backup $1|pgbackrest .*stanza=main .*${2%:local}")
[ -n "$killed" ] || exit 1
# shellcheck disable=SC2086
kill -9 $killed
