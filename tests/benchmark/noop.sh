#!/usr/bin/env bash
# The price of a run that changes nothing: site.yml on the demo's converged fleet. Prints the wall seconds and the task
# executions per role and host, and fails when a role costs more than 25 tasks on a host (the design's budget).
set -euo pipefail
cd "$(dirname "$0")/../.."
record=$(mktemp)
trap 'rm -f "$record"' EXIT
ANSIBLE_STDOUT_CALLBACK=golive.delivery.progress GOLIVE_PROGRESS_JSON=$record \
  ansible-playbook -i inventories/demo playbooks/site.yml -e "golive_report_directory=$PWD/reports/demo" "$@"
python tests/benchmark/cost.py "$record"
