# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rollback.yml is to do."""

from __future__ import annotations

DOCUMENTATION = r"""
name: rollback_plan
short_description: Plan the way back on the application's hosts
version_added: "0.3.0"
author: The golive.delivery authors (@golive-delivery)
description:
  - Says which release the hosts go back to and in which order, whether the database goes back too, and what is wrong.
options:
  _input:
    description:
      - What was seen, by host - C(info), what M(golive.delivery.app_release) returned; C(out), whether a balancer has
        it drained.
    type: dict
    required: true
  known:
    description:
      - C(app_hosts), C(limited), C(application), C(wanted), C(confirmed), C(database), C(window) and C(points), as
        C(playbooks/rollback.yml) gives them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Plan
  ansible.builtin.set_fact:
    plan: "{{ seen | golive.delivery.rollback_plan({'app_hosts': groups['app'], 'application': 'erp'}) }}"
"""

RETURN = r"""
_value:
  description:
    - C(plan), V(none), V(rolling) or V(window); C(application); C(to), the folder of the release by host; C(point),
      what the database goes back to, empty if it stays; C(out) and C(in), the hosts of a rolling way back;
      C(problems) and C(lines).
  type: dict
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.module_utils.update import plan


def rollback_plan(seen: Mapping[str, Any], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the plan; raise AnsibleFilterError for a wrong type."""
    if not isinstance(seen, Mapping):
        raise AnsibleFilterError(f"rollback_plan: expected a dictionary by host, got {type(seen).__name__}")
    return plan.rollback_plan(seen, known or {})


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"rollback_plan": rollback_plan}
