#!/usr/bin/env bash
# Writes every process with its arguments, of this machine and of all containers on it, until killed.
# Usage: processes.sh FILE
while true; do
  ps -eww -o pid,args
  sleep 0.2
done | awk '{ $1 = ""; if (!seen[$0]++) { print; fflush() } }' >"$1"
