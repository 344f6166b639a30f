#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_config
short_description: Set the dynamic configuration of a Patroni cluster
version_added: "0.2.0"
description:
  - Brings the configuration that all members share to what is declared, through the REST API of any member.
  - Waits until the cluster has a primary, and after a change until every member has read it. PostgreSQL takes at once
    what it can; what needs a restart is left to M(golive.delivery.patroni_restart).
  - Keys that are not declared stay as they are; one that is declared V(null) is removed.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  config:
    description: What is to be set, in Patroni's own form, such as C(ttl) or C(postgresql.parameters.max_connections).
    type: dict
    required: true
  timeout:
    description: How many seconds the cluster may take to have a primary.
    type: int
    default: 120
attributes:
  check_mode:
    description: Says what it would change, and changes nothing.
    support: full
  diff_mode:
    description: Shows the keys that change.
    support: full
extends_documentation_fragment:
  - golive.delivery.patroni
  - golive.delivery.patroni.credentials
seealso:
  - module: golive.delivery.patroni_restart
"""

EXAMPLES = r"""
- name: Allow more connections
  golive.delivery.patroni_config:
    members:
      - {name: db1, address: 192.0.2.31}
      - {name: db2, address: 192.0.2.32}
    ca_path: /etc/golive/tls/ca.pem
    username: admin
    password: "{{ vault_patroni_password }}"
    config:
      postgresql:
        parameters:
          max_connections: 200
          max_locks_per_transaction: null
  run_once: true
"""

RETURN = r"""
config:
  description: The configuration afterwards, in check mode as it would be.
  returned: success
  type: dict
previous:
  description: The same form, with what puts the changed keys back.
  returned: success
  type: dict
leader:
  description: Name of the primary.
  returned: success
  type: str
  sample: db1
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.patroni import arguments, change, settings
from ansible_collections.golive.delivery.plugins.module_utils.patroni import cluster as state
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Client, PatroniError


def main() -> None:
    """Compare, patch, wait until it was read."""
    module = AnsibleModule(
        argument_spec={
            **arguments.connection_spec(),
            **arguments.credentials_spec(),
            "config": {"type": "dict", "required": True},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**_configure(arguments.client(module.params), module))
    except PatroniError as exc:
        module.fail_json(msg=str(exc))


def _configure(client: Client, module: AnsibleModule) -> dict:
    declared = module.params["config"]

    def primary() -> str | None:
        leader = state.read(client).leader
        return leader.name if leader and client.get(leader.name, "/primary").fine else None

    leader = state.wait_for(
        "the cluster to have a primary (journalctl -u patroni on its hosts says why there is none)",
        module.params["timeout"],
        primary,
        lambda: state.read(client).describe(),
        pause=1,
    )
    # A primary that was adopted stores the configuration one loop after it took the lead.
    current = state.wait_for("the cluster to have a configuration", 60, lambda: client.ask_any("/config").data, pause=1)
    changes = settings.difference(current, declared)
    after = settings.merge(current, changes)
    previous = settings.reverse(current, changes)
    if changes and not module.check_mode:
        # New credentials are known to a Patroni that was just reloaded when its loop comes round.
        answer = state.wait_for(
            f"{leader} to take the configuration",
            min(30, module.params["timeout"]),
            lambda: client.send("PATCH", leader, "/config", changes, 30),
            pause=1,
        )
        if not answer.fine:
            raise PatroniError(f"{leader} declines the configuration: status {answer.status} {answer.text[:300]}")
        # In the first loop a member reads the store, at its end it takes what it read.
        change.wait_for_loops(client, 2, module.params["timeout"])
    return {
        "changed": bool(changes),
        "config": after,
        "previous": previous,
        "leader": leader,
        "diff": {"before": previous, "after": changes},
    }


if __name__ == "__main__":
    main()
