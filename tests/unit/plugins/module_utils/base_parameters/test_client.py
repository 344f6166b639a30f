# Copyright (c) 2026, The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against a small server on loopback: errors, secrets, no second try."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.core.errors import BaseParametersError
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.backend import TrytonBackend
from ansible_collections.golive.delivery.plugins.module_utils.base_parameters.tryton.client import Account, Client

PASSWORD = "Very-Secret-77"
TOKEN = "token-of-the-session"
LOGIN = (200, {"result": [1, TOKEN, None]}, {})


class Server:
    """Answers each request with the next of ``answers`` (status, body, headers) and counts them."""

    def __init__(self, *answers: tuple) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str, dict]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append((self.path, self.headers.get("Authorization", ""), body))
                status, answer, headers = outer.answers.pop(0) if outer.answers else (500, "", {})
                content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self) -> Server:
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_args: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    def client(self, **more: object) -> Client:
        return Client(Account(self.url, "erp", "admin", PASSWORD, **more))


def failure(*answers: tuple, logged_in: bool = False) -> tuple[str, Server]:
    """Return the text of the error that the last answer leads to."""
    with Server(*([LOGIN] if logged_in else []), *answers) as server:
        client = server.client()
        if logged_in:
            client.login("en")
        with pytest.raises(BaseParametersError) as caught:
            if logged_in:
                client.call("model.party.party.create", [{}], {})
            else:
                client.login("en")
        return str(caught.value), server


def test_a_session_logs_in_once_and_out():
    with Server(LOGIN, (200, {"result": [5]}, {}), (200, {"result": None}, {})) as server:
        client = server.client()
        client.login("en")
        assert client.call("model.party.party.search", [], {}) == [5]
        client.logout()
        client.logout()
    paths, authorizations, bodies = zip(*server.requests)
    assert set(paths) == {"/erp/rpc/"}
    assert [body["method"] for body in bodies] == ["common.db.login", "model.party.party.search", "common.db.logout"]
    assert authorizations[0] == "" and authorizations[1].startswith("Session ")
    assert client.calls == 3


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, "user admin or the password was refused by database erp"), (429, "user admin is locked out")],
)
def test_a_refused_login_is_not_tried_again(status, expected):
    text, server = failure((status, "<html>no</html>", {}), LOGIN)
    assert expected in text and PASSWORD not in text
    assert len(server.requests) == 1


def test_a_session_that_ended_is_not_called_a_wrong_password():
    text, _server = failure((401, "", {}), logged_in=True)
    assert "session of user admin was ended" in text


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((404, "", {}), "has no database erp"),
        ((503, "Database &#39;erp.sqlite&#39; doesn&#39;t exist!", {}), "has no database erp"),
        ((503, "", {}), "is not ready (HTTP 503)"),
        ((500, "", {}), "answered HTTP 500"),
        ((200, "<html>a web page</html>", {}), "does not answer as a Tryton server"),
        (
            (200, {"error": ["LoginException", ["sms", "Code", "char"]]}, {}),
            "more than a password (sms)",
        ),
        ((200, {"error": ["'res.user'", ""]}, {}), "the server failed: 'res.user'"),
    ],
)
def test_what_stops_a_login_is_said_clearly(answer, expected):
    text, _server = failure(answer)
    assert expected in text


def test_a_redirect_is_not_followed():
    with Server() as other:
        text, _server = failure((307, "", {"Location": f"{other.url}/erp/rpc/"}))
    assert f"sends on to {other.url}/erp/rpc/: give that as the url" in text
    assert not other.requests


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (["UserError", ["The code must be unique.", "Use another.", None]], "The code must be unique. Use another."),
        (["UserWarning", ["name", "Really?", ""]], "the server asks for a confirmation: Really?"),
        (["ConcurrencyException", "Record was modified"], "someone else changed the record at the same time"),
        (["'nofield'", "Traceback: secret value"], "the server failed: 'nofield'"),
    ],
)
def test_business_errors(error, expected):
    text, _server = failure((200, {"error": error}, {}), logged_in=True)
    assert expected in text and "Traceback" not in text


def test_secrets_are_not_in_an_error_even_if_the_server_says_them():
    text, _server = failure((200, {"error": ["UserError", [f"{PASSWORD} {TOKEN}", "", None]]}, {}), logged_in=True)
    assert PASSWORD not in text and TOKEN not in text
    assert PASSWORD not in repr(Account("http://x", "erp", "admin", PASSWORD))


def test_a_server_that_is_not_there():
    with Server() as server:
        url = server.url
    with pytest.raises(BaseParametersError, match=r"cannot reach http://127\.0\.0\.1"):
        Client(Account(url, "erp", "admin", PASSWORD)).login("en")


@pytest.mark.parametrize(
    "url", ["erp.example.com", "ftp://x", "https://u:p@x", "https://", "http://x:port", "http://x?a"]
)
def test_a_malformed_url_is_refused(url):
    with pytest.raises(BaseParametersError, match="url"):
        Client(Account(url, "erp", "admin", PASSWORD))


def test_a_missing_ca_file_is_refused(tmp_path):
    with pytest.raises(BaseParametersError, match=r"ca_path: no certificates in"):
        Client(Account("https://x", "erp", "admin", PASSWORD, ca_path=str(tmp_path / "none.pem")))


@pytest.mark.parametrize(("url", "warned"), [("http://x", True), ("https://x", False), ("http://127.0.0.1:1", False)])
def test_a_password_in_the_clear_is_warned_of(url, warned):
    backend = TrytonBackend(Client(Account(url, "erp", "admin", PASSWORD)))
    assert bool(backend.warnings) is warned
