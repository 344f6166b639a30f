# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a host from being a member of a cluster, in words for whoever has to decide about the data."""

from __future__ import annotations

from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Answer, Client, PatroniError
from ansible_collections.golive.delivery.plugins.module_utils.patroni.cluster import GONE, Cluster, parse
from ansible_collections.golive.delivery.plugins.module_utils.patroni.host import Data


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
    summary = {
        "answers": sorted(fine),
        "excuses": excuses,
        "system_identifier": next((text for text in identifiers if text), ""),
        "leader": cluster.leader.name if cluster.leader else "",
        "members": sorted(cluster.members),
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
