#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_restart
short_description: Restart the members of a Patroni cluster that wait for it, without losing the primary
version_added: "0.2.0"
description:
  - Restarts PostgreSQL on every member with a parameter that waits for a restart, and on no other.
  - Replicas come first, one at a time, each streaming again before the next one. Then one of them becomes the primary,
    and the old primary follows it with the new parameters. Writes stop for as long as a switchover takes.
  - C(max_connections), C(max_worker_processes), C(max_wal_senders), C(max_prepared_transactions) and
    C(max_locks_per_transaction) cannot be lower on a replica than on its primary. When one of them goes down, the
    primary is restarted in place and the replicas follow. So is the primary of a cluster without another member.
  - Stops at the first member that does not come back; the primary is then untouched. Safe to repeat when cut off.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  settle:
    description: >-
      Whether to wait until every member went through its loop before looking: what was just changed or reloaded is
      known by then.
    type: bool
    default: false
attributes:
  check_mode:
    description: Says who would be restarted, and restarts nobody.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
extends_documentation_fragment:
  - golive.delivery.patroni
  - golive.delivery.patroni.credentials
  - golive.delivery.patroni.limits
seealso:
  - module: golive.delivery.patroni_config
  - module: golive.delivery.patroni_switchover
"""

EXAMPLES = r"""
- name: Restart who waits for it
  golive.delivery.patroni_restart:
    members:
      - {name: db1, address: 192.0.2.31}
      - {name: db2, address: 192.0.2.32}
    ca_path: /etc/golive/tls/ca.pem
    username: admin
    password: "{{ vault_patroni_password }}"
  run_once: true
"""

RETURN = r"""
restarted:
  description: Members that were restarted, in this order; in check mode those that would be.
  returned: always
  type: list
  elements: str
  sample: [db2, db1]
switchovers:
  description: Each with C(from), C(to) and C(seconds) until the new primary took writes.
  returned: always
  type: list
  elements: dict
leader:
  description: Name of the primary afterwards.
  returned: success
  type: str
  sample: db2
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.patroni import arguments, change
from ansible_collections.golive.delivery.plugins.module_utils.patroni import cluster as state
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import PatroniError


def main() -> None:
    """Restart who waits for it."""
    module = AnsibleModule(
        argument_spec={
            **arguments.connection_spec(),
            **arguments.credentials_spec(),
            **arguments.limits_spec(),
            "settle": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    done = change.Done()
    try:
        client = arguments.client(module.params)
        if module.params["settle"] and not module.check_mode:
            # One loop that began before, one that reads what is new, one that reports what it means.
            change.wait_for_loops(client, 3, 120)
        if module.check_mode:
            cluster = state.read(client)
            members = sorted(cluster.members.values(), key=lambda member: member.leads)
            done.restarted = [member.name for member in members if member.pending_restart]
        else:
            change.rolling_restart(client, arguments.limits(module.params), done)
        leader = state.read(client).leader
    except PatroniError as exc:
        module.fail_json(
            msg=str(exc), changed=bool(done.restarted), restarted=done.restarted, switchovers=done.switchovers
        )
    module.exit_json(
        changed=bool(done.restarted),
        restarted=done.restarted,
        switchovers=done.switchovers,
        leader=leader.name if leader else None,
    )


if __name__ == "__main__":
    main()
