# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks over HTTP: http, http_latency."""

from __future__ import annotations

import http.client
import math
import socket
import ssl
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

from ansible_collections.golive.delivery.plugins.module_utils.checks.context import Context
from ansible_collections.golive.delivery.plugins.module_utils.checks.outcome import Outcome, Verdict, judge
from ansible_collections.golive.delivery.plugins.module_utils.checks.sockets import client_tls, connect, reason
from ansible_collections.golive.delivery.plugins.module_utils.checks.spec import Parameter, Problem, check_type

_STATUSES = range(100, 600)
_REDIRECTS = (301, 302, 303, 307, 308)
_FEWEST_REQUESTS = 20
_BODY_LIMIT = 1024 * 1024  # bytes; the rest of a longer body is not looked at


def _rule(parameters: SimpleNamespace) -> Problem | None:
    if any(code not in _STATUSES for code in parameters.status or []):
        return Problem("parameters.status", f"expected HTTP status codes, got {parameters.status}")
    return None


def _latency_rule(parameters: SimpleNamespace) -> Problem | None:
    if parameters.requests < _FEWEST_REQUESTS:
        # Of fewer ones the 95th percentile is simply the slowest.
        return Problem("parameters.requests", f"expected at least {_FEWEST_REQUESTS}, got {parameters.requests}")
    return _rule(parameters)


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
        response, body, tls_version = request(parameters, context)
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


@check_type(
    "http_latency",
    Parameter("url", "url", required=True),
    Parameter("p95_seconds", "seconds", required=True),
    Parameter("requests", "integer", default=40),
    Parameter("status", "integers", default=[200]),
    Parameter("ca_path", "path"),
    Parameter("method", "text", default="GET", choices=("GET", "HEAD", "OPTIONS")),
    Parameter("connect_to", "endpoint"),
    rule=_latency_rule,
)
def http_latency(parameters: SimpleNamespace, context: Context) -> Outcome:
    """Make requests one after the other, a connection for each; 95 % of them are answered in time, all of them well."""
    taken: list[float] = []
    for number in range(1, parameters.requests + 1):
        start = time.monotonic()
        try:
            response = request(parameters, context)[0]
        except socket.timeout:
            raise context.expired() from None
        except (OSError, http.client.HTTPException) as exc:
            return judge(False, f"an answer from {parameters.url}", f"request {number}: {reason(exc)}")
        taken.append(time.monotonic() - start)
        if response.status not in parameters.status:
            expected = f"status {' or '.join(map(str, parameters.status))}"
            return judge(False, expected, f"status {response.status} of request {number}")
    taken.sort()
    # The nearest rank: the smallest time within which at least 95 % of the answers came.
    p95 = taken[math.ceil(len(taken) * 0.95) - 1]
    evidence = f"{len(taken)} requests: median {taken[len(taken) // 2]:.3f} s, slowest {taken[-1]:.3f} s"
    wanted = f"95 % of the answers within {parameters.p95_seconds:g} s"
    return judge(p95 <= parameters.p95_seconds, wanted, f"95 % within {p95:.3f} s", evidence)


def request(parameters: SimpleNamespace, context: Context) -> tuple[http.client.HTTPResponse, bytes, str | None]:
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
