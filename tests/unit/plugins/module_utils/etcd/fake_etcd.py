# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An etcd that lives in memory, behind the function that runs etcdctl."""

from __future__ import annotations

import base64
import json

from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import Etcdctl, Identity

OK = (0, "", "")


class FakeEtcd:
    """Users, roles and members; remembers each call."""

    def __init__(self) -> None:
        self.enabled = False
        self.passwords: dict = {}
        self.users: dict = {}
        self.roles: dict = {}
        self.members: list = []
        self.leader = 0
        self.down: set = set()
        self.trouble: list = []
        self.calls: list = []

    def etcdctl(self, endpoints=("https://a:2379",)) -> Etcdctl:
        return Etcdctl(self.run, Identity("/root.pem", "/root.key", "/ca.pem"), endpoints)

    def run(self, argv, environment, stdin):
        self.calls.append((list(argv), dict(environment), stdin))
        endpoints = next(word for word in argv if word.startswith("--endpoints=")).split("=", 1)[1].split(",")
        words = [
            word for word in argv[1:] if not word.startswith(("--endpoints", "--c", "--key=", "--dial", "--write"))
        ]
        if self.trouble and (words[0] == "move-leader" or (words[0] == "member" and words[1] != "list")):
            return 1, "", f"Error: {self.trouble.pop(0)}\n"
        return getattr(self, f"_{words[0].replace('-', '_')}")(endpoints, environment, stdin, *words[1:])

    def changes(self) -> list:
        """Return what was called and is no question, without flags of the connection."""
        lines = []
        for argv in [call[0] for call in self.calls]:
            words = [
                word for word in argv[1:] if not word.startswith(("--endpoints", "--c", "--key=", "--dial", "--write"))
            ]
            if words[:2] not in (
                ["user", "list"],
                ["role", "list"],
                ["user", "get"],
                ["role", "get"],
                ["member", "list"],
            ):
                lines.append(" ".join(words))
        return [line for line in lines if not line.startswith(("get ", "endpoint "))]

    # ---------------------------------------------------------------- users

    def _get(self, endpoints, environment, _stdin, *_words):
        if self.members and self._endpoint(endpoints, {}, None, "health")[0] != 0:
            return 1, "", "Error: context deadline exceeded\n"
        name, password = environment.get("ETCDCTL_USER"), environment.get("ETCDCTL_PASSWORD")
        if self.enabled and self.passwords.get(name) != password:
            return 1, "", '{"level":"warn"}\nError: etcdserver: authentication failed, invalid user ID or password\n'
        return (1, "", "Error: etcdserver: permission denied\n") if self.enabled else OK

    def _auth(self, *_words):
        assert "root" in self.users.get("root", [])
        self.enabled = True
        return OK

    def _user(self, _endpoints, _environment, stdin, action, name="", *more):
        if action == "list":
            return 0, json.dumps({"header": {}, **({"users": sorted(self.users)} if self.users else {})}), ""
        if action == "get":
            return 0, json.dumps({"header": {}, **({"roles": self.users[name]} if self.users[name] else {})}), ""
        if action in ("add", "passwd"):
            assert ("--no-password" in more) != (stdin is not None)
            self.users.setdefault(name, [])
            self.passwords[name] = stdin.strip() if stdin else None
        if action == "grant-role":
            assert more[0] in self.roles
            self.users[name] = sorted({*self.users[name], more[0]})
        if action == "revoke-role":
            self.users[name].remove(more[0])
        if action == "delete":
            del self.users[name]
        return OK

    def _role(self, _endpoints, _environment, _stdin, action, name="", *more):
        if action == "list":
            return 0, json.dumps({"header": {}, **({"roles": sorted(self.roles)} if self.roles else {})}), ""
        if action == "get":
            rights = [
                {"permType": kind, "key": _base64(key), **({"range_end": _base64(end)} if end else {})}
                for (key, end), kind in self.roles[name].items()
            ]
            return 0, json.dumps({"header": {}, **({"perm": rights} if rights else {})}), ""
        if action == "add":
            self.roles[name] = {}
        if action == "delete":
            del self.roles[name]
        if action == "grant-permission":
            self.roles[name][_keys(more[1:])] = ["read", "write", "readwrite"].index(more[0])
        if action == "revoke-permission":
            del self.roles[name][_keys(more)]
        return OK

    # ---------------------------------------------------------------- members

    def _endpoint(self, endpoints, _environment, _stdin, action, *_more):
        found = []
        for member in self.members:
            url = member["clientURLs"][0] if member.get("clientURLs") else ""
            if url in endpoints and member["ID"] not in self.down:
                status = {"header": {"member_id": member["ID"]}, "leader": self.leader, "raftTerm": 2, "raftIndex": 90}
                found.append({"Endpoint": url, "Status": {**status, "raftAppliedIndex": 90, "dbSize": 20480}})
        if action == "health":
            healthy = [{"endpoint": item["Endpoint"], "health": bool(self.leader)} for item in found]
            return (0 if len(found) == len(endpoints) and self.leader else 1), json.dumps(healthy), ""
        return 0 if len(found) == len(endpoints) else 1, json.dumps(found), "Error: context deadline exceeded\n"

    def _member(self, endpoints, _environment, _stdin, action, name="", *more):
        if action == "list":
            return 0, json.dumps({"header": {}, "members": self.members}), ""
        if action == "add":
            url = more[0].split("=", 1)[1]
            self.members.append({"ID": 0xD, "peerURLs": [url], "isLearner": "--learner" in more})
        if action == "remove":
            self.members = [member for member in self.members if member["ID"] != int(name, 16)]
        if action == "promote":
            # Of a follower etcd asks the leader without a user.
            assert endpoints == self.find(f"{self.leader:x}")["clientURLs"]
            self.find(name).pop("isLearner")
        if action == "update":
            self.find(name)["peerURLs"] = [more[0].split("=", 1)[1]]
        return OK

    def _move_leader(self, endpoints, _environment, _stdin, name):
        assert endpoints == self.find(f"{self.leader:x}")["clientURLs"]
        self.leader = int(name, 16)
        return OK

    def find(self, identifier):
        return next(member for member in self.members if member["ID"] == int(identifier, 16))


def cluster(*names: str) -> FakeEtcd:
    """Return a cluster in which all are healthy; the first leads. Identifiers are a, b, c..."""
    etcd = FakeEtcd()
    etcd.members = [
        {"ID": 10 + number, "name": name, "peerURLs": [f"https://{name}:2380"], "clientURLs": [f"https://{name}:2379"]}
        for number, name in enumerate(names)
    ]
    etcd.leader = 10
    return etcd


def _keys(words):
    key = words[0].encode()
    if "--prefix=true" in words:
        return key, key[:-1] + bytes([key[-1] + 1])
    if "--from-key=true" in words:
        return key, b"\0"
    return key, words[1].encode() if len(words) > 1 else b""


def _base64(text: bytes) -> str:
    return base64.b64encode(text).decode()
