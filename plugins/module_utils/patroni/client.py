# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to the REST API of Patroni: verified TLS, no proxy, credentials only for what changes something."""

from __future__ import annotations

import base64
import concurrent.futures
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

_QUESTION_SECONDS = 5.0  # for an answer to a question; what changes something names its own limit


class PatroniError(Exception):
    """What a user has to know: who did not answer, what was refused, what did not happen in time."""


@dataclass(frozen=True)
class Answer:
    """An answer of one member: `text` is its body, `data` the same as JSON, or an empty dictionary."""

    status: int
    text: str
    data: Any

    @property
    def fine(self) -> bool:
        """Return whether the member did what it was asked."""
        return 200 <= self.status < 300


class Client:
    """Speaks to the members of one cluster; `members` are addresses by name, in the order in which they are asked."""

    def __init__(
        self,
        members: Mapping[str, str],
        port: int,
        ca_path: str | None,
        username: str | None = None,
        password: str | None = None,
        question_seconds: float = _QUESTION_SECONDS,
    ) -> None:
        self.members = dict(members)
        self._port = port
        self._question_seconds = question_seconds
        try:
            tls = ssl.create_default_context(cafile=ca_path)
        except (OSError, ssl.SSLError) as exc:
            raise PatroniError(f"the authority's certificate {ca_path} cannot be read: {exc}") from exc
        # The same answer from every Python: 3.13 alone would add the strict rules, which no other client applies.
        tls.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST
        # An empty ProxyHandler: the environment's proxy has no business between database hosts.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
        )
        self._authorization = None
        if username is not None and password is not None:
            token = base64.b64encode(f"{username}:{password}".encode()).decode()
            self._authorization = f"Basic {token}"

    def url(self, name: str, path: str = "") -> str:
        """Return the address of a member's API; raise PatroniError for a member that is not declared."""
        if name not in self.members:
            raise PatroniError(
                f"{name} is a member of the cluster, but not declared; declared are {', '.join(self.members)}"
            )
        address = self.members[name]
        return f"https://{f'[{address}]' if ':' in address else address}:{self._port}{path}"

    def get(self, name: str, path: str) -> Answer:
        """Ask one member; raise PatroniError when it does not answer. A status such as 503 is an answer."""
        return self._request("GET", name, path, None, self._question_seconds)

    def send(self, method: str, name: str, path: str, body: Mapping[str, Any], seconds: float) -> Answer:
        """Tell one member to do something; raise PatroniError when it does not answer or refuses the credentials."""
        answer = self._request(method, name, path, body, seconds)
        if answer.status in (401, 403):
            raise PatroniError(f"{name} refuses the user and password of the REST API ({answer.text[:200]})")
        return answer

    def attempt(self, method: str, name: str, path: str) -> Answer:
        """Send an empty request without credentials, whatever the client has; raise PatroniError without an answer."""
        return self._request(method, name, path, {}, self._question_seconds, credentials=False)

    def ask_any(self, path: str) -> Answer:
        """Return the first good answer; raise PatroniError with everybody's excuse when there is none."""
        excuses = []
        for name in self.members:
            try:
                answer = self.get(name, path)
            except PatroniError as exc:
                excuses.append(str(exc))
                continue
            if answer.fine:
                return answer
            excuses.append(f"{name} answers {path} with status {answer.status}")
        raise PatroniError(f"no member of the cluster answers: {'; '.join(excuses)}")

    def ask_all(self, path: str) -> dict[str, Answer | PatroniError]:
        """Ask every member at the same time; return the answer or the excuse of each, by name."""

        def ask(name: str) -> Answer | PatroniError:
            try:
                return self.get(name, path)
            except PatroniError as exc:
                return exc

        return in_parallel(ask, list(self.members))

    def _request(
        self,
        method: str,
        name: str,
        path: str,
        body: Mapping[str, Any] | None,
        seconds: float,
        credentials: bool = True,
    ) -> Answer:
        request = urllib.request.Request(
            self.url(name, path),
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Content-Type": "application/json", "User-Agent": "golive-delivery"},
        )
        if credentials and body is not None and self._authorization:
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            with self._opener.open(request, timeout=seconds) as response:
                return _answer(response.status, response.read())
        except urllib.error.HTTPError as exc:  # a status of 400 and above
            with exc:
                return _answer(exc.code, exc.read())
        except (OSError, http.client.HTTPException) as exc:
            reason = getattr(exc, "reason", None) or exc
            raise PatroniError(f"{name} ({self.url(name)}) does not answer: {reason}") from exc


def in_parallel(function: Callable[[str], Any], names: list[str]) -> dict[str, Any]:
    """Call the function with every name at the same time; return the results by name, in the order of the names."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        return dict(zip(names, pool.map(function, names)))


def _answer(status: int, body: bytes) -> Answer:
    text = body.decode(errors="replace").strip()
    try:
        data = json.loads(text)
    except ValueError:
        data = {}
    return Answer(status, text, data)
