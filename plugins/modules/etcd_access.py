#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_access
short_description: Switch on authentication in etcd and manage its users
version_added: "0.2.0"
description:
  - Creates the user C(root), who has no password and comes in by a certificate of that common name, and users with a
    password who read and write the keys below their prefixes and nothing else. Then it switches authentication on.
  - A user has the role of its own name and no other. A password is tried by logging in, and set anew if that fails.
  - It changes the whole cluster, so the task has C(run_once).
author:
  - The golive.delivery authors (@golive-delivery)
options:
  users:
    description: The users.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the user, and of its role.
        type: str
        required: true
      password:
        description: Password, without spaces.
        type: str
        required: true
      prefixes:
        description: Beginnings of the keys that the user may read and write.
        type: list
        elements: str
        required: true
  purge:
    description: Whether users and roles that are not in O(users) are removed, except C(root).
    type: bool
    default: false
extends_documentation_fragment:
  - golive.delivery.etcd
attributes:
  check_mode:
    description: Can run in check mode and returns what it would change.
    support: full
  diff_mode:
    description: Shows users, roles and permissions, and of a password only whether it is the declared one.
    support: full
"""

EXAMPLES = r"""
- name: Let Patroni in
  golive.delivery.etcd_access:
    users:
      - name: patroni
        password: "{{ vault_etcd_patroni_password }}"
        prefixes: [/golive/]
    members: [{name: a, address: 192.0.2.1}, {name: b, address: 192.0.2.2}, {name: c, address: 192.0.2.3}]
    certificate: /etc/golive/tls/etcd-root.pem
    key: /etc/golive/tls/etcd-root.pem.key
    ca: /etc/golive/tls/ca.pem
  run_once: true
"""

RETURN = r"""
access:
  description: Whether authentication is on, and the users with their roles and permissions, as they are afterwards.
  returned: success
  type: dict
  sample:
    authentication: true
    users:
      patroni: {roles: [patroni], permissions: ["readwrite /golive/*"], password: as declared}
      root: {roles: [root], permissions: []}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.etcd import arguments
from ansible_collections.golive.delivery.plugins.module_utils.etcd.access import Access, problems
from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import EtcdctlError


def main() -> None:
    """Compare, and change what differs."""
    module = AnsibleModule(
        argument_spec={
            **arguments.CLUSTER,
            "users": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "password": {"type": "str", "required": True, "no_log": True},
                    "prefixes": {"type": "list", "elements": "str", "required": True},
                },
            },
            "purge": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    users = module.params["users"]
    wrong = problems(users)
    if wrong:
        module.fail_json(msg=f"users: {'; '.join(wrong)}")
    access = Access(arguments.etcdctl(module), users, module.params["purge"])
    try:
        now = access.read()
        wanted = access.wanted(now)
        changed = now != wanted
        if changed and not module.check_mode:
            access.change(now, wanted)
    except EtcdctlError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(
        changed=changed,
        access=wanted.describe(),
        diff={"before": now.describe(), "after": wanted.describe()},
    )


if __name__ == "__main__":
    main()
