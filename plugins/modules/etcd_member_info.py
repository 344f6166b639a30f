#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member_info
short_description: Read the state of an etcd member and its view of the cluster
version_added: "0.2.0"
description:
  - Says whether this host has the data of a member, whether it runs with the files that it has now, and how the cluster
    looks from here.
  - The filter P(golive.delivery.etcd_plan#filter) makes a plan of the states of all hosts.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  files:
    description: Files that the member needs, by the name of the variable that says where they are.
    type: dict
    default: {}
extends_documentation_fragment:
  - golive.delivery.etcd
  - golive.delivery.etcd.member
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Look at the member and its cluster
  golive.delivery.etcd_member_info:
    name: "{{ inventory_hostname }}"
    members: [{name: a, address: 192.0.2.1}, {name: b, address: 192.0.2.2}, {name: c, address: 192.0.2.3}]
    data_directory: /var/lib/etcd/golive
    configuration: /etc/etcd/golive.yml
    certificate: /etc/golive/tls/etcd-root.pem
    key: /etc/golive/tls/etcd-root.pem.key
    ca: /etc/golive/tls/ca.pem
"""

RETURN = r"""
state:
  description: What the host says of itself.
  returned: success
  type: dict
  contains:
    name: {description: Name of the member., type: str}
    data: {description: Whether the host has the data of a member., type: bool}
    formed: {description: Whether a member was healthy on this host before., type: bool}
    forming: {description: Whether its data began with a formation that has not come to its end., type: bool}
    running: {description: Whether the process runs., type: bool}
    stale: {description: Whether a file is newer than the process., type: bool}
    problems: {description: Files of O(files) that are not there., type: list, elements: str}
    cluster:
      description: C(leader), empty without a quorum, C(members) and C(statuses) of those that answer, and C(error).
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.etcd import arguments
from ansible_collections.golive.delivery.plugins.module_utils.etcd.local import readable
from ansible_collections.golive.delivery.plugins.module_utils.etcd.view import View, look


def main() -> None:
    """Look at the host and ask the cluster."""
    module = AnsibleModule(
        argument_spec={**arguments.CLUSTER, **arguments.MEMBER, "files": {"type": "dict", "default": {}}},
        supports_check_mode=True,
    )
    local = arguments.local(module)
    problems = readable(module.params["files"])
    view = View() if problems else look(arguments.etcdctl(module))
    module.exit_json(
        changed=False,
        state={
            "name": module.params["name"],
            "data": local.has_data,
            "formed": local.formed,
            "forming": local.forming,
            "running": local.running,
            "stale": local.stale(module.params["ca"]),
            "problems": problems,
            "cluster": view.as_dict(),
        },
    )


if __name__ == "__main__":
    main()
