# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program of the role app_server that waits for readiness, with a server and a systemctl of its own."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import pathlib
import threading
import time

import pytest

SOURCE = pathlib.Path(__file__).parents[3] / "roles/app_server/files/await_ready.py"
SPEC = importlib.util.spec_from_file_location("app_server_await_ready", SOURCE)
await_ready = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(await_ready)


@pytest.fixture
def server():
    """Return the address of a server that answers with the statuses in `server.statuses`, then with the last."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.server.statuses
            status = found.pop(0) if len(found) > 1 else found[0]
            self.send_response(status)
            if status in (301, 302):
                found.append(200)
                self.send_header("Location", "/login")
            self.end_headers()
            self.wfile.write(b"the database does not answer\n")

        def log_message(self, *_):
            pass

    httpd = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    httpd.url = f"http://127.0.0.1:{httpd.server_port}/readyz"
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """Return a function that sets what systemctl says of a process: its state and for how long it runs."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(await_ready, "DELAY", 0.05)

    def say(state: str, age: float, restarts: int = 0):
        started = int((time.clock_gettime(time.CLOCK_MONOTONIC) - age) * 1e6)
        lines = {
            "ActiveState": state,
            "SubState": "auto-restart" if state != "active" else "running",
            "ExecMainStartTimestampMonotonic": started,
            "NRestarts": restarts,
            "ExecMainStatus": 3,
            "Result": "exit-code",
        }
        text = "\\n".join(f"{key}={value}" for key, value in lines.items())
        path = tmp_path / "systemctl"
        path.write_text(f"#!/bin/sh\nprintf '{text}\\n'\n", encoding="utf-8")
        path.chmod(0o755)

    return say


def ask(url="", timeout=1, settle=5, **more):
    """Return what the program is asked: `url` is that of web, worker has none."""
    ready = {"web": {"url": url, "timeout": timeout, **more}} if url else {}
    return {"application": "shop", "ready": ready, "settling": ["web", "worker"], "settle": settle}


def test_ready_after_a_while(server, systemctl):
    server.statuses = [503, 503, 200]
    systemctl("active", 60)
    assert await_ready.wait(ask(server.url, 10)) == ("", "")


def test_another_status(server, systemctl):
    server.statuses = [204]
    systemctl("active", 60)
    assert await_ready.wait(ask(server.url, status=204)) == ("", "")


def test_a_redirect_is_not_followed(server, systemctl):
    server.statuses = [302]
    systemctl("active", 60)
    assert await_ready.ask(server.url, 200).startswith("status 302 instead of 200")
    server.statuses = [301]
    assert await_ready.wait(ask(server.url, status=301)) == ("", "")


def test_never_ready(server, systemctl):
    server.statuses = [503]
    systemctl("active", 60)
    process, message = await_ready.wait(ask(server.url))
    assert process == "web"
    assert message == f"{server.url} was not ready in 1 s: status 503 instead of 200 the database does not answer"


def test_nobody_listens(systemctl):
    systemctl("active", 60)
    assert "refused" in await_ready.wait(ask("http://127.0.0.1:1/"))[1]


def test_a_process_that_dies_again_and_again(server, systemctl):
    server.statuses = [200]
    systemctl("activating", 1, restarts=4)
    process, message = await_ready.wait(ask(server.url))
    assert process == "web"
    assert message == "does not stay up: activating (auto-restart), result exit-code, exit status 3, 4 restarts"


def test_a_process_has_to_run_for_a_while(systemctl):
    systemctl("active", 4.5)
    began = time.monotonic()
    assert await_ready.wait(ask()) == ("", "")
    assert 0.4 < time.monotonic() - began < 3


def test_nothing_to_wait_for():
    assert await_ready.wait({"application": "shop", "ready": {}, "settling": [], "settle": 5}) == ("", "")


def test_main(monkeypatch, capsys, systemctl):
    systemctl("failed", 60)
    monkeypatch.setattr(await_ready, "TIMEOUT", 0)
    monkeypatch.setattr("sys.argv", ["-", json.dumps(ask())])
    assert await_ready.main() == 1
    assert json.loads(capsys.readouterr().out)["process"] == "web"
