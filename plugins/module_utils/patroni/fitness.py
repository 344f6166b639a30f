# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a host from being a member of a cluster, in words for whoever has to decide about the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Answer, Client, PatroniError
from ansible_collections.golive.delivery.plugins.module_utils.patroni.cluster import (
    BEING_MADE,
    GONE,
    PRIMARY_ROLES,
    WORKING,
    Cluster,
    parse,
)
from ansible_collections.golive.delivery.plugins.module_utils.patroni.host import Data

# What is known of a cluster when nobody was asked.
NOBODY: dict[str, Any] = {
    "answers": [],
    "being_made": [],
    "excuses": {},
    "system_identifier": "",
    "leader": "",
    "members": [],
    "primary": "",
}


def running(client: Client, scope: str) -> tuple[dict[str, Any], Cluster, list[str]]:
    """Return what the members that answer say: a summary, the cluster, and what is wrong with it."""
    answers = client.ask_all("/patroni")
    fine: dict[str, Answer] = {name: answer for name, answer in answers.items() if isinstance(answer, Answer)}
    excuses = {name: str(answer) for name, answer in answers.items() if isinstance(answer, PatroniError)}
    problems = [
        f"{name} is a member of the cluster {other}, not of {scope}"
        for name, answer in fine.items()
        for other in [answer.data.get("patroni", {}).get("scope")]
        if other not in (None, scope)
    ]
    identifiers = [str(answer.data.get("database_system_identifier") or "") for answer in fine.values()]
    cluster = Cluster({}, False)
    if fine and not problems:
        try:
            cluster = parse(client.ask_any("/cluster").data)
        except PatroniError as exc:
            excuses["cluster"] = str(exc)
    undeclared = [
        member.name
        for member in cluster.members.values()
        if member.name not in client.members and member.state not in GONE
    ]
    if undeclared:
        problems.append(
            f"{', '.join(undeclared)} still takes part in the cluster {scope}, but is not declared: on that host "
            "run `systemctl disable --now patroni`, or declare it"
        )
    # A member's own word is newer than the store's.
    states = {member.name: member.state for member in cluster.members.values()}
    states.update({name: str(answer.data.get("state") or "") for name, answer in fine.items()})
    # The lock of one that stepped down may still stand in the store.
    primaries = [name for name, answer in fine.items() if answer.data.get("role") in PRIMARY_ROLES]
    summary = {
        "answers": sorted(fine),
        "being_made": sorted(name for name, text in states.items() if text in BEING_MADE),
        "excuses": excuses,
        "system_identifier": next((text for text in identifiers if text), ""),
        "leader": cluster.leader.name if cluster.leader else "",
        "members": sorted(cluster.members),
        "primary": next((name for name in primaries if states[name] in WORKING), ""),
    }
    return summary, cluster, problems


def of_host(
    name: str, scope: str, version: str, directory: str, data: Data, debian: dict[str, Any], identifier: str
) -> list[str]:
    """Return why this host's data cannot become, or stay, a member of the cluster with this identifier."""
    problems = []
    if data.problem:
        problems.append(f"{name}: {directory} {data.problem}. It is left untouched: move it away, or set another one")
    elif data.present and data.version != version:
        problems.append(
            f"{name}: {directory} holds PostgreSQL {data.version}, not {version}. A major upgrade is not done here"
        )
    elif data.present and identifier and data.system_identifier != identifier:
        problems.append(
            f"{name}: {directory} holds another database cluster (system identifier {data.system_identifier}) than the "
            f"running cluster {scope} ({identifier}). It is left untouched: move it away, or remove it with "
            f"`pg_dropcluster --stop {version} main` if nobody needs it"
        )
    if debian["present"] and debian["data_directory"] not in ("", directory):
        problems.append(
            f"{name}: the standalone server keeps its data in {debian['data_directory']}, not in {directory}: "
            "set postgresql_data_directory to that"
        )
    return problems


def of_configuration(name: str, path: str, found: Mapping[str, Any], declared: Mapping[str, Any]) -> list[str]:
    """Return what of Patroni's configuration on this host cannot be changed any more, as Patroni ran with its data."""
    problems = []
    for variable, old, new in (
        ("postgresql_cluster_name", found["scope"], declared["scope"]),
        ("postgresql_etcd_namespace", found["namespace"], declared["namespace"]),
        ("postgresql_patroni_port", found["port"], declared["port"]),
        ("postgresql_port", found["server_port"], declared["server_port"]),
    ):
        if old is not None and new is not None and _plain(old) != _plain(new):
            problems.append(
                f"{name}: {variable} is {new}, but this member runs with {old} ({path}). It is not changed where there "
                "is data, as the members would lose each other: set it back"
            )
    return problems


def of_watchdog(name: str, declared: str | None, running: bool, device: bool) -> list[str]:
    """Return why the running Patroni would give up the primary when it is told that it needs a watchdog."""
    if declared != "required" or not running or device:
        return []
    return [
        f"{name}: postgresql_watchdog is required, but Patroni was started without /dev/watchdog, so a primary would "
        "step down at once. Set it to automatic and run, restart Patroni node by node (replicas first), then set it to "
        "required"
    ]


def _plain(value: Any) -> str:
    return str(value).strip("/")
