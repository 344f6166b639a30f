# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The health pages of playbooks/files/tryton/erp_health.py, with a database that is played."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import threading
import time

import pytest

SOURCE = pathlib.Path(__file__).parents[3] / "playbooks/files/tryton/erp_health.py"
SPEC = importlib.util.spec_from_file_location("erp_health", SOURCE)
erp_health = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(erp_health)


class Database:
    """Stands for a PostgreSQL server and counts the connections to it."""

    def __init__(self, series="8.0", initialised=True):
        self.series, self.initialised = series, initialised
        self.up, self.hangs = True, None
        self.connections = []

    def connect(self):
        if not self.up:
            raise OSError("connection to server at 10.0.0.1 refused")
        self.connections.append(Connection(self))
        return self.connections[-1]

    def restart(self):
        for connection in self.connections:
            connection.dead = True


class Connection:
    def __init__(self, database):
        self.database, self.dead, self.closed = database, False, False

    def execute(self, query):
        if self.database.hangs:
            self.database.hangs.wait(5)
        if self.dead:
            raise OSError("server closed the connection unexpectedly")
        self.query = query
        return self

    def fetchone(self):
        return (self.database.initialised,) if "EXISTS" in self.query else (self.database.series,)

    def close(self):
        self.closed = True


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def drain_file(tmp_path):
    return tmp_path / "drain"


@pytest.fixture
def app(database, drain_file):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"application"]

    probe = erp_health.DatabaseProbe(database.connect, "8.0", timeout=0.3)
    return erp_health.Health(application, probe, str(drain_file))


def ask(app, path, method="GET"):
    """Status, headers and body of a request."""
    answer = {}

    def start_response(status, headers, exc_info=None):
        answer.update(status=int(status.split()[0]), headers=dict(headers))

    body = b"".join(app({"PATH_INFO": path, "REQUEST_METHOD": method}, start_response))
    return answer["status"], answer["headers"], body


def problems(app):
    status, headers, body = ask(app, "/readyz")
    content = json.loads(body)
    assert headers["Cache-Control"] == "no-store"
    assert content["ready"] is (status == 200)
    return status, " ".join(content["problems"])


def test_ready_over_one_kept_connection(app, database):
    assert [problems(app) for attempt in range(3)] == [(200, "")] * 3
    assert len(database.connections) == 1


def test_every_answer_names_its_node(app):
    for path in ("/", "/healthz", "/readyz"):
        assert ask(app, path)[1]["X-Served-By"] == erp_health.socket.gethostname()


def test_head_has_no_body(app):
    assert ask(app, "/readyz", "HEAD")[::2] == (200, b"")


def test_restarted_database_is_no_failure(app, database):
    problems(app)
    database.restart()
    assert problems(app) == (200, "")
    assert database.connections[0].closed


def test_without_database(app, database):
    problems(app)
    database.up = False
    database.restart()
    status, text = problems(app)
    assert (status, "cannot be reached" in text, "10.0.0.1" in text) == (503, True, False)
    assert ask(app, "/healthz")[0] == 200
    database.up = True
    assert problems(app) == (200, "")


def test_calls_get_503_at_once_and_pages_are_served(app, database):
    database.up = False
    assert ask(app, "/erp/rpc/", "POST")[2] == b"application"
    problems(app)
    status, headers, _body = ask(app, "/erp/rpc/", "POST")
    assert (status, headers["Retry-After"]) == (503, "5")
    assert ask(app, "/")[2] == b"application"
    database.up = True
    problems(app)
    assert ask(app, "/erp/rpc/", "POST")[2] == b"application"


def test_frozen_database_is_bounded_and_asked_once(app, database):
    problems(app)
    database.hangs = threading.Event()
    started = time.monotonic()
    assert [problems(app) for attempt in range(2)] == [(503, "the database does not answer within 0.3 s")] * 2
    assert time.monotonic() - started < 2
    database.hangs.set()
    database.hangs = None
    time.sleep(0.1)
    assert problems(app) == (200, "")
    assert len(database.connections) == 1


@pytest.mark.parametrize(
    ("series", "initialised", "message"),
    [
        ("7.0", True, "the database is of series 7.0, the program of 8.0"),
        (None, True, "not initialised"),
        ("8.0", False, "not initialised"),
    ],
)
def test_wrong_database(app, database, series, initialised, message):
    database.series, database.initialised = series, initialised
    status, text = problems(app)
    assert (status, message in text) == (503, True)
    assert ask(app, "/erp/rpc/", "POST")[0] == 200


def test_drain_file(app, drain_file):
    drain_file.touch()
    assert problems(app) == (503, "the node is being drained")
    assert ask(app, "/healthz")[0] == 200
    drain_file.unlink()
    assert problems(app) == (200, "")
