# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that is played: members with parameters, roles and failures, behind the client's one method."""

from __future__ import annotations

import json

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.patroni import cluster as state
from ansible_collections.golive.delivery.plugins.module_utils.patroni.client import Answer, Client, PatroniError

# Of these a replica never runs with less than its primary.
HOT_STANDBY = ("max_connections", "max_worker_processes")


class Played:
    """Three members, db1 the primary and db2 synchronous; every sleep of the code is one loop of Patroni."""

    def __init__(self, names=("db1", "db2", "db3")):
        self.config = {"ttl": 12, "synchronous_mode": True, "postgresql": {"parameters": {"max_connections": 100}}}
        self.leader = names[0]
        self.synchronous = names[1] if len(names) > 1 else None
        self.states = dict.fromkeys(names, "streaming")
        self.running = {name: dict(self.config["postgresql"]["parameters"]) for name in names}
        self.local = {name: {} for name in names}
        self.replayed = {name: dict(values) for name, values in self.running.items()}
        self.behind: set[str] = set()
        self.lags = dict.fromkeys(names, 0)
        self.silent: set[str] = set()
        self.extra_members: list[dict] = []
        self.strangers: list[str] = []
        self.broken: set[str] = set()
        self.declines: set[str] = set()
        self.paused = False
        self.refuses_for = 0
        self.open = False
        self.loops = 0
        self.log: list[str] = []

    @property
    def names(self):
        return list(self.states)

    def wanted(self, name):
        return {**self.config["postgresql"]["parameters"], **self.local[name]}

    def pending(self, name):
        return self.running[name] != self.wanted(name)

    def replay(self):
        """Replicas that are not behind know with which values their primary runs."""
        for name in self.names:
            if name not in self.behind and self.leader:
                self.replayed[name] = dict(self.running[self.leader])

    def start(self, name):
        """What a server runs with after a start."""
        values = self.wanted(name)
        if name != self.leader:
            for key in HOT_STANDBY:
                if key in values:
                    values[key] = max(values[key], self.replayed[name][key])
        self.running[name] = values

    def loop(self, *_arguments):
        """One loop: a synchronous standby is chosen among those that stream."""
        self.loops += 1
        self.behind.clear()
        self.replay()
        if self.synchronous is None or self.states[self.synchronous] not in state.WORKING:
            fit = [name for name in self.names if name != self.leader and self.states[name] in state.WORKING]
            self.synchronous = fit[0] if fit else None

    def answer(self, method, name, path, body, credentials):
        if name in self.silent:
            raise PatroniError(f"{name} does not answer: connection refused")
        if method != "GET" and not credentials and not self.open:
            return 401, "no auth header received"
        if method == "PATCH" and self.refuses_for > self.loops:
            return 401, "not authenticated"
        handler = getattr(self, f"_{method.lower()}_{path.strip('/')}")
        return handler(name, body)

    def _get_patroni(self, name, _body):
        leads = name == self.leader
        answer = {
            "role": "master" if leads else "replica",
            "state": self.states[name],
            "dcs_last_seen": self.loops,
            "database_system_identifier": "7000000000000000001",
            "patroni": {"version": "3.0.2", "scope": "main"},
            "xlog": {"location": 1000}
            if leads
            else {"replayed_location": 1000 - self.lags[name] - (name in self.behind)},
        }
        if self.pending(name):
            answer["pending_restart"] = True
        if leads:
            answer["replication"] = [
                {
                    "application_name": other,
                    "state": "streaming",
                    "sync_state": "sync" if other == self.synchronous else "async",
                }
                for other in [*self.names, *self.strangers]
                if other in self.strangers or (other != name and self.states[other] in state.WORKING)
            ] + [{"application_name": "pg_receivewal", "state": "catchup", "sync_state": "async"}]
        return 200, answer

    def _get_primary(self, name, _body):
        return (200 if name == self.leader else 503), {}

    def _get_cluster(self, _name, _body):
        members = [
            {
                "name": name,
                "role": "leader" if name == self.leader else "sync_standby" if name == self.synchronous else "replica",
                "state": "running" if name == self.leader else self.states[name],
                "timeline": 1,
                "lag": self.lags[name],
                **({"pending_restart": True} if self.pending(name) else {}),
            }
            for name in self.names
        ]
        return 200, {"members": members + self.extra_members, **({"pause": True} if self.paused else {})}

    def _get_config(self, _name, _body):
        return 200, json.loads(json.dumps(self.config))

    def _patch_config(self, _name, body):
        def patch(into, values):
            for key, value in values.items():
                if value is None:
                    into.pop(key, None)
                elif isinstance(value, dict) and isinstance(into.get(key), dict):
                    patch(into[key], value)
                else:
                    into[key] = value

        patch(self.config, body)
        self.log.append("patch")
        return 200, self.config

    def _post_restart(self, name, body):
        role = "master" if name == self.leader else "replica"
        if body["role"] != role or not self.pending(name):
            return 503, "restart conditions are not satisfied"
        self.log.append(f"restart {name}")
        if name in self.broken:
            self.states[name] = "start failed"
            return 503, "restart failed"
        self.replay()
        self.start(name)
        if name == self.leader:  # it writes down what it runs with, and the others have not seen that yet
            self.behind = {other for other in self.names if other != name}
        if name == self.synchronous:
            self.synchronous = None
        return 200, "restarted successfully"

    def _post_switchover(self, name, body):
        if not body:
            return 400, ""
        if name in self.declines:
            return 412, "switchover is not possible: no good candidates have been found"
        self.log.append(f"switchover {body['leader']} {body['candidate']}")
        old, self.leader = self.leader, body["candidate"]
        self.start(old)
        self.synchronous = None
        return 200, "Successfully switched over"


@pytest.fixture
def played(monkeypatch):
    """Return a function that makes a cluster and puts it behind every client."""

    def make(*names) -> Played:
        cluster = Played(names) if names else Played()

        def request(self, method, name, path, body, _seconds, credentials=True):
            self.url(name, path)
            status, answer = cluster.answer(method, name, path, body, credentials)
            text = answer if isinstance(answer, str) else json.dumps(answer)
            return Answer(status, text, answer if isinstance(answer, dict) else {})

        monkeypatch.setattr(Client, "_request", request)
        monkeypatch.setattr(state.time, "sleep", cluster.loop)
        return cluster

    return make


@pytest.fixture
def client():
    """Return a client of the members with these names."""

    def make(*names) -> Client:
        return Client(dict.fromkeys(names or ("db1", "db2", "db3"), "192.0.2.1"), 8008, None, "admin", "secret")

    return make
