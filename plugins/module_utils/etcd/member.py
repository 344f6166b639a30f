# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the member of this host into its cluster, and takes others out of it, without losing the quorum."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Callable, cast

from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import Etcdctl, url
from ansible_collections.golive.delivery.plugins.module_utils.etcd.local import Local
from ansible_collections.golive.delivery.plugins.module_utils.etcd.view import Member, View, look, statuses

# etcd changes its membership only when all have been connected for 5 s, and promotes a learner when it has caught up.
_TRY_AGAIN = (
    "unhealthy cluster",
    "in sync with leader",
    "too many learner",
    "leader changed",
    "no leader",
    "not leader",
    "revision in header is old",
    "timed out",
    "deadline exceeded",
    "connection refused",
    # Done already, though the member that was asked for the list did not know it yet.
    "not found",
    "already exist",
    "can only promote a learner",
)
_SECONDS_BETWEEN = 0.5


class MemberError(Exception):
    """What was asked for would lose the quorum, or did not come about."""


@dataclass
class Cluster:
    """The declaration, the way to ask, and the member on this host."""

    etcdctl: Etcdctl
    local: Local
    name: str
    members: list[dict[str, str]]
    client_port: int
    peer_port: int
    token: str
    timeout: float
    check_mode: bool
    actions: list[str] = field(default_factory=list)

    # ---------------------------------------------------------------- the states of the module

    def form(self) -> None:
        """Start this member as one of a new cluster, without waiting for the others."""
        if self.local.has_data:
            self.start(wait=False)
            return
        if self._note(f"start {self.name} as a member of a new cluster"):
            aside = self.local.put_data_aside()
            if aside:
                self.actions.append(f"rename data without a log to {aside}")
            cluster = {member["name"]: self._peer_url(member) for member in self.members}
            self.local.permit_join(cluster, self.token, "new")
            self.local.restart()

    def start(self, wait: bool) -> None:
        """Start a member that has its data and is down; with `wait` see that it is healthy."""
        if not self.local.running:
            if self._note(f"start {self.name}"):
                self.local.restart()
        # One that is not healthy counts for no quorum: new files may be what it needs.
        elif self.local.stale(self.etcdctl.identity.ca) and not self._healthy() and self._note(f"restart {self.name}"):
            self.local.restart()
        if not wait or self.check_mode:
            return
        self._until_healthy()
        # A later step restarts one whose files are newer: they have proved nothing yet.
        if not self.local.stale(self.etcdctl.identity.ca):
            self._settle()

    def lead(self) -> None:
        """Take the lead from a member that is to leave: its host may not let in those that are to join."""
        view = self._view()
        entry = self._entry(view)
        if not entry:
            raise MemberError(f"etcd_members: {self.name} is not a member of the cluster.")
        if view.leader != entry.id and self._note(f"let {self.name} lead"):
            self._insist(lambda view: view.leader == entry.id, "move-leader", entry.id)

    def join(self) -> None:
        """Make this host a member: as a learner first, which counts for no quorum until it has caught up."""
        view = self._view()
        entry = self._entry(view)
        if entry and self.local.has_data and not entry.learner and entry.peer_urls == [self._my_peer_url]:
            return self.start(wait=True)
        if entry and self.local.has_data and not entry.learner:
            return self._move(entry)
        if not self._note(f"add {self.name} to the cluster"):
            return None
        if not (entry and entry.learner and self.local.has_data):
            entry = self._enter(entry)
        if not self.local.running:
            self.local.restart()
        self._until("answer", lambda: bool(statuses(self._mine())))
        if entry.learner:
            self._insist(lambda view: self._is(view, entry.id, learner=False), "member", "promote", entry.id)
        self._until_healthy()
        return self._settle()

    def restart(self) -> None:
        """Restart with new files while all others are healthy; put the old files back if it does not come up."""
        view = self._view()
        others = [member for member in view.members if member.name != self.name]
        silent = [member.name or member.id for member in others if not member.healthy]
        if silent:
            raise MemberError(
                f"etcd_members: {self.name} is not restarted while {', '.join(silent)} does not answer, because the"
                " cluster would stop. Its new configuration is on disk and waits. Bring the member back, or take it"
                " off the list, and run again."
            )
        if not self._note(f"restart {self.name}"):
            return
        self.local.restart()
        try:
            self._until_healthy()
        except MemberError as exc:
            if not self.local.put_back():
                raise
            self.local.restart()
            self._until_healthy()
            raise MemberError(f"{exc} The previous configuration is back, and the member runs with it.") from exc
        self._settle()

    def remove(self, identifiers: Sequence[str], after_all: bool) -> None:
        """Take members out; with `after_all` only when every declared one is healthy."""
        view = self._view()
        if after_all:
            healthy = {member.name for member in view.members if member.healthy and not member.learner}
            silent = [member["name"] for member in self.members if member["name"] not in healthy]
            if silent:
                raise MemberError(f"etcd_members: nobody is removed while {', '.join(silent)} is not a healthy member.")
        for member in [member for member in view.members if member.id in identifiers]:
            if self._note(f"remove {member.name or member.id} from the cluster"):
                self._leave(member.id)

    # ---------------------------------------------------------------- steps

    def _enter(self, entry: Member | None) -> Member:
        """Tell the cluster of this host and allow it to begin without data; return its entry."""
        self.local.stop()
        if entry and entry.name:
            self._leave(entry.id)
        aside = self.local.put_data_aside()
        if aside:
            self.actions.append(f"rename data that is no longer the cluster's to {aside}")
        view = self._insist(
            lambda view: self._entry(view) is not None,
            *("member", "add", self.name, f"--peer-urls={self._my_peer_url}", "--learner"),
        )
        entry = cast(Member, self._entry(view))
        # A member that never started has no name yet; etcd compares addresses.
        cluster = {
            self.name if member.id == entry.id else member.name or member.id: ",".join(member.peer_urls)
            for member in view.members
        }
        self.local.permit_join(cluster, self.token, "existing")
        return entry

    def _leave(self, identifier: str) -> None:
        """Take a member out."""
        self._insist(lambda view: not self._is(view, identifier), "member", "remove", identifier, but=[identifier])

    def _move(self, entry: Member) -> None:
        """Tell the cluster the new address of a member that has its data."""
        if self._note(f"change the address of {self.name} to {self._my_peer_url}"):
            self._insist(
                lambda view: any(self._my_peer_url in member.peer_urls for member in view.members),
                *("member", "update", entry.id, f"--peer-urls={self._my_peer_url}"),
            )
            self.local.restart()
            self._until_healthy()
            self._settle()

    def _insist(self, done: Callable[[View], bool], *arguments: str, but: Sequence[str] = ()) -> View:
        """Change the membership, and try again while etcd says that the time has not come; return the view afterwards.

        A promotion is the leader's: what a follower passes on to it comes without a user, and is refused. A change of
        the leader is the leader's too. Members that are to leave, `but`, are not asked.
        """
        deadline = time.monotonic() + self.timeout
        problem = "no leader answers"
        while True:
            view = look(self.etcdctl)
            if view.leader and done(view):
                return view
            if time.monotonic() > deadline:
                raise MemberError(f"{' '.join(arguments[:2])} did not come about: {problem}")
            able = [found for found in view.statuses if not found.learner and found.id not in but]
            if "promote" in arguments or "move-leader" in arguments:
                able = [found for found in able if found.id == view.leader]
            if view.leader and able:
                answer = self.etcdctl.at([found.endpoint for found in able], seconds=15).call(*arguments)
                problem = answer.reason
                if answer.rc == 0:
                    continue
                if not any(reason in answer.stderr for reason in _TRY_AGAIN):
                    raise MemberError(f"etcdctl {' '.join(arguments[:2])}: {problem}")
            time.sleep(_SECONDS_BETWEEN)

    def _until_healthy(self) -> None:
        """Wait for a linearizable read through this member, which proves leader, quorum and that it has caught up."""
        self._until("become healthy", self._healthy)

    def _healthy(self) -> bool:
        # Since 3.5 `endpoint health` fails while there is an alarm, which a restart with another quota is to end.
        return self.local.is_new and self._mine().call("get", "golive", "--keys-only").rc == 0

    def _until(self, what: str, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self.timeout
        restarts = int(self.local.unit().get("NRestarts") or 0)
        while not done():
            unit = self.local.unit()
            # A configuration that etcd does not accept ends it at once, again and again.
            given_up = unit.get("ActiveState") == "failed" or int(unit.get("NRestarts") or 0) >= restarts + 2
            if given_up or time.monotonic() > deadline:
                raise MemberError(f"{self.name} did not {what}. etcd says: {self.local.reason()}")
            time.sleep(_SECONDS_BETWEEN)

    def _settle(self) -> None:
        if self.local.settle():
            self.actions.append(f"note that {self.name} is healthy with its configuration")

    # ---------------------------------------------------------------- what there is

    def _note(self, action: str) -> bool:
        """Note a change; return whether to make it."""
        self.actions.append(action)
        return not self.check_mode

    def _view(self) -> View:
        view = look(self.etcdctl)
        if not view.leader:
            raise MemberError(f"etcd_members: the cluster has no leader. {view.error}".rstrip())
        return view

    def _entry(self, view: View) -> Member | None:
        by_name = [member for member in view.members if member.name == self.name]
        by_url = [member for member in view.members if self._my_peer_url in member.peer_urls]
        return (by_name + by_url + [None])[0]

    @staticmethod
    def _is(view: View, identifier: str, learner: bool | None = None) -> bool:
        """Return whether a member is there, as a learner or as a voter if that is asked."""
        return any(member.id == identifier and learner in (None, member.learner) for member in view.members)

    def _peer_url(self, member: dict[str, str]) -> str:
        return url(member["address"], self.peer_port)

    @property
    def _me(self) -> dict[str, str]:
        return next(member for member in self.members if member["name"] == self.name)

    @property
    def _my_peer_url(self) -> str:
        return self._peer_url(self._me)

    def _mine(self) -> Etcdctl:
        return self.etcdctl.at([url(self._me["address"], self.client_port)])
