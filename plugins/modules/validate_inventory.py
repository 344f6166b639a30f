#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin validate_inventory, which runs on the controller in place of this module."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: validate_inventory
short_description: Refuse a wrong inventory before any host is touched
version_added: "0.1.0"
author: The golive.delivery authors (@golive-delivery)
description:
  - Reads the groups and variables of all hosts on the controller, contacts no host and changes nothing.
  - Fails with one message that lists B(every) problem, a line each, with the variable, the hosts, what was expected,
    what was given, and the file and line where it was written.
  - Values are never shown of options that are C(no_log) in a role's specification, hold one that is, or are made of
    vaulted values or variables named C(vault_x).
  - Variables that depend on facts of a host cannot be judged before the host is contacted; they are listed in
    RV(ignore:unchecked) and judged by the role itself.
options:
  roles:
    description:
      - The roles that each group gets, as lists of role names by name of group.
      - The variables of every host are validated against C(meta/argument_specs.yml) (entry point C(main)) of its roles.
      - Variables that start with the name of any role of O(roles_path) and an underscore, but are not an option of it,
        are refused on every host of the inventory.
    type: dict
    default: {}
  roles_path:
    description:
      - Folder in which the roles are.
      - By default the roles of this collection.
    type: path
  provided:
    description:
      - Options that the playbook itself passes to a role, as lists of names by name of role.
      - They need not be in the inventory, even if the role requires them.
    type: dict
    default: {}
  ignore_variables:
    description:
      - Patterns (C(*), C(?)) of variable names that are not refused although they look like an option of a role.
    type: list
    elements: str
    default: []
  required_groups:
    description: The least number of hosts by name of group.
    type: dict
    default: {}
  maximum:
    description:
      - The greatest number of hosts by name of group.
      - A number, or a mapping of C(hosts) (the number) and C(reason) (a text for the message).
    type: dict
    default: {}
  odd_groups:
    description: Groups that must have an odd number of hosts, each with the reason for the message.
    type: dict
    default: {}
    version_added: "0.2.0"
  exclusive_groups:
    description: Lists of groups that must not share a host.
    type: list
    elements: list
    default: []
  resolve_hosts:
    description:
      - Whether the address of every host has to resolve on the controller.
      - The address is the variable C(golive_address), else C(ansible_host), else the host's name.
    type: bool
    default: true
  resolve:
    description: More names that have to resolve on the controller.
    type: list
    elements: str
    default: []
  resolve_timeout:
    description: Seconds to wait for the name service; up to 32 names are looked up at a time.
    type: float
    default: 5.0
  certificates:
    description:
      - Certificates that come with the inventory.
      - A certificate must be valid now, its chain in order, and the key must belong to the leaf.
      - Needs the Python package C(cryptography) on the controller, which ansible-core brings.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: How the certificate is called in messages.
        type: str
        required: true
      certificate:
        description:
          - The certificate in PEM, the leaf first, then the intermediates.
          - Without O(certificates[].certificate) and O(certificates[].private_key) there is nothing to check.
        type: str
      private_key:
        description: Its private key in PEM, without a passphrase.
        type: str
  certificate_names:
    description: The names that a certificate may have; with none given any.
    type: list
    elements: str
    default: []
  certificate_days:
    description: How many days each certificate has to be valid still.
    type: int
    default: 0
  required_secrets:
    description:
      - Variables that have to hold a secret, a text that is neither empty nor a placeholder such as C(changeme).
    type: list
    elements: dict
    default: []
    suboptions:
      variable:
        description: Name of the variable.
        type: str
        required: true
      group:
        description: The hosts that need it.
        type: str
        default: all
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.conn
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
  become:
    support: none
  bypass_host_loop:
    support: full
  check_mode:
    support: full
  connection:
    support: none
  delegation:
    support: none
  diff_mode:
    support: none
  platform:
    platforms: all
notes:
  - An option that is C(no_log) and holds a placeholder such as C(changeme) is refused in every role.
seealso:
  - module: ansible.builtin.validate_argument_spec
"""

EXAMPLES = r"""
- name: Validate the inventory
  hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Refuse an inventory that does not fit
      golive.delivery.validate_inventory:
        roles:
          all: [baseline]
          database: [certificates, postgresql]
          app: [app_server]
        required_groups:
          database: 1
          app: 1
          load_balancer: 1
        maximum:
          load_balancer:
            hosts: 2
            reason: one floating address has one spare
        exclusive_groups:
          - [database, app]
        required_secrets:
          - variable: vault_database_password
            group: database
"""

RETURN = r"""
problems:
  description: One line for each problem; what several hosts share is one line.
  returned: always
  type: list
  elements: str
  sample:
    - "variable postgresql_port of hosts db1, db2: expected a whole number, given 'abc' (group_vars/database.yml:3)"
unchecked:
  description: One line for each variable that cannot be judged before its host is contacted.
  returned: always
  type: list
  elements: str
  sample:
    - "variable postgresql_memory of host db1: depends on facts of the host"
hosts:
  description: Number of hosts of the inventory.
  returned: always
  type: int
  sample: 7
msg:
  description: All problems in one text, or that the inventory is fit.
  returned: always
  type: str
  sample: "The inventory is fit: 7 hosts"
"""
