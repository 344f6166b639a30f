# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what happens to each member of an etcd cluster, from what all hosts say of themselves."""

from __future__ import annotations

DOCUMENTATION = r"""
name: etcd_plan
short_description: Decide what happens to each member of an etcd cluster
version_added: "0.2.0"
author: The golive.delivery authors (@golive-delivery)
description:
  - Compares the declared members with what the hosts and the cluster say, and decides who is started, who joins and who
    is removed, and what must be refused because the cluster would lose its quorum.
positional: members
options:
  _input:
    description: States of the hosts in the run, as M(golive.delivery.etcd_member_info) returns them.
    type: list
    elements: dict
    required: true
  members:
    description: The declared members, each with C(name) and C(address).
    type: list
    elements: dict
    required: true
  peer_port:
    description: Port of each member for the others.
    type: int
    default: 2380
  data_directory:
    description: Where members keep their data; for the texts.
    type: str
    default: /var/lib/etcd
"""

EXAMPLES = r"""
- name: Refuse what would lose the quorum
  ansible.builtin.assert:
    that: plan.refusals == []
    fail_msg: "{{ plan.refusals | join(' ') }}"
  vars:
    plan: "{{ states | golive.delivery.etcd_plan(etcd_members) }}"
"""

RETURN = r"""
_value:
  description:
    - C(up), whether the cluster has a quorum; C(actions), by name V(none), V(start), V(form) or V(join);
      C(remove_first) and C(remove_last), members to be removed before others join and after they are healthy;
      C(next_leader), who takes the lead before others join, empty if the leader stays;
      C(refusals), texts, empty if everything may go on.
  type: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.golive.delivery.plugins.module_utils.etcd import plan


def etcd_plan(
    states: Sequence[Mapping[str, Any]],
    members: Sequence[Mapping[str, Any]],
    peer_port: int = 2380,
    data_directory: str = "/var/lib/etcd",
) -> dict[str, Any]:
    """Return the plan; raise AnsibleFilterError for states or members that are none."""
    try:
        return plan.make(list(states), list(members), int(peer_port), data_directory)
    except (KeyError, TypeError, ValueError) as exc:
        raise AnsibleFilterError(f"etcd_plan: {type(exc).__name__}: {exc}") from exc


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by its name."""
        return {"etcd_plan": etcd_plan}
