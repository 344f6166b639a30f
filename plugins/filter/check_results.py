# Copyright: (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects what technical_check left in the facts of the hosts, and names what it did not leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: check_results
short_description: Collect the results of the checks of all hosts
version_added: "0.1.0"
author: The golive.delivery authors (@golive-delivery)
description:
  - Reads the facts C(golive_checks_ROLE) that M(golive.delivery.technical_check) leaves on a host, for each host and
    role that was expected to be checked.
  - A host or role without results is named in RV(_value.missing), so that M(golive.delivery.acceptance_report) counts
    it as a P0 error; a host that is down must not make a report look better.
  - Only the expected hosts are looked at.
positional: expected
options:
  _input:
    description: The variables of the hosts, RV(ignore:hostvars).
    type: dict
    required: true
  expected:
    description: The hosts that each role should have checked; the key is the role, the value a list of host names.
    type: dict
    required: true
seealso:
  - plugin: golive.delivery.acceptance_report
    plugin_type: module
"""

EXAMPLES = r"""
- name: Collect the results
  ansible.builtin.set_fact:
    collected: >-
      {{ hostvars | golive.delivery.check_results({
           'baseline': groups['all'],
           'postgresql': groups['database'],
         }) }}

- name: Write the report
  golive.delivery.acceptance_report:
    results: "{{ collected.results }}"
    missing: "{{ collected.missing }}"
    system: Harbour ERP
    directory: "{{ inventory_dir }}/report"
"""

RETURN = r"""
_value:
  description: What was found and what was not.
  type: dict
  contains:
    results:
      description: One entry a host and role with its results.
      type: list
      elements: dict
      sample: [{host: db1, role: postgresql, checks: [{id: postgresql.ready, status: pass}]}]
    missing:
      description: One entry a host and role without results, with the reason.
      type: list
      elements: dict
      sample: [{host: db2, role: postgresql, reason: the checks of this role left no result on the host}]
"""


def check_results(hostvars: Any, expected: Any) -> dict[str, list[dict]]:
    """Return C(results) and C(missing) for the expected hosts of each role. Raises AnsibleFilterError on bad types."""
    if not isinstance(hostvars, Mapping):
        raise AnsibleFilterError(f"check_results: the input must be hostvars, got {type(hostvars).__name__}")
    if not isinstance(expected, Mapping):
        raise AnsibleFilterError("check_results: expected must be a mapping of roles to lists of hosts")
    found: dict[str, list[dict]] = {"results": [], "missing": []}
    facts: dict[str, Any] = {}
    for role, hosts in expected.items():
        if isinstance(hosts, (str, Mapping)) or not isinstance(hosts, (list, tuple)):
            raise AnsibleFilterError(f"check_results: expected.{role} must be a list of hosts")
        for host in dict.fromkeys(hosts):
            # Asking hostvars renders the host's variables anew, so once a host and not once a role.
            if host not in facts:
                facts[host] = _facts(hostvars, host)
            checks, reason = _checks(facts[host], role)
            if reason:
                found["missing"].append({"host": host, "role": role, "reason": reason})
            else:
                found["results"].append({"host": host, "role": role, "checks": checks})
    return found


def _facts(hostvars: Mapping, host: str) -> Any:
    """Return the facts of a host, an empty mapping if it has none, or None if the inventory does not know it."""
    if host not in hostvars:
        return None
    variables = hostvars[host]
    return variables.get("ansible_facts", {})


def _checks(facts: Any, role: str) -> tuple[list[dict], str]:
    """Return the results of a role and no reason, or no results and the reason."""
    if facts is None:
        return [], "the inventory has no such host"
    if not facts:
        return [], "the host has no facts: it was not reached, or no check ran on it"
    key = f"golive_checks_{role}"
    if key not in facts:
        return [], "the checks of this role left no result on the host"
    checks = facts[key]
    if not isinstance(checks, (list, tuple)):
        return [], f"the fact {key} is not a list of results"
    if not checks:
        return [], "the role returned no checks"
    return list(checks), ""


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"check_results": check_results}
