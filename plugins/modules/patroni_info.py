#!/usr/bin/python
# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: patroni_info
short_description: See what a host holds before it becomes, or stays, a member of a Patroni cluster
version_added: "0.2.0"
description:
  - Reads the host's data directory and Debian's own cluster, and asks the members that run.
  - Says what keeps the host from being a member, above all data that belongs to another database cluster.
author:
  - The golive.delivery authors (@golive-delivery)
options:
  name:
    description: Name of this host as a member.
    type: str
    required: true
  scope:
    description: Name of the cluster.
    type: str
    required: true
  version:
    description: Major version of PostgreSQL.
    type: str
    required: true
  data_directory:
    description: Data directory of this member.
    type: path
    required: true
  configuration_directory:
    description: Where Debian keeps the configuration of the standalone server with that data directory.
    type: path
    required: true
  files:
    description: Files that have to be there.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    description: Only reads.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
extends_documentation_fragment:
  - golive.delivery.patroni
"""

EXAMPLES = r"""
- name: See what the host holds
  golive.delivery.patroni_info:
    name: db1
    scope: main
    members:
      - {name: db1, address: 192.0.2.31}
      - {name: db2, address: 192.0.2.32}
    ca_path: /etc/golive/tls/ca.pem
    version: "15"
    data_directory: /var/lib/postgresql/15/main
    configuration_directory: /etc/postgresql/15/main
"""

RETURN = r"""
data:
  description: >-
    The data directory, with C(present), C(empty), C(version), C(system_identifier), C(problem), and C(managed) when
    Patroni ran it before.
  returned: success
  type: dict
debian:
  description: Debian's own cluster, with C(present) and C(data_directory).
  returned: success
  type: dict
cluster:
  description: >-
    The running cluster, with C(answers) (names of the members that answer), C(excuses) of the others, C(leader),
    C(members) and C(system_identifier).
  returned: success
  type: dict
missing:
  description: Files that are not there.
  returned: success
  type: list
  elements: str
problems:
  description: What keeps this host from being a member, in words.
  returned: success
  type: list
  elements: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.golive.delivery.plugins.module_utils.patroni import arguments, fitness, host
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Client, PatroniError


def main() -> None:
    """Read the host, ask the members, judge."""
    module = AnsibleModule(
        argument_spec={
            **arguments.connection_spec(),
            "name": {"type": "str", "required": True},
            "scope": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "data_directory": {"type": "path", "required": True},
            "configuration_directory": {"type": "path", "required": True},
            "files": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    params = module.params
    data = host.read_data(
        params["data_directory"],
        f"/usr/lib/postgresql/{params['version']}/bin",
        lambda argv: module.run_command(argv, environ_update={"LC_ALL": "C", "LANGUAGE": "C"}),
    )
    debian = host.read_debian(params["configuration_directory"])
    summary, problems = {"answers": [], "excuses": {}, "system_identifier": "", "leader": "", "members": []}, []
    if params["ca_path"] is None or os.path.exists(params["ca_path"]):
        try:
            summary, _cluster, problems = fitness.running(_client(params), params["scope"])
        except PatroniError as exc:
            module.fail_json(msg=str(exc))
    problems += fitness.of_host(
        params["name"],
        params["scope"],
        params["version"],
        params["data_directory"],
        data,
        debian,
        summary["system_identifier"],
    )
    module.exit_json(
        changed=False,
        data=data.as_dict(),
        debian=debian,
        cluster=summary,
        missing=[path for path in params["files"] if not os.path.exists(path)],
        problems=problems,
    )


def _client(params: dict) -> Client:
    # Short: on a first run nobody answers, and a host that drops packets must not hold up the rest.
    members = {item["name"]: item["address"] for item in params["members"]}
    return Client(members, params["port"], params["ca_path"], question_seconds=3)


if __name__ == "__main__":
    main()
