# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the members of a cluster say of themselves and of each other."""

from __future__ import annotations

import collections
import concurrent.futures
import re
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import Etcdctl, EtcdctlError


@dataclass(frozen=True)
class Status:
    """How one member sees the cluster; identifiers are hexadecimal, as etcdctl takes them."""

    id: str
    endpoint: str
    leader: str
    term: int
    index: int
    applied: int
    db_size: int
    learner: bool = False
    # NOSPACE and CORRUPT end all writes, and 3.4 calls the member healthy all the same.
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """One member that the cluster knows; `name` is empty until it has started for the first time."""

    id: str
    name: str
    peer_urls: list[str]
    client_urls: list[str]
    learner: bool
    answers: bool
    healthy: bool


@dataclass(frozen=True)
class View:
    """The cluster as seen by those who answer; `leader` is empty when there is no quorum."""

    leader: str = ""
    members: list[Member] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the view as data."""
        return asdict(self)


def quorum(number: int) -> int:
    """Return how many of so many voting members have to agree."""
    return number // 2 + 1


def statuses(etcdctl: Etcdctl) -> list[Status]:
    """Return the status of each endpoint that answers."""
    # etcdctl waits the whole of its time for each that does not, one after the other.
    there = listening(etcdctl.endpoints)
    return [_status(item) for item in etcdctl.at(there).ask_each("endpoint", "status")] if there else []


def listening(endpoints: Sequence[str], seconds: float = 2) -> list[str]:
    """Return the endpoints at which somebody accepts a connection within so many seconds."""

    def answers(endpoint: str) -> bool:
        parts = urlsplit(endpoint)
        try:
            with socket.create_connection((parts.hostname, parts.port), timeout=seconds):
                return True
        except OSError:
            return False

    with concurrent.futures.ThreadPoolExecutor(max(1, len(endpoints))) as pool:
        return [endpoint for endpoint, there in zip(endpoints, pool.map(answers, endpoints)) if there]


def look(etcdctl: Etcdctl) -> View:
    """Ask the given endpoints, and then the members that they name and that were not asked yet."""
    found = statuses(etcdctl)
    if not found:
        return View(error=f"nobody answers at {', '.join(etcdctl.endpoints)}")
    try:
        # A learner answers nothing but its status.
        able = [status for status in found if not status.learner]
        able = [status for status in able if status.leader != "0"] or able or found
        listed = etcdctl.at([status.endpoint for status in able]).ask("member", "list")["members"]
    except (EtcdctlError, KeyError) as exc:
        return View(statuses=found, error=str(exc))
    known = {status.id for status in found}
    others = [url for item in listed if _hex(item["ID"]) not in known for url in item.get("clientURLs", [])]
    others = [url for url in others if url not in etcdctl.endpoints]
    if others:
        found += [status for status in statuses(etcdctl.at(others)) if status.id not in known]
    by_id = {status.id: status for status in found}
    votes = collections.Counter(status.leader for status in found if status.leader != "0")
    leader = votes.most_common(1)[0][0] if votes else ""
    members = [
        Member(
            id=_hex(item["ID"]),
            name=item.get("name", ""),
            peer_urls=sorted(item.get("peerURLs", [])),
            client_urls=sorted(item.get("clientURLs", [])),
            learner=item.get("isLearner", False),
            answers=_hex(item["ID"]) in by_id,
            healthy=bool(leader) and by_id.get(_hex(item["ID"]), _NOBODY).leader == leader,
        )
        for item in listed
    ]
    voters = [member for member in members if not member.learner]
    if sum(member.healthy for member in voters) < quorum(len(voters)):
        leader = ""
    return View(leader, members, found)


def _status(item: dict[str, Any]) -> Status:
    status = item["Status"]
    return Status(
        id=_hex(status["header"]["member_id"]),
        endpoint=item["Endpoint"],
        leader=_hex(status.get("leader", 0)),
        term=status.get("raftTerm", 0),
        index=status.get("raftIndex", 0),
        applied=status.get("raftAppliedIndex", 0),
        db_size=status.get("dbSize", 0),
        learner=status.get("isLearner", False),
        # As "memberID:443629905751424238 alarm:NOSPACE ".
        alarms=tuple(re.findall(r"alarm:(\w+)", " ".join(status.get("errors") or []))),
    )


def _hex(identifier: int) -> str:
    return f"{identifier:x}"


_NOBODY = Status("", "", "", 0, 0, 0, 0)
