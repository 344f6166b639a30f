# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""http against servers of the standard library."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
import time
from typing import ClassVar

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.checks import definition


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path."""

    delays: ClassVar[list[float]] = []

    def do_GET(self) -> None:
        if self.delays:
            time.sleep(self.delays.pop())
        if self.path == "/slow":
            time.sleep(0.3)
        status = {"/moved": 301, "/broken": 503}.get(self.path, 200)
        body = f"status: ok\nhost: {self.headers['Host']}\n".encode()
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "https://app.test/login")
        self.send_header("Strict-Transport-Security", "max-age=31536000")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture
def web():
    servers = []

    def start(pair=None) -> int:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if pair:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*pair)
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.handle_error = lambda *arguments: None
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [
        ("/", {}, "pass"),
        ("/", {"body": "^host: 127.0.0.1:[0-9]+$"}, "pass"),
        ("/", {"body": "status: bad"}, "fail"),
        ("/", {"headers": {"strict-transport-security": "max-age=[0-9]{8}"}}, "pass"),
        ("/", {"headers": {"Strict-Transport-Security": "preload"}}, "fail"),
        ("/", {"headers": {"X-Missing": ".*"}}, "fail"),
        ("/broken", {}, "fail"),
        ("/broken", {"status": [200, 503]}, "pass"),
        ("/moved", {}, "fail"),
        ("/moved", {"redirect_to": "^https://app.test/"}, "pass"),
        ("/moved", {"redirect_to": "^https://app.test/", "status": 302}, "fail"),
        ("/moved", {"redirect_to": "^https://other.test/"}, "fail"),
        ("/", {"redirect_to": "."}, "fail"),
        ("/slow", {"max_seconds": 0.1}, "fail"),
        ("/", {"max_seconds": 4}, "pass"),
        ("/", {"method": "OPTIONS", "status": 501}, "pass"),
    ],
)
def test_answer(check, web, path, parameters, status):
    assert check("http", url=f"http://127.0.0.1:{web()}{path}", **parameters)["status"] == status


@pytest.mark.parametrize(
    ("path", "parameters", "status", "observed"),
    [
        ("/", {"p95_seconds": 2}, "pass", "95 % within 0."),
        ("/", {"p95_seconds": 0.00001}, "fail", "95 % within 0."),
        ("/broken", {"p95_seconds": 2}, "fail", "status 503 of request 1"),
        ("/broken", {"p95_seconds": 2, "status": [200, 503]}, "pass", "95 % within 0."),
    ],
)
def test_latency(check, web, path, parameters, status, observed):
    result = check("http_latency", url=f"http://127.0.0.1:{web()}{path}", requests=20, **parameters)
    assert result["status"] == status
    assert observed in result["observed"]


def test_one_slow_answer_of_twenty_is_forgiven_and_two_are_not(check, web):
    url = f"http://127.0.0.1:{web()}/"
    Handler.delays = [0.4] + [0] * 19
    assert check("http_latency", url=url, requests=20, p95_seconds=0.3)["status"] == "pass"
    Handler.delays = [0.4] * 2 + [0] * 18
    assert check("http_latency", url=url, requests=20, p95_seconds=0.3)["status"] == "fail"


def test_latency_of_few_requests_is_refused(check):
    with pytest.raises(definition.DefinitionsError, match="expected at least 20, got 5"):
        check("http_latency", url="http://127.0.0.1/", requests=5, p95_seconds=1)


def test_latency_of_nobody_is_a_failure(check):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = check("http_latency", url=f"http://127.0.0.1:{port}/", p95_seconds=1)
    assert (result["status"], result["observed"]) == ("fail", "request 1: connection refused")


def test_result_tells_what_was_seen(check, web):
    result = check("http", url=f"http://127.0.0.1:{web()}/broken", body="never")
    assert result["expected"] == "status 200; body matches 'never'"
    assert result["observed"] == "status 503; body differs"
    assert "HTTP 503 Service Unavailable" in result["evidence"]
    assert "status: ok" in result["evidence"]


def test_another_node_under_the_name_of_the_url(check, web, authority, leaf):
    url, target = "https://app.test/readyz", f"127.0.0.1:{web(leaf)}"
    result = check("http", url=url, connect_to=target, ca_path=authority.ca, body="^host: app.test$")
    assert result["status"] == "pass"
    assert "TLSv1.3" in result["evidence"]


@pytest.mark.parametrize(
    "case",
    [("app.test", False, "unable to get local issuer"), ("other.test", True, "not valid for 'other.test'")],
)
def test_certificate_is_always_verified(check, web, authority, leaf, case):
    host, trusted, words = case
    parameters = {"ca_path": authority.ca} if trusted else {}
    result = check("http", url=f"https://{host}/", connect_to=f"127.0.0.1:{web(leaf)}", **parameters)
    assert result["status"] == "fail"
    assert words in result["observed"]


def test_missing_ca_path_is_an_error(check, web, leaf):
    result = check("http", url=f"https://127.0.0.1:{web(leaf)}/", ca_path="/no/such/ca.pem")
    assert (result["status"], result["observed"]) == ("error", "ca_path /no/such/ca.pem does not exist")


def test_nobody_listens(check):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = check("http", url=f"http://127.0.0.1:{port}/")
    assert (result["status"], result["observed"]) == ("fail", "connection refused")


def test_server_that_never_answers_is_a_timeout(check, serve):
    gate = threading.Event()
    port = serve(lambda connection: gate.wait(5))
    result = check("http", {"timeout": 0.3}, url=f"http://127.0.0.1:{port}/")
    gate.set()
    assert (result["status"], result["observed"]) == ("error", "timed out after 0.3 s")


def test_server_that_speaks_no_http(check, serve):
    port = serve(lambda connection: connection.sendall(b"220 mail\r\n"))
    assert check("http", url=f"http://127.0.0.1:{port}/")["status"] == "fail"
