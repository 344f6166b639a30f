# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way to call etcdctl: certificates in flags, users and passwords in the environment, answers as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

# Runs a program: argv, what to add to its environment, its standard input; returns code, output and error output.
Run = Callable[[Sequence[str], Mapping[str, str], Optional[str]], tuple[int, str, str]]

_TRY_AGAIN = ("revision in header is old", "leader changed", "no leader")
_TRIES = 10
_SECONDS_BETWEEN = 0.5


class EtcdctlError(Exception):
    """etcdctl could not do what it was asked for; the text is etcd's reason."""


@dataclass(frozen=True)
class Identity:
    """Paths of a client certificate, its key and the authority's certificate."""

    certificate: str
    key: str
    ca: str


@dataclass(frozen=True)
class Answer:
    """What etcdctl said."""

    rc: int
    stdout: str
    stderr: str

    @property
    def reason(self) -> str:
        """Return the error without the log lines that the client library writes around it."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        plain = [line for line in lines if not line.startswith("{")]
        return " ".join(plain[-1:] or lines[-1:]).replace("Error: ", "", 1) or f"return code {self.rc}"


class Etcdctl:
    """etcdctl with an identity and the endpoints to ask."""

    def __init__(self, run: Run, identity: Identity, endpoints: Sequence[str], seconds: float = 5) -> None:
        self.run = run
        self.identity = identity
        self.endpoints = list(endpoints)
        self._seconds = seconds

    def at(self, endpoints: Sequence[str], seconds: float | None = None) -> Etcdctl:
        """Return the same with other endpoints and perhaps another patience."""
        return Etcdctl(self.run, self.identity, endpoints, seconds or self._seconds)

    def call(self, *arguments: str, user: tuple[str, str] | None = None, stdin: str | None = None) -> Answer:
        """Call etcdctl and return its answer, good or bad.

        `user` is a name and a password; without it the common name of the certificate is the user.
        """
        argv = [
            "etcdctl",
            f"--endpoints={','.join(self.endpoints)}",
            f"--cert={self.identity.certificate}",
            f"--key={self.identity.key}",
            f"--cacert={self.identity.ca}",
            f"--dial-timeout={min(2.0, self._seconds):g}s",
            f"--command-timeout={self._seconds:g}s",
            *arguments,
        ]
        environment = {"ETCDCTL_API": "3"}
        if user:
            environment.update({"ETCDCTL_USER": user[0], "ETCDCTL_PASSWORD": user[1]})
        return Answer(*self.run(argv, environment, stdin))

    def do(self, *arguments: str, stdin: str | None = None) -> Answer:
        """Call etcdctl; raise EtcdctlError with etcd's reason when it fails."""
        answer = self.call(*arguments, stdin=stdin)
        for _unused in range(_TRIES):
            # Another member had not seen the last change of users or of the leader yet; nothing has been done.
            if answer.rc == 0 or not any(reason in answer.stderr for reason in _TRY_AGAIN):
                break
            time.sleep(_SECONDS_BETWEEN)
            answer = self.call(*arguments, stdin=stdin)
        if answer.rc != 0:
            raise EtcdctlError(f"etcdctl {' '.join(arguments[:2])}: {answer.reason}")
        return answer

    def ask(self, *arguments: str) -> dict[str, Any]:
        """Return the JSON that a command prints; raise EtcdctlError when it fails."""
        return _parse(self.do(*arguments, "--write-out=json"))

    def ask_each(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what a command says of each endpoint; those that do not answer may be missing."""
        answer = self.call(*arguments, "--write-out=json")
        if answer.rc != 0 and not answer.stdout.strip().startswith("["):
            return []
        return _parse(answer) or []


def _parse(answer: Answer) -> Any:
    # A newer client may print a line about itself before the JSON.
    lines = [line for line in answer.stdout.splitlines() if line.startswith(("{", "["))]
    try:
        return json.loads(lines[-1])
    except (IndexError, ValueError) as exc:
        raise EtcdctlError(f"etcdctl printed no JSON: {answer.stdout[:200]!r}") from exc


def url(address: str, port: int) -> str:
    """Return the address of a member's client or peer side."""
    return f"https://[{address}]:{port}" if ":" in address else f"https://{address}:{port}"
