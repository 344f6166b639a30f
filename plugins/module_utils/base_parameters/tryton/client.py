# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tryton's JSON-RPC over HTTP: one session, clear errors, no secret in any of them.

http.client and not urllib: a redirect or a proxy from the environment must never be handed the password.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import decimal
import gzip
import json
import socket
import ssl
import urllib.parse
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

from ..core.errors import BaseParametersError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ServerFailureError(BaseParametersError):
    """The server's program failed at a call, e.g. because it knows no such name."""


def _encode(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime.date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _decode(value: dict) -> Any:
    kind = value.get("__class__")
    if kind == "Decimal":
        return decimal.Decimal(value["decimal"])
    if kind == "date":
        return datetime.date(value["year"], value["month"], value["day"])
    return value


@dataclass
class Account:
    """Where to log in and as whom. ``timeout``: seconds to wait for an answer."""

    url: str
    database: str
    username: str
    password: str = field(repr=False)
    ca_path: str | None = None
    timeout: float = 120


class Client:
    """A session with one database. ``calls`` counts the requests sent."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.database = account.database
        self.username = account.username
        self.calls = 0
        self._secrets = [account.password]
        self._session = ""
        parts = urllib.parse.urlsplit(account.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
            raise BaseParametersError("url must be of the form https://host[:port], with no user or query in it")
        self.server = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._host = parts.hostname
        try:
            self._port = parts.port
        except ValueError as error:
            raise BaseParametersError(f"url: {error}") from error
        self._path = f"{parts.path.rstrip('/')}/{urllib.parse.quote(self.database, safe='')}/rpc/"
        self.loopback = self._host in _LOOPBACK
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            try:
                self._tls = ssl.create_default_context(cafile=account.ca_path)
            except OSError as error:
                raise BaseParametersError(f"ca_path: no certificates in {account.ca_path}: {error}") from error

    @property
    def encrypted(self) -> bool:
        """Whether the way to the server is encrypted."""
        return self._tls is not None

    def login(self, language: str) -> None:
        """Open the session. A refusal is never tried again: Tryton slows down and then locks the user out."""
        parameters = {"password": self.account.password}
        result = self.call("common.db.login", self.username, parameters, language)
        self._secrets.append(result[1])
        token = base64.b64encode(f"{self.username}:{result[0]}:{result[1]}".encode()).decode()
        self._secrets.append(token)
        self._session = token

    def logout(self) -> None:
        """End the session; a failure is of no consequence, the session expires by itself."""
        if self._session:
            with contextlib.suppress(BaseParametersError):
                self.call("common.db.logout")
            self._session = ""

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of one remote call; raises BaseParametersError."""
        self.calls += 1
        body = json.dumps({"id": self.calls, "method": method, "params": params}, default=_encode).encode()
        answer = self._answer(self._send(method, body))
        if "error" in answer:
            error = answer["error"]
            kind, details = (error[0], error[1]) if isinstance(error, list) and len(error) > 1 else (error, "")
            text = self._business_error(kind, details)
            # Else it is an error of the program with a traceback, which may hold values and is not shown.
            raise self._error(text) if text else self._error(f"the server failed: {kind}", ServerFailureError)
        return answer.get("result")

    def _send(self, method: str, body: bytes) -> bytes:
        """Return the body of the answer to one request."""
        headers = {"Content-Type": "application/json"}
        if self._session:
            headers["Authorization"] = f"Session {self._session}"
        timeout = self.account.timeout
        if self._tls:
            connection: HTTPConnection = HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)
        else:
            connection = HTTPConnection(self._host, self._port, timeout=timeout)
        try:
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            raise self._error(self._connection_error(error)) from None
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise self._error(self._http_error(response, content.decode(errors="replace"), method))
        return content

    def _connection_error(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the certificate of {self.server} is not trusted: {error.verify_message} (see ca_path)"
        if isinstance(error, socket.timeout):
            return f"{self.server} did not answer within {self.account.timeout:g} s"
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, (ConnectionRefusedError, socket.gaierror)):
            return f"cannot reach {self.server}: {reason}"
        return f"the connection to {self.server} failed: {reason}"

    def _answer(self, body: bytes) -> dict:
        # Tryton says gzip of long answers even when it sends them plain, so the body itself decides.
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        try:
            answer = json.loads(body, object_hook=_decode)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not ("result" in answer or "error" in answer):
            raise self._error(f"{self.server} does not answer as a Tryton server does (is the url right?)")
        return answer

    def _http_error(self, response: HTTPResponse, body: str, method: str) -> str:
        status = response.status
        if "doesn't exist" in body.replace("&#39;", "'"):
            status = HTTPStatus.NOT_FOUND
        refused = (
            f"the session of user {self.username} was ended by the server; run again"
            if self._session
            else f"user {self.username} or the password was refused by database {self.database}; it was tried "
            "once only, as Tryton locks a user out after some refusals"
        )
        texts = {
            HTTPStatus.UNAUTHORIZED: refused,
            HTTPStatus.TOO_MANY_REQUESTS: f"user {self.username} is locked out for some minutes after too many refused "
            "logins, even with the right password; wait, correct the password, run again",
            HTTPStatus.NOT_FOUND: f"{self.server} has no database {self.database} (or is not a Tryton server)",
            HTTPStatus.FORBIDDEN: f"user {self.username} may not call {method}",
        }
        if status in texts:
            return texts[status]
        if location := response.headers.get("Location"):
            return f"{self.server} sends on to {location}: give that as the url"
        if status >= HTTPStatus.BAD_GATEWAY:
            return f"the application behind {self.server} is not ready (HTTP {status})"
        return f"{self.server} answered HTTP {status}"

    def _business_error(self, kind: Any, details: Any) -> str:
        if kind == "UserError":
            return " ".join(str(part) for part in details[:2] if part)
        if kind == "UserWarning":
            return f"the server asks for a confirmation: {' '.join(str(part) for part in details[1:] if part)}"
        if kind == "LoginException":
            return f"the login of user {self.username} needs more than a password ({details[0]}): {details[1]}"
        if kind == "ConcurrencyException":
            return f"someone else changed the record at the same time: {details}; run again"
        return ""

    def _error(self, text: str, kind: type[BaseParametersError] = BaseParametersError) -> BaseParametersError:
        for secret in self._secrets:
            if secret:
                text = text.replace(secret, "********")
        return kind(text)
