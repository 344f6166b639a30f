#!/usr/bin/env bash
# What the tuning of the role postgresql gains: pgbench on one host with the role's parameters and with the
# distribution's, in turn. Makes a container of its own and removes it. Arguments go to pgbench.py (see --help); variables
# of the role by GOLIVE_BENCHMARK_VARS, such as "postgresql_workload=oltp postgresql_memory_mib=4096".
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv/bin:$PATH" ANSIBLE_CONFIG="$PWD/ansible.cfg"
inventory=tests/benchmark/inventory
log=$(mktemp)
clean() {
  ansible-playbook -i "$inventory" demo/destroy.yml >>"$log" 2>&1 || cat "$log"
  rm -rf "$log" "$inventory/.secrets"
}
trap clean EXIT
ansible-playbook -i "$inventory" demo/destroy.yml >"$log"
ansible-playbook -i "$inventory" demo/fleet.yml >>"$log" || { cat "$log"; exit 1; }
ansible-playbook -i "$inventory" tests/benchmark/pgbench.yml -e "${GOLIVE_BENCHMARK_VARS:-postgresql_workload=mixed}" >>"$log" || { cat "$log"; exit 1; }
docker exec -i golive-benchmark-benchmark-db python3 - "$@" <tests/benchmark/pgbench.py
