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
  - Reads the host's data directory, Debian's own cluster and Patroni's configuration, and asks the members that run.
  - Says what keeps the host from being a member, above all data that belongs to another database cluster.
  - Where O(configuration_file) exists, PyYAML has to be there; Debian's Patroni brings it along.
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
  configuration_file:
    description: Patroni's configuration, which need not be there yet.
    type: path
  declared:
    description: What the configuration is going to say. What is not given is not compared.
    type: dict
    default: {}
    suboptions:
      namespace:
        description: Where in etcd the cluster's keys are.
        type: str
      server_port:
        description: Port of PostgreSQL.
        type: int
      watchdog:
        description: Whether a watchdog is used.
        type: str
        choices: ["off", automatic, required]
      etcd_hosts:
        description: Members of etcd.
        type: list
        elements: str
      etcd_username:
        description: User of etcd.
        type: str
      etcd_password:
        description: Password of that user.
        type: str
      username:
        description: User of the REST API.
        type: str
      password:
        description: Password of that user.
        type: str
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
    configuration_file: /etc/patroni/config.yml
    declared: {namespace: /golive/, server_port: 5432}
"""

RETURN = r"""
data:
  description: >-
    The data directory, with C(present), C(empty), C(version), C(system_identifier), C(problem), and C(managed) when
    Patroni ran it before. Neither C(present) nor C(empty) while Patroni fills it.
  returned: success
  type: dict
debian:
  description: Debian's own cluster, with C(present) and C(data_directory).
  returned: success
  type: dict
cluster:
  description: >-
    The running cluster, with C(answers) (names of the members that answer), C(excuses) of the others, C(leader) by the
    store, C(primary) that takes writes, C(being_made) (members whose data are just copied), C(members) and
    C(system_identifier).
  returned: success
  type: dict
patroni:
  description: >-
    Patroni on this host, with C(running), C(listening) (its REST API), C(stale) (its configuration is newer than its
    last start or reload), C(watchdog) (it sees a device that is its own), C(differs) (what of C(etcd_hosts) and
    C(credentials) is declared differently) and C(copies) of the configuration.
  returned: success
  type: dict
missing:
  description: Files that are not there.
  returned: success
  type: list
  elements: str
problems:
  description: What keeps this host from being a member, in words; missing files too, but not in check mode.
  returned: success
  type: list
  elements: str
"""

import os

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.golive.delivery.plugins.module_utils.patroni import arguments, fitness, host, service
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Client, PatroniError

try:
    import yaml
except ImportError:
    yaml = None


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
            "configuration_file": {"type": "path"},
            "files": {"type": "list", "elements": "path", "default": []},
            "declared": {
                "type": "dict",
                "default": {},
                "options": {
                    "namespace": {"type": "str"},
                    "server_port": {"type": "int"},
                    "watchdog": {"type": "str", "choices": ["off", "automatic", "required"]},
                    "etcd_hosts": {"type": "list", "elements": "str"},
                    "etcd_username": {"type": "str"},
                    "etcd_password": {"type": "str", "no_log": True},
                    "username": {"type": "str"},
                    "password": {"type": "str", "no_log": True},
                },
            },
        },
        supports_check_mode=True,
    )
    params = module.params
    name = params["name"]
    summary, problems = fitness.NOBODY, []
    if params["ca_path"] is None or os.path.exists(params["ca_path"]):
        try:
            summary, _cluster, problems = fitness.running(_client(params), params["scope"])
        except PatroniError as exc:
            module.fail_json(msg=str(exc))
    data = host.read_data(
        params["data_directory"],
        f"/usr/lib/postgresql/{params['version']}/bin",
        lambda argv: module.run_command(argv, environ_update={"LC_ALL": "C", "LANGUAGE": "C"}),
        being_made=name in summary["being_made"],
    )
    debian = host.read_debian(params["configuration_directory"])
    problems += fitness.of_host(
        name, params["scope"], params["version"], params["data_directory"], data, debian, summary["system_identifier"]
    )
    patroni, more = _patroni(module, data.managed)
    missing = [path for path in params["files"] if not os.path.exists(path)]
    # Check mode may come before the role that makes them.
    if missing and not module.check_mode:
        more.append(f"{name}: {', '.join(missing)} missing (role certificates makes the TLS files)")
    module.exit_json(
        changed=False,
        data=data.as_dict(),
        debian=debian,
        cluster=summary,
        patroni=patroni,
        missing=missing,
        problems=problems + more,
    )


def _patroni(module: AnsibleModule, managed: bool) -> tuple[dict, list[str]]:
    """Return what is to know of Patroni on this host, and what its configuration cannot become any more."""
    params, declared = module.params, module.params["declared"]
    name, path = params["name"], params["configuration_file"] or ""
    address = next((item["address"] for item in params["members"] if item["name"] == name), "localhost")
    unit = service.Service()
    if module.get_bin_path("systemctl"):
        unit = service.read_service(module.run_command, path, address, params["port"])
    found = service.read_configuration(_load(module, path))
    wanted = {**declared, "scope": params["scope"], "port": params["port"]}
    credentials = [declared[key] for key in ("etcd_username", "etcd_password", "username", "password")]
    wanted["credentials"] = credentials if any(credentials) else None
    problems = fitness.of_watchdog(name, declared["watchdog"], unit.running, unit.watchdog)
    if managed:
        problems += fitness.of_configuration(name, path, found, wanted)
    differs = [key for key in ("credentials", "etcd_hosts") if wanted[key] and found[key] != wanted[key]]
    return {**vars(unit), "differs": differs, "copies": service.copies(path)}, problems


def _load(module: AnsibleModule, path: str) -> object:
    if not os.path.exists(path):
        return None
    if yaml is None:
        module.fail_json(msg=missing_required_lib("PyYAML"))
    try:
        with open(path, encoding="utf-8") as file:
            return yaml.safe_load(file)
    except yaml.YAMLError:
        return None


def _client(params: dict) -> Client:
    # Short: on a first run nobody answers, and a host that drops packets must not hold up the rest.
    members = {item["name"]: item["address"] for item in params["members"]}
    return Client(members, params["port"], params["ca_path"], question_seconds=3)


if __name__ == "__main__":
    main()
