# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rolling_update.yml is to do."""

from __future__ import annotations

DOCUMENTATION = r"""
name: update_plan
short_description: Plan an update of the application's hosts
version_added: "0.3.0"
author: The golive.delivery authors (@golive-delivery)
description:
  - Says which hosts are updated in which order, whether behind the maintenance page, and what is wrong.
options:
  _input:
    description:
      - What was seen, by host - C(pending), the fact C(app_server_pending) of the role app_server; C(applications),
        each with C(name), C(compatible) and C(migrates); C(out), whether a balancer has it drained.
    type: dict
    required: true
  known:
    description:
      - C(app_hosts), C(leader), C(limited), C(only), C(backup), C(backup_host) and C(window), as
        C(playbooks/rolling_update.yml) gives them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Plan
  ansible.builtin.set_fact:
    plan: "{{ seen | golive.delivery.update_plan({'app_hosts': groups['app'], 'leader': 'app1'}) }}"
"""

RETURN = r"""
_value:
  description:
    - C(plan), V(none), V(rolling) or V(window); C(out) and C(in), the hosts of a rolling update, those that are out of
      the balancers first; C(to), the new releases by application; C(incompatible), those of them that the database of
      before does not fit; C(problems) and C(lines), texts.
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.module_utils.update import plan


def update_plan(seen: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the plan; raise AnsibleFilterError for a wrong type."""
    if not isinstance(seen, Mapping):
        raise AnsibleFilterError(f"update_plan: expected a dictionary by host, got {type(seen).__name__}")
    return plan.update_plan(seen, known or {})


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"update_plan": update_plan}
