# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes a running cluster: a switchover, and the rolling restart of the members that wait for one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.patroni import cluster as state
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Client, PatroniError
from ansible_collections.golive.delivery.plugins.module_utils.patroni.cluster import Cluster, Member

# A parameter that was raised and one that was lowered in the same run need three: replicas, primary, replicas.
_ROUNDS = 4


@dataclass
class Limits:
    """How long things may take, in seconds, and how far behind a replica may be, in bytes."""

    restart: float = 300.0
    catch_up: float = 300.0
    switchover: float = 60.0
    lag_bytes: int = 1048576


@dataclass
class Done:
    """What was done, in its order."""

    restarted: list[str] = field(default_factory=list)
    switchovers: list[dict[str, Any]] = field(default_factory=list)


def is_synchronous(client: Client) -> bool:
    """Return whether the cluster replicates synchronously."""
    mode = client.ask_any("/config").data.get("synchronous_mode")
    return str(mode).lower() in ("true", "on", "yes", "1", "quorum")


def candidate(client: Client, cluster: Cluster, wanted: str | None, limits: Limits) -> Member:
    """Return the replica to switch over to; raise PatroniError that says why there is none.

    With synchronous replication only a synchronous replica has every acknowledged row.
    """
    leader = cluster.leader
    if leader is None:
        raise PatroniError(f"the cluster has no primary: {cluster.describe()}")
    if cluster.paused:
        raise PatroniError("Patroni is paused (patronictl resume ends that)")
    if wanted is not None:
        if wanted not in cluster.members:
            raise PatroniError(f"{wanted} is no member of the cluster; there are {', '.join(cluster.members)}")
        if wanted == leader.name:
            raise PatroniError(f"{wanted} is the primary already")
    lags = state.streaming(client, leader.name)
    synchronous = is_synchronous(client)
    excuses = []
    fit = []
    for member in cluster.replicas:
        if wanted is not None and member.name != wanted:
            continue
        if not member.working:
            excuses.append(f"{member.name} is {member.state or 'not running'}")
        elif member.name not in lags:
            excuses.append(f"{member.name} does not stream from {leader.name}")
        elif lags[member.name] > limits.lag_bytes:
            excuses.append(f"{member.name} is {lags[member.name]} bytes behind")
        elif synchronous and not member.synchronous:
            excuses.append(f"{member.name} is no synchronous standby")
        else:
            fit.append((lags[member.name], member.name, member))
    if not fit:
        raise PatroniError(f"no healthy candidate: {'; '.join(excuses) or 'the primary has no replica'}")
    return min(fit)[2]


def switch_over(client: Client, old: str, new: str, limits: Limits) -> dict[str, Any]:
    """Make `new` the primary; return both names and the seconds until `new` took writes.

    Raises PatroniError when Patroni declines, or when another one became the primary.
    """
    begin = time.monotonic()
    body = {"leader": old, "candidate": new}
    answer = client.send("POST", new, "/switchover", body, limits.switchover)
    if not answer.fine:
        raise PatroniError(f"{new} declines the switchover: {answer.text[:300]}")

    def promoted() -> bool:
        return client.get(new, "/primary").fine

    state.wait_for(
        f"{new} to be the primary", limits.switchover, promoted, lambda: state.read(client).describe(), pause=0.1
    )
    return {"from": old, "to": new, "seconds": round(time.monotonic() - begin, 1)}


def restart(client: Client, member: Member, limits: Limits) -> None:
    """Restart the PostgreSQL of one member, if it still waits for it and still has its role."""
    role = "primary" if member.leads else "replica"
    if member.leads and client.get(member.name, "/patroni").data.get("role") == "master":
        role = "master"  # what Patroni before 4.0 compares with
    body = {"restart_pending": True, "role": role, "timeout": int(limits.restart)}
    answer = client.send("POST", member.name, "/restart", body, limits.restart + 30)
    if not answer.fine:
        raise PatroniError(f"{member.name} could not be restarted: {answer.text[:300]}")


def wait_until_back(client: Client, name: str, limits: Limits) -> None:
    """Wait until a replica streams again and has caught up, or a primary takes writes."""

    def back() -> bool:
        cluster = state.read(client)
        leader = cluster.leader
        if leader is None:
            return False
        if leader.name == name:
            return client.get(name, "/primary").fine
        return state.streaming(client, leader.name).get(name, limits.lag_bytes + 1) <= limits.lag_bytes

    state.wait_for(f"{name} to take part again", limits.catch_up, back, lambda: state.read(client).describe())


def wait_until_replayed(client: Client, name: str, limits: Limits) -> None:
    """Wait until a replica has replayed what its primary has written up to now."""
    leader = state.read(client).leader
    if leader is None:
        raise PatroniError(f"there is no primary for {name} to follow")
    here = client.get(leader.name, "/patroni").data.get("xlog", {}).get("location", 0)

    def replayed() -> bool:
        xlog = client.get(name, "/patroni").data.get("xlog", {})
        return bool((xlog.get("replayed_location") or 0) >= here)

    state.wait_for(f"{name} to replay what {leader.name} has written", limits.catch_up, replayed)


def rolling_restart(client: Client, limits: Limits, done: Done) -> None:
    """Restart every member that waits for it; `done` says how far that went, also when it ends with PatroniError.

    Replicas one at a time, then a switchover to one of them, which restarts the old primary. A parameter that a standby
    must not have lower than its primary cannot go down that way: a replica starts with the primary's value and goes on
    waiting. Then the primary is restarted in place, and the replicas follow.
    """
    for _round in range(_ROUNDS):
        cluster = state.read(client)
        waiting = [member for member in cluster.members.values() if member.pending_restart]
        if not waiting:
            return
        for member in waiting:
            if not member.leads:
                # A replica that was stopped before it replayed the primary's new values would keep the old ones.
                wait_until_replayed(client, member.name, limits)
                _restart_and_wait(client, member, limits, done)
        cluster = state.read(client)
        leader = cluster.leader
        if leader is None:
            raise PatroniError(f"the cluster lost its primary: {cluster.describe()}")
        # Replicas that go on waiting because of the primary follow in the next round, when it has the new values.
        if leader.pending_restart:
            _renew_primary(client, cluster, leader, limits, done)
    cluster = state.read(client)
    waiting_still = [member.name for member in cluster.members.values() if member.pending_restart]
    if waiting_still:
        raise PatroniError(f"still waiting for a restart after {_ROUNDS} rounds: {', '.join(waiting_still)}")


def _renew_primary(client: Client, cluster: Cluster, leader: Member, limits: Limits, done: Done) -> None:
    """Give the primary its new parameters: by a switchover to a replica that has them, else by a restart."""
    renewed = [member.name for member in cluster.replicas if member.working and not member.pending_restart]
    if not renewed:
        _restart_and_wait(client, leader, limits, done)
        return

    def fit() -> Member | None:
        now = state.read(client)
        if now.leader is None or now.leader.name != leader.name:
            raise PatroniError(f"the primary changed meanwhile: {now.describe()}")
        # After its restart a replica is made synchronous again within a loop of Patroni.
        for name in renewed:
            try:
                return candidate(client, now, name, limits)
            except PatroniError:
                continue
        candidate(client, now, None, limits)  # raises with the reasons, or there is one that was not renewed
        return None

    chosen: Member = state.wait_for("a replica to switch over to", limits.catch_up, fit)
    done.switchovers.append(switch_over(client, leader.name, chosen.name, limits))
    # The old primary starts as a replica, with its new parameters.
    done.restarted.append(leader.name)
    wait_until_back(client, leader.name, limits)
    _settle(client, leader.name)


def _restart_and_wait(client: Client, member: Member, limits: Limits, done: Done) -> None:
    done.restarted.append(member.name)
    restart(client, member, limits)
    wait_until_back(client, member.name, limits)
    _settle(client, member.name)


def _settle(client: Client, name: str) -> None:
    """Wait until the member's own word, which is newer than the store's, and the store agree on the restart."""

    def agreed() -> bool:
        own = bool(client.get(name, "/patroni").data.get("pending_restart"))
        known = state.read(client).members.get(name)
        return known is not None and known.pending_restart == own

    state.wait_for(f"{name} to report how it runs", 60, agreed)


def heartbeats(client: Client) -> dict[str, int]:
    """Return when each member that answers last saw the store, as that member counts time."""
    return {
        name: int(answer.data.get("dcs_last_seen") or 0)
        for name, answer in client.ask_all("/patroni").items()
        if not isinstance(answer, PatroniError)
    }


def wait_for_loops(client: Client, loops: int, seconds: float) -> None:
    """Wait until every member that answers has gone through its loop so often: it has then read what is new."""
    last = heartbeats(client)
    left = dict.fromkeys(last, loops)

    def gone_through() -> bool:
        for name, seen in heartbeats(client).items():
            if name in left and seen != last[name]:
                last[name] = seen
                left[name] -= 1
        return all(count <= 0 for count in left.values())

    state.wait_for("the members to read their configuration", seconds, gone_through, pause=0.3)
