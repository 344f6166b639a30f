# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks over HTTP: http."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import Outcome, Verdict
from ansible_collections.golive.delivery.plugins.module_utils.checks.sockets import client_tls, connect, reason
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type

_STATUSES = range(100, 600)
_REDIRECTS = (301, 302, 303, 307, 308)
_BODY_LIMIT = 1024 * 1024  # bytes; the rest of a longer body is not looked at


def _rule(parameters: SimpleNamespace) -> Problem | None:
    if any(code not in _STATUSES for code in parameters.status or []):
        return Problem("parameters.status", f"expected HTTP status codes, got {parameters.status}")
    return None


@check_type(
    "http",
    Parameter("url", "url", required=True),
    Parameter("status", "integers"),
    Parameter("headers", "patterns"),
    Parameter("body", "pattern"),
    Parameter("ca_path", "path"),
    Parameter("method", "text", default="GET", choices=("GET", "HEAD", "OPTIONS")),
    Parameter("max_seconds", "seconds"),
    Parameter("connect_to", "endpoint"),
    Parameter("redirect_to", "pattern"),
    rule=_rule,
)
def http_check(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Make one request; certificates are verified, redirects and proxies are not followed."""
    verdict = Verdict()
    start = time.monotonic()
    try:
        response, body, tls_version = _request(parameters, context)
    except socket.timeout:
        raise context.expired() from None
    except (OSError, http.client.HTTPException) as exc:
        verdict.demand(False, f"an answer from {parameters.url}", reason(exc))
        return verdict.outcome()
    seconds = time.monotonic() - start

    wanted = parameters.status or (list(_REDIRECTS) if parameters.redirect_to else [200])
    verdict.demand(response.status in wanted, f"status {' or '.join(map(str, wanted))}", f"status {response.status}")
    if parameters.redirect_to:
        location = response.getheader("Location")
        verdict.demand(
            location is not None and parameters.redirect_to.search(location) is not None,
            f"Location matches {parameters.redirect_to.pattern!r}",
            "no Location" if location is None else f"Location {location}",
        )
    for name, pattern in (parameters.headers or {}).items():
        values = response.headers.get_all(name)
        text = ", ".join(values or [])
        verdict.demand(
            values is not None and pattern.search(text) is not None,
            f"header {name} matches {pattern.pattern!r}",
            f"header {name} is {text!r}" if values else f"no header {name}",
        )
    evidence = f"HTTP {response.status} {response.reason}, {len(body)} bytes in {seconds:.3f} s"
    if tls_version:
        evidence += f", {tls_version}"
    if parameters.body:
        text = body.decode(response.headers.get_content_charset("utf-8"), errors="replace")
        found = parameters.body.search(text) is not None
        verdict.demand(found, f"body matches {parameters.body.pattern!r}", "body matches" if found else "body differs")
        evidence += "" if found else f"; body begins: {text[:200]}"
    if parameters.max_seconds is not None:
        verdict.demand(
            seconds <= parameters.max_seconds, f"within {parameters.max_seconds:g} s", f"took {seconds:.3f} s"
        )
    return verdict.outcome(evidence)


def _request(parameters: SimpleNamespace, context: Context) -> tuple[http.client.HTTPResponse, bytes, str | None]:
    """Return the response, the beginning of its body and the TLS version; the name stays that of the URL."""
    url = urlsplit(parameters.url)
    secure = url.scheme == "https"
    host, port = str(url.hostname), url.port or (443 if secure else 80)
    raw = connect(*(parameters.connect_to or (host, port)), context)
    tls_version = None
    try:
        if secure:
            raw = client_tls(parameters.ca_path).wrap_socket(raw, server_hostname=host)
            tls_version = raw.version() if isinstance(raw, ssl.SSLSocket) else None
        connection = http.client.HTTPConnection(host, port)
        connection.sock = raw  # connected already, so that it may be another node than the name says
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        headers = {"Host": url.netloc, "User-Agent": "golive-technical-check", "Connection": "close"}
        connection.request(parameters.method, path, headers=headers)
        response = connection.getresponse()
        return response, response.read(_BODY_LIMIT), tls_version
    finally:
        raw.close()
