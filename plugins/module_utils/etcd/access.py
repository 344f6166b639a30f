# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of etcd and what they may read and write: what is, what is declared, and the way from one to the other."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.golive.delivery.plugins.module_utils.etcd.etcdctl import Etcdctl, EtcdctlError

ROOT = "root"
_TYPES = {0: "read", 1: "write", 2: "readwrite"}
_FROM_KEY = b"\0"
_REFUSED = "authentication failed"


@dataclass(frozen=True)
class Permission:
    """A right on the keys from `key` to before `end`; an empty end is the one key."""

    kind: str
    key: bytes
    end: bytes

    @property
    def text(self) -> str:
        """Return the permission for people."""
        key = self.key.decode(errors="replace")
        if self.end == prefix_end(self.key):
            return f"{self.kind} {key}*"
        return f"{self.kind} {key}" + (f" to {self.end.decode(errors='replace')!r}" if self.end else "")


@dataclass
class State:
    """Users with their roles, roles with their permissions; for passwords only whether they are the declared ones."""

    enabled: bool = False
    users: dict[str, list[str]] = field(default_factory=dict)
    roles: dict[str, frozenset[Permission]] = field(default_factory=dict)
    passwords: dict[str, bool] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Return the state as it is shown in a difference."""
        shown: dict[str, Any] = {"authentication": self.enabled, "users": {}}
        for name, roles in sorted(self.users.items()):
            permissions = sorted(right.text for role in roles for right in self.roles.get(role, ()))
            shown["users"][name] = {"roles": sorted(roles), "permissions": permissions}
            if name in self.passwords:
                shown["users"][name]["password"] = "as declared" if self.passwords[name] else "another one"
        return shown


def prefix_end(key: bytes) -> bytes:
    """Return the end of the range of all keys that begin with this one, as etcd computes it."""
    stripped = key.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else _FROM_KEY


def problems(users: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is wrong with a declaration, without its secrets."""
    found = []
    names = [user["name"] for user in users]
    for name in sorted({name for name in names if names.count(name) > 1}):
        found.append(f"{name} is there twice")
    for user in users:
        name, password = user["name"], user["password"]
        if name == ROOT:
            found.append("root has no password, it comes in by its certificate")
        if not name or ":" in name or name != "".join(name.split()):
            found.append(f"{name!r}: a name has no colon and no space")
        if not password or password != "".join(password.split()):
            found.append(f"{name}: etcdctl reads a password up to the first space, so it has none and is not empty")
        if not user["prefixes"] or not all(user["prefixes"]):
            found.append(f"{name}: prefixes are needed, and none of them is empty")
    return found


class Access:
    """Reads and changes who may do what."""

    def __init__(self, etcdctl: Etcdctl, users: Sequence[Mapping[str, Any]], purge: bool) -> None:
        self._etcdctl = etcdctl
        self._users = {user["name"]: user for user in users}
        self._purge = purge

    def read(self) -> State:
        """Return what is; passwords are tried by logging in."""
        names = self._etcdctl.ask("user", "list").get("users") or []
        state = State(enabled=self._refuses("golive-nobody", secrets.token_hex(16)))
        for name in names:
            state.users[name] = sorted(self._etcdctl.ask("user", "get", name).get("roles") or [])
        roles = self._etcdctl.ask("role", "list").get("roles") or []
        for role in roles:
            if role != ROOT:
                rights = self._etcdctl.ask("role", "get", role).get("perm") or []
                state.roles[role] = frozenset(map(_permission, rights))
        if ROOT in roles:
            state.roles[ROOT] = frozenset()
        for name, user in self._users.items():
            if name in state.users:
                # While nobody has to log in etcd judges no password: those are set once more.
                state.passwords[name] = state.enabled and not self._refuses(name, user["password"])
        return state

    def wanted(self, now: State) -> State:
        """Return what is to be."""
        wanted = State(True, {ROOT: [ROOT]}, {ROOT: frozenset()})
        if not self._purge:
            wanted.users.update(now.users)
            wanted.roles.update(now.roles)
        wanted.users[ROOT] = sorted({ROOT, *wanted.users[ROOT]})
        for name, user in self._users.items():
            keys = [prefix.encode() for prefix in user["prefixes"]]
            wanted.users[name] = [name]
            wanted.roles[name] = frozenset(Permission("readwrite", key, prefix_end(key)) for key in keys)
            wanted.passwords[name] = True
        return wanted

    def change(self, now: State, wanted: State) -> None:
        """Make it so. Authentication is switched on when everybody who needs it can log in."""
        for role in wanted.roles:
            self._change_role(role, now.roles.get(role), wanted.roles[role])
        for name, roles in wanted.users.items():
            self._change_user(name, now, roles)
        if not now.enabled:
            self._etcdctl.do("auth", "enable")
        for name in set(now.users) - set(wanted.users):
            self._etcdctl.do("user", "delete", name)
        for role in set(now.roles) - set(wanted.roles):
            self._etcdctl.do("role", "delete", role)

    def _change_role(self, role: str, now: frozenset[Permission] | None, wanted: frozenset[Permission]) -> None:
        if now is None:
            self._etcdctl.do("role", "add", role)
            now = frozenset()
        for right in wanted - now:
            self._etcdctl.do("role", "grant-permission", role, right.kind, *_range(right))
        granted = {(right.key, right.end) for right in wanted}
        for right in now - wanted:
            # Another kind of right on the same keys has been replaced by the grant.
            if (right.key, right.end) not in granted:
                self._etcdctl.do("role", "revoke-permission", role, *_range(right))

    def _change_user(self, name: str, now: State, roles: Sequence[str]) -> None:
        has = now.users.get(name, [])
        declared = self._users.get(name)
        if name not in now.users:
            if declared:
                self._etcdctl.do("user", "add", name, "--interactive=false", stdin=f"{declared['password']}\n")
            else:
                self._etcdctl.do("user", "add", name, "--no-password")
        elif declared and not now.passwords[name]:
            self._etcdctl.do("user", "passwd", name, "--interactive=false", stdin=f"{declared['password']}\n")
        for role in set(roles) - set(has):
            self._etcdctl.do("user", "grant-role", name, role)
        for role in set(has) - set(roles):
            self._etcdctl.do("user", "revoke-role", name, role)

    def _refuses(self, name: str, password: str) -> bool:
        """Return whether etcd refuses this user with this password; without authentication it refuses nobody."""
        answer = self._etcdctl.call("get", "golive", "--keys-only", "--limit=1", user=(name, password))
        if answer.rc == 0 or "permission denied" in answer.stderr:
            return False
        if _REFUSED in answer.stderr:
            return True
        raise EtcdctlError(f"etcdctl get: {answer.reason}")


def _permission(right: Mapping[str, Any]) -> Permission:
    kind = right.get("permType", 0)
    return Permission(
        kind=_TYPES.get(kind, str(kind)).lower(),
        key=base64.b64decode(right.get("key") or ""),
        end=base64.b64decode(right.get("range_end") or ""),
    )


def _range(right: Permission) -> list[str]:
    """Return the keys of a permission as arguments."""
    key, end = right.key.decode(), right.end
    if not end:
        return [key]
    if end == _FROM_KEY:
        return [key, "--from-key=true"]
    return [key, "--prefix=true"] if end == prefix_end(right.key) else [key, end.decode()]
