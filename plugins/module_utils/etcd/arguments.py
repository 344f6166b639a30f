# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for etcd have in common: arguments, and the objects made of them."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import Etcdctl, Identity, url
from ansible_collections.golive.delivery.plugins.module_utils.etcd.local import Local

CLUSTER: dict[str, Any] = {
    "members": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"name": {"type": "str", "required": True}, "address": {"type": "str", "required": True}},
    },
    "client_port": {"type": "int", "default": 2379},
    "certificate": {"type": "path", "required": True},
    "key": {"type": "path", "required": True, "no_log": False},
    "ca": {"type": "path", "required": True},
}
MEMBER: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "data_directory": {"type": "path", "required": True},
    "configuration": {"type": "path", "required": True},
}


def etcdctl(module: AnsibleModule, seconds: float = 5) -> Etcdctl:
    """Return etcdctl for all declared members."""

    def run(argv: Any, environment: Any, stdin: str | None) -> tuple[int, str, str]:
        return module.run_command(list(argv), environ_update=dict(environment), data=stdin)

    parameters = module.params
    identity = Identity(parameters["certificate"], parameters["key"], parameters["ca"])
    endpoints = [url(member["address"], parameters["client_port"]) for member in parameters["members"]]
    return Etcdctl(run, identity, endpoints, seconds)


def local(module: AnsibleModule) -> Local:
    """Return the member on this host."""
    return Local(
        lambda argv: module.run_command(list(argv)), module.params["data_directory"], module.params["configuration"]
    )
