#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_switchover
short_description: Make another member of a Patroni cluster the primary
version_added: "0.2.0"
description:
  - Hands the primary's work to a healthy replica in order, so that nothing is lost and writes stop for seconds only.
  - With synchronous replication only a synchronous standby is a candidate.
  - Refuses, with the reason for each member, when there is no healthy candidate.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  to:
    description:
      - Member that becomes the primary. When it is that already, nothing is done.
      - By default the healthy candidate that is least behind, so that every call switches.
    type: str
attributes:
  check_mode:
    description: Says who would become the primary.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
extends_documentation_fragment:
  - golive.delivery.patroni
  - golive.delivery.patroni.credentials
  - golive.delivery.patroni.limits
"""

EXAMPLES = r"""
- name: Let db2 be the primary
  golive.delivery.patroni_switchover:
    members:
      - {name: db1, address: 192.0.2.31}
      - {name: db2, address: 192.0.2.32}
    ca_path: /etc/golive/tls/ca.pem
    username: admin
    password: "{{ vault_patroni_password }}"
    to: db2
  run_once: true
"""

RETURN = r"""
old:
  description: The primary before.
  returned: success, and when a switchover was made but the old primary does not follow
  type: str
  sample: db1
new:
  description: The primary afterwards; in check mode who would be it.
  returned: success, and when a switchover was made but the old primary does not follow
  type: str
  sample: db2
seconds:
  description: From the request until the new primary took writes.
  returned: when a switchover was made
  type: float
  sample: 2.6
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.patroni import arguments, change
from ansible_collections.golive.delivery.plugins.module_utils.patroni import cluster as state
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Client, PatroniError


def main() -> None:
    """Choose, switch, wait until the old primary follows."""
    module = AnsibleModule(
        argument_spec={
            **arguments.connection_spec(),
            **arguments.credentials_spec(),
            **arguments.limits_spec(),
            "to": {"type": "str"},
        },
        supports_check_mode=True,
    )
    made: dict = {}
    try:
        result = _switch(arguments.client(module.params), module, made)
    except PatroniError as exc:
        if not made:
            module.fail_json(msg=f"No switchover: {exc}")
        now = f"{made['new']} is the primary instead of {made['old']}" if made["new"] else f"{made['old']} stepped down"
        module.fail_json(msg=f"{now}, but not all is well: {exc}", changed=True, **made)
    module.exit_json(**result)


def _switch(client: Client, module: AnsibleModule, made: dict) -> dict:
    """Return the result; `made` says what was done, also when it ends with PatroniError."""
    limits = arguments.limits(module.params)
    wanted = module.params["to"]
    cluster = state.read(client)
    if wanted is not None and cluster.leader is not None and cluster.leader.name == wanted:
        return {"changed": False, "old": wanted, "new": wanted}
    chosen = change.candidate(client, cluster, wanted, limits)
    old = cluster.leader.name if cluster.leader else ""
    if module.check_mode:
        return {"changed": True, "old": old, "new": chosen.name}
    try:
        seconds = change.switch_over(client, old, chosen.name, limits)["seconds"]
    except PatroniError:
        # An answer that does not come in time says nothing; whoever leads now does.
        now = _leader(client)
        if now != old:
            made.update(old=old, new=now)
        raise
    made.update(old=old, new=chosen.name, seconds=seconds)
    change.wait_until_back(client, old, limits)
    return {"changed": True, **made}


def _leader(client: Client) -> str:
    try:
        leader = state.read(client).leader
    except PatroniError:
        return ""
    return leader.name if leader else ""


if __name__ == "__main__":
    main()
