#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_member
short_description: Start, add, restart or remove an etcd member without losing the quorum
version_added: "0.2.0"
description:
  - Does one step of the plan that the filter P(golive.delivery.etcd_plan#filter) makes. Steps other than V(formed) and
    V(started) are for one host at a time, so the task has C(throttle) set to 1 or C(run_once).
  - A member joins as a learner, which counts for no quorum, and becomes a voter when it has caught up.
  - The unit of etcd is expected to start without data only if C(/run/golive-etcd/environment) is there, as the role
    C(golive.delivery.etcd) sets it up; so a member that lost its data never comes back with its old identity.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  state:
    description:
      - With V(formed) the member of this host starts as one of a new cluster; the module does not wait.
      - With V(started) it is started if it is down, and waited for with O(wait).
      - With V(leading) it takes the lead of the cluster.
      - With V(joined) it is added to the running cluster in place of a stale entry; data of no use is renamed.
      - With V(restarted) it is restarted, if all other members are healthy, and waited for. If it does not become
        healthy the configuration that it was last healthy with is put back and the module fails.
      - With V(removed) the members O(identifiers) are taken out of the cluster.
    type: str
    required: true
    choices: [formed, started, leading, joined, restarted, removed]
  wait:
    description: Whether V(started) waits until the member is healthy.
    type: bool
    default: true
  identifiers:
    description: Members to be removed, as hexadecimal identifiers.
    type: list
    elements: str
    default: []
  after_all:
    description: Whether members are removed only if all O(members) are healthy.
    type: bool
    default: false
  peer_port:
    description: Port of each member for the others.
    type: int
    default: 2380
  cluster_token:
    description: Text that keeps members of different clusters apart when a cluster is formed. No secret.
    type: str
    default: golive
  timeout:
    description: Seconds to wait for each step.
    type: int
    default: 60
extends_documentation_fragment:
  - golive.delivery.etcd
  - golive.delivery.etcd.member
attributes:
  check_mode:
    description: Can run in check mode and says what it would do.
    support: full
  diff_mode:
    description: RV(actions) says what it does.
    support: none
seealso:
  - module: golive.delivery.etcd_member_info
"""

EXAMPLES = r"""
- name: Restart the members one after the other
  golive.delivery.etcd_member:
    state: restarted
    name: "{{ inventory_hostname }}"
    members: [{name: a, address: 192.0.2.1}, {name: b, address: 192.0.2.2}, {name: c, address: 192.0.2.3}]
    data_directory: /var/lib/etcd/golive
    configuration: /etc/etcd/golive.yml
    certificate: /etc/golive/tls/etcd-root.pem
    key: /etc/golive/tls/etcd-root.pem.key
    ca: /etc/golive/tls/ca.pem
  throttle: 1
"""

RETURN = r"""
actions:
  description: What was done, or would be in check mode, in order.
  returned: always
  type: list
  elements: str
  sample: [add etcd-3 to the cluster]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.etcd import arguments
from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import EtcdctlError
from ansible_collections.golive.delivery.plugins.module_utils.etcd.member import Cluster, MemberError


def main() -> None:
    """Do one step for the member of this host."""
    module = AnsibleModule(
        argument_spec={
            **arguments.CLUSTER,
            **arguments.MEMBER,
            "state": {
                "type": "str",
                "required": True,
                "choices": ["formed", "started", "leading", "joined", "restarted", "removed"],
            },
            "wait": {"type": "bool", "default": True},
            "identifiers": {"type": "list", "elements": "str", "default": []},
            "after_all": {"type": "bool", "default": False},
            "peer_port": {"type": "int", "default": 2380},
            "cluster_token": {"type": "str", "default": "golive", "no_log": False},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    parameters = module.params
    if parameters["name"] not in [member["name"] for member in parameters["members"]]:
        module.fail_json(msg=f"name: {parameters['name']} is none of the members", actions=[])
    cluster = Cluster(
        etcdctl=arguments.etcdctl(module),
        local=arguments.local(module),
        name=parameters["name"],
        members=parameters["members"],
        client_port=parameters["client_port"],
        peer_port=parameters["peer_port"],
        token=parameters["cluster_token"],
        timeout=parameters["timeout"],
        check_mode=module.check_mode,
    )
    steps = {
        "formed": cluster.form,
        "started": lambda: cluster.start(parameters["wait"]),
        "leading": cluster.lead,
        "joined": cluster.join,
        "restarted": cluster.restart,
        "removed": lambda: cluster.remove(parameters["identifiers"], parameters["after_all"]),
    }
    try:
        steps[parameters["state"]]()
    except (MemberError, EtcdctlError, OSError) as exc:
        module.fail_json(msg=str(exc), actions=cluster.actions)
    module.exit_json(changed=bool(cluster.actions), actions=cluster.actions)


if __name__ == "__main__":
    main()
