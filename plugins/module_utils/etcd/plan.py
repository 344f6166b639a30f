# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to happen to make the cluster what is declared, and what must not happen.

A state is what one host says of itself: name, data (it has the data of a member), formed (it has been a healthy member
before), forming (its data began with a formation that was cut off), running, and cluster, the view of all members that
it got. The plan gives each member one action:

none    it is a healthy member
start   it has its data; it is to be started, or waited for
form    nobody has ever been a member: all start together
join    it is new, its data is gone, or its address changed: one at a time, through the others
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import url
from ansible_collections.golive.delivery.plugins.module_utils.etcd.view import quorum

States = Mapping[str, Mapping[str, Any]]
Items = Sequence[Mapping[str, Any]]


def make(states: Sequence[Mapping[str, Any]], members: Items, peer_port: int, data_directory: str) -> dict[str, Any]:
    """Return the plan.

    It has up, actions by name, remove_first and remove_last (members of the cluster), next_leader (a name, empty if the
    leader stays) and refusals (texts).
    `states` are those of the hosts that take part in the run, `members` the declaration.
    """
    by_name = {state["name"]: state for state in states}
    refusals = [f"{problem} on {state['name']}." for state in states for problem in state.get("problems", ())]
    view = _best_view(states)
    if view["leader"]:
        plan = _change(by_name, members, view, peer_port)
    else:
        plan = _begin(by_name, members, view["members"], data_directory)
    plan["refusals"] = refusals + plan["refusals"]
    return plan


def find(member: Mapping[str, Any], listed: Items, peer_port: int) -> Mapping[str, Any] | None:
    """Return the entry of the cluster for a declared member: by its name or, before its first start, its address."""
    peer_url = url(member["address"], peer_port)
    by_name = [item for item in listed if item["name"] == member["name"]]
    by_url = [item for item in listed if peer_url in item["peer_urls"]]
    return (by_name + by_url + [None])[0]


def _begin(states: States, members: Items, listed: Items, data_directory: str) -> dict[str, Any]:
    """There is no quorum: nobody runs yet, or too few of those that did."""
    names = [member["name"] for member in members]
    with_data = [name for name in names if name in states and states[name]["data"]]
    answering = [item["name"] for item in listed if item["answers"]]
    formed = [name for name in names if name in states and states[name]["formed"]]
    plan: dict[str, Any] = {
        "up": False,
        "actions": {},
        "remove_first": [],
        "remove_last": [],
        "next_leader": "",
        "refusals": [],
    }
    if formed:
        needed = quorum(len(listed) or len(names))
        able = sorted(set(with_data) | set(answering))
        if len(able) < needed:
            gone = [name for name in names if name in states and not states[name]["data"]]
            away = [name for name in names if name not in states and name not in answering]
            plan["refusals"].append(
                f"etcd_members: the cluster has no quorum and cannot get one. {needed} members with their data are"
                f" needed, there {'is' if len(able) == 1 else 'are'} {', '.join(able) or 'none'};"
                + (f" the data of {', '.join(gone)} in {data_directory} is gone;" if gone else "")
                + (f" {', '.join(away)} cannot be reached or is not in this run;" if away else "")
                + " nothing was changed. Bring members back, or restore a snapshot as the README of the role etcd says."
            )
        plan["actions"] = dict.fromkeys(with_data, "start")
        return plan
    missing = [name for name in names if name not in states]
    if missing:
        plan["refusals"].append(
            f"etcd_members: the first start needs all members in one run, {', '.join(missing)} cannot be reached or"
            " is not in this run (remove --limit)."
        )
    plan["actions"] = {name: "start" if name in with_data else "form" for name in names if name in states}
    # Beside a member with a past a new one would take the place of another whose promises it does not know.
    strange = [name for name in with_data if not states[name]["forming"]]
    if strange and "form" in plan["actions"].values():
        plan["refusals"].append(
            f"etcd_members: no cluster is formed beside data in {data_directory} that an earlier one has left on"
            f" {', '.join(strange)}; nothing was changed. Restore a snapshot on all members, or put the data aside on"
            " all, as the README of the role etcd says."
        )
    return plan


def _change(states: States, members: Items, view: Mapping[str, Any], peer_port: int) -> dict[str, Any]:
    """The cluster has a leader: everything goes through it."""
    listed = view["members"]
    actions: dict[str, str] = {}
    entries: dict[str, Mapping[str, Any] | None] = {}
    lost: list[Mapping[str, Any]] = []
    for member in members:
        name, state = member["name"], states.get(member["name"])
        entry = entries[name] = find(member, listed, peer_port)
        if state is None:
            continue
        actions[name] = _action(state, entry, url(member["address"], peer_port))
        if entry and not state["data"] and entry["name"]:
            lost.append(entry)
    declared = {entry["id"] for entry in entries.values() if entry}
    strangers = [item for item in listed if item["id"] not in declared]
    dead = [item for item in strangers if not item["healthy"]]
    voters = [item for item in listed if not item["learner"]]
    left = [item for item in voters if item["healthy"] and item not in lost]
    refusals = []
    if len(left) < quorum(len(voters)):
        refusals.append(
            f"etcd_members: {', '.join(item['name'] for item in lost)} cannot be replaced, because"
            f" {quorum(len(voters))} of the cluster's {len(voters)} members have to be healthy with their data all the"
            f" time and only {', '.join(item['name'] for item in left) or 'none'} would be. Nothing was changed."
        )
    joining = sorted(name for name, action in actions.items() if action == "join")
    silent = [name for name, entry in entries.items() if entry and not entry["healthy"] and name not in actions]
    if joining and silent:
        refusals.append(
            f"etcd_members: {', '.join(joining)} cannot be added while {', '.join(silent)} does not answer and is not"
            " in this run. Bring it back, or take it off the list."
        )
    if not declared:
        refusals.append(
            "etcd_members: none of them is a member of the cluster that answers at their addresses, which has"
            f" {', '.join(item['name'] or item['id'] for item in listed)}."
        )
    staying = [name for name, entry in entries.items() if entry and entry["healthy"]]
    staying = [name for name in staying if actions.get(name) in ("none", "start")]
    leaves = any(item["id"] == view["leader"] for item in strangers)
    # Nothing can be added while a member is dead: etcd refuses it. Live ones go last, when the others can do without.
    return {
        "up": True,
        "actions": actions,
        "remove_first": _brief(lost + dead),
        "remove_last": _brief([item for item in strangers if item["healthy"]]),
        "next_leader": staying[0] if leaves and staying else "",
        "refusals": refusals,
    }


def _action(state: Mapping[str, Any], entry: Mapping[str, Any] | None, peer_url: str) -> str:
    if entry is None or not state["data"] or entry["learner"] or entry["peer_urls"] != [peer_url]:
        return "join"
    return "none" if entry["healthy"] and state["formed"] and state["running"] else "start"


def _brief(items: Items) -> list[dict[str, str]]:
    return [{"id": item["id"], "name": item["name"] or "a member that never started"} for item in items]


def _best_view(states: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the view with a leader and the most healthy members: not every host has to see everything."""
    views = [state["cluster"] for state in states if state.get("cluster")]
    nothing = {"leader": "", "members": []}
    return max(
        views,
        key=lambda view: (bool(view["leader"]), sum(item["healthy"] for item in view["members"]), len(view["members"])),
        default=nothing,
    )
