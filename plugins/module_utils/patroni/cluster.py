# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as its members describe it: who leads, who follows, how far behind, who waits for a restart."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Client, PatroniError

# Patroni before 4.0 says "running" of a replica that streams as well; before 4.0 a primary is called "master".
WORKING = ("running", "streaming")
PRIMARY_ROLES = ("leader", "master", "primary")
SYNCHRONOUS_ROLES = ("sync_standby", "quorum_standby")
# A member that was stopped in order, or never came up, takes no part in anything.
GONE = ("stopped", "")
# Its data directory is just being filled.
BEING_MADE = ("creating replica", "initializing new cluster", "running custom bootstrap script")


@dataclass(frozen=True)
class Member:
    """One member as the cluster's own store knows it; `lag` in bytes, None when nobody knows."""

    name: str
    role: str
    state: str
    timeline: int | None
    lag: int | None
    pending_restart: bool

    @property
    def working(self) -> bool:
        """Return whether its PostgreSQL takes part in replication."""
        return self.state in WORKING

    @property
    def leads(self) -> bool:
        """Return whether it holds the leader's lock."""
        return self.role in PRIMARY_ROLES

    @property
    def synchronous(self) -> bool:
        """Return whether an acknowledged commit is on it as well."""
        return self.role in SYNCHRONOUS_ROLES


@dataclass(frozen=True)
class Cluster:
    """All members by name; `paused` while failover is switched off."""

    members: dict[str, Member]
    paused: bool

    @property
    def leader(self) -> Member | None:
        """Return the member that holds the leader's lock, if any."""
        return next((member for member in self.members.values() if member.leads), None)

    @property
    def replicas(self) -> list[Member]:
        """Return the others."""
        return [member for member in self.members.values() if not member.leads]

    def describe(self) -> str:
        """Return all of it in one line for a message."""
        words = [f"{member.name} {member.role} {member.state or 'unknown'}" for member in self.members.values()]
        return ", ".join(words) or "no members"


def read(client: Client) -> Cluster:
    """Return the cluster as any member describes it; raise PatroniError when none answers."""
    return parse(client.ask_any("/cluster").data)


def parse(data: dict[str, Any]) -> Cluster:
    """Return the cluster of an answer to /cluster."""
    members = [
        Member(
            name=str(item.get("name")),
            role=str(item.get("role", "")),
            state=str(item.get("state", "")),
            timeline=item.get("timeline"),
            # Patroni 4 also gives the lag of receiving and of replaying; "unknown" is a text.
            lag=item["lag"] if isinstance(item.get("lag"), int) else None,
            pending_restart=bool(item.get("pending_restart")),
        )
        for item in data.get("members", [])
    ]
    return Cluster({member.name: member for member in members}, bool(data.get("pause")))


def streaming(client: Client, leader: str) -> dict[str, int]:
    """Return the replicas that stream from the leader: what each lacks in bytes, by name.

    Asked of the servers themselves, as the store is up to a loop old.
    """
    answer = client.get(leader, "/patroni").data
    here = answer.get("xlog", {}).get("location", 0)
    names = [row.get("application_name") for row in answer.get("replication") or [] if row.get("state") == "streaming"]
    lags = {}
    for name in names:
        if name not in client.members:
            continue
        try:
            xlog = client.get(name, "/patroni").data.get("xlog", {})
        except PatroniError:
            continue  # it is just being restarted
        lags[name] = max(0, here - (xlog.get("replayed_location") or 0))
    return lags


def wait_for(
    what: str,
    seconds: float,
    happened: Callable[[], Any],
    now: Callable[[], str] | None = None,
    pause: float = 0.5,
) -> Any:
    """Return the first true result of `happened`; raise PatroniError with `what` and what is seen instead.

    A member that does not answer is waited for like everything else.
    """
    deadline = time.monotonic() + seconds
    excuse = ""
    while True:
        try:
            result = happened()
            excuse = ""
            if result:
                return result
        except PatroniError as exc:
            excuse = str(exc)
        if time.monotonic() >= deadline:
            break
        time.sleep(pause)
    if not excuse and now:
        try:
            excuse = now()
        except PatroniError as exc:
            excuse = str(exc)
    raise PatroniError(f"waited {seconds:.0f} s for {what}" + (f"; now: {excuse}" if excuse else ""))
