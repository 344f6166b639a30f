# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role haproxy configures and proves, from its variables."""

from __future__ import annotations

DOCUMENTATION = r"""
name: haproxy_plan
short_description: Read the variables of the role haproxy
version_added: "0.3.0"
author: The golive.delivery authors (@golive-delivery)
description:
  - Says what is wrong with the variables; if nothing is, which frontends they describe and what is to be proved.
options:
  _input:
    description: The variables without their prefix C(haproxy_).
    type: dict
    required: true
  paths:
    description:
      - Where things are on the host - C(admin_socket), C(state_program), C(state_file), C(ca), and C(address), where
        the checks reach the public side.
    type: dict
    default: {}
  profiles:
    description: The TLS profiles by name, each with C(refused) and C(required) versions.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Refuse what cannot work
  ansible.builtin.assert:
    that: plan.problems == []
    fail_msg: "{{ plan.problems | join('; ') }}"
  vars:
    plan: "{{ variables | golive.delivery.haproxy_plan }}"
"""

RETURN = r"""
_value:
  description:
    - C(problems), texts, empty if everything fits; C(frontends), the public sides in one form; C(endpoints), every
      address and port to listen on; C(checks), those that depend on what is declared; C(security_headers), the headers
      of the first frontend with a regular expression each. With problems the others are empty.
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.module_utils.haproxy import checks, plan, problems


def haproxy_plan(
    given: Mapping[str, Any], paths: Mapping[str, str] | None = None, profiles: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the plan; raise AnsibleFilterError for variables that are none."""
    try:
        found = problems.find(given)
        if found:
            return {"problems": found, "frontends": [], "endpoints": [], "checks": [], "security_headers": {}}
        public = plan.frontends(given)
        wanted: list[dict[str, Any]] = []
        if paths and profiles:
            wanted += checks.of_backends(given, paths)
            for frontend in public[1:]:
                wanted += checks.of_frontend(frontend, paths, profiles[frontend["profile"]])
            if public:
                wanted += checks.of_latencies(given, public[0], paths)
        return {
            "problems": [],
            "frontends": public,
            "endpoints": plan.endpoints(given, public),
            "checks": wanted,
            "security_headers": checks.security_headers(public[0]) if public else {},
        }
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise AnsibleFilterError(f"haproxy_plan: {type(exc).__name__}: {exc}") from exc


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"haproxy_plan": haproxy_plan}
