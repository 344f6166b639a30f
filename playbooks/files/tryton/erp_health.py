# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Health of a WSGI application on a PostgreSQL database: what a balancer asks, and an early answer without a database.

`/healthz` says that the process answers, `/readyz` that it can serve: 200 or 503 with a JSON body that names what is
not ready. Knows nothing of Tryton; erp_wsgi.py puts the two together.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

StartResponse = Callable[..., Any]
Application = Callable[[dict, StartResponse], Iterable[bytes]]


class NotReadyError(Exception):
    """Why the application cannot serve, in words that may be shown to anybody."""


class DatabaseProbe:
    """Asks the database over one kept connection, never for longer than `timeout` seconds.

    The question is put in a thread of its own: a server that is frozen or cut off answers neither yes nor no, and no
    setting of a driver bounds that in all cases. While an old question hangs, new ones are not ready at once.
    """

    def __init__(self, connect: Callable[[], Any], series: str, timeout: float = 2.0) -> None:
        self._connect = connect
        self._series = series
        self._timeout = timeout
        self._lock = threading.Lock()
        self._pid = 0
        self._executor: ThreadPoolExecutor | None = None
        self._pending: Future | None = None
        self._connection: Any = None
        self._failed_at: float | None = None

    def check(self) -> None:
        """Raise NotReadyError unless the database answers in time and its tables are of this series."""
        try:
            self._submit().result(timeout=self._timeout)
        except FutureTimeout:
            self._failed_at = time.monotonic()
            raise NotReadyError(f"the database does not answer within {self._timeout:g} s") from None
        except NotReadyError:
            self._failed_at = None
            raise
        except Exception as error:
            self._failed_at = time.monotonic()
            # The text of a driver's error names addresses and users; the log of the server has it.
            raise NotReadyError(f"the database cannot be reached ({type(error).__name__})") from None
        self._failed_at = None

    def failed_within(self, seconds: float) -> bool:
        """Whether the last check, made in the last `seconds`, found no database."""
        failed_at = self._failed_at
        return failed_at is not None and time.monotonic() - failed_at < seconds

    def _submit(self) -> Future:
        """The question that is under way, or a new one; a forked process begins without thread and connection."""
        with self._lock:
            if self._pid != os.getpid() or self._executor is None:
                self._pid, self._connection, self._pending = os.getpid(), None, None
                self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness")
            if self._pending is None or self._pending.done():
                self._pending = self._executor.submit(self._ask)
            return self._pending

    def _ask(self) -> None:
        kept = self._connection is not None
        try:
            series = self._query()
        except NotReadyError:
            raise
        except Exception:
            self._drop()
            if not kept:
                raise
            # The kept connection may have died with a server that is back by now.
            try:
                series = self._query()
            except Exception:
                self._drop()
                raise
        if series != self._series:
            raise NotReadyError(f"the database is of series {series}, the program of {self._series}")

    def _query(self) -> str | None:
        if self._connection is None:
            self._connection = self._connect()
        cursor = self._connection.execute(
            "SELECT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = 'ir_configuration')"
        )
        if not cursor.fetchone()[0]:
            raise NotReadyError("the database is not initialised")
        row = self._connection.execute("SELECT series FROM ir_configuration").fetchone()
        if row is None or row[0] is None:
            raise NotReadyError("the database is not initialised")
        return row[0]

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class Health:
    """WSGI middleware: the health pages, the name of the node in each answer, 503 at once while there is no database.

    `drain_file`: while it exists the node is not ready, so that a balancer takes it out before a maintenance.
    """

    def __init__(self, application: Application, probe: DatabaseProbe, drain_file: str | None = None) -> None:
        self._application = application
        self._probe = probe
        self._drain_file = drain_file
        self._node = socket.gethostname()

    def __call__(self, environ: dict, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""

        def start_with_node(status: str, headers: list, exc_info: Any = None) -> Any:
            headers = [*headers, ("X-Served-By", self._node)]
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        path = environ.get("PATH_INFO", "")
        if path == "/healthz":
            return self._answer(start_with_node, environ, 200, {"alive": True})
        if path == "/readyz":
            problems = self.problems()
            return self._answer(
                start_with_node, environ, 503 if problems else 200, {"ready": not problems, "problems": problems}
            )
        # Every call of the client is a POST and wants the database: without one it would wait for the pool's timeout.
        if environ.get("REQUEST_METHOD") == "POST" and self._probe.failed_within(3):
            return self._answer(start_with_node, environ, 503, {"ready": False, "problems": ["no database"]})
        return self._application(environ, start_with_node)

    def problems(self) -> list[str]:
        """What keeps this node from serving."""
        problems = []
        if self._drain_file and os.path.exists(self._drain_file):
            problems.append("the node is being drained")
        try:
            self._probe.check()
        except NotReadyError as problem:
            problems.append(str(problem))
        return problems

    @staticmethod
    def _answer(start_response: StartResponse, environ: dict, status: int, content: dict) -> list[bytes]:
        body = json.dumps(content).encode() + b"\n"
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ]
        if status == 503:
            headers.append(("Retry-After", "5"))
        start_response("200 OK" if status == 200 else "503 Service Unavailable", headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]
