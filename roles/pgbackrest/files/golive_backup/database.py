# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Questions to PostgreSQL through psql, which keeps one connection open as long as it is asked."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence

from golive_backup.settings import FailureError, Settings
from golive_backup.system import as_user, environment

_END = "golive-end-of-answer"
_SEPARATOR = "\x1f"
_PSQL = ("psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse", "-f", "-")


class Session:
    """One connection. Rows come back as lists of texts, NULL as an empty text."""

    def __init__(self, settings: Settings, connection: Mapping[str, str], timeout: float = 30) -> None:
        """Connect; FailureError when the server does not let us in. `connection` holds libpq's parameters."""
        self.timeout = timeout
        # Parameters go through the environment: nothing of them is seen in the list of processes.
        names = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "sslmode": "PGSSLMODE"}
        names |= {"sslrootcert": "PGSSLROOTCERT", "passfile": "PGPASSFILE", "session": "PGTARGETSESSIONATTRS"}
        more = {names[key]: str(value) for key, value in connection.items()}
        more |= {"PGCONNECT_TIMEOUT": "5", "PGAPPNAME": "golive-backup", "PGCLIENTENCODING": "UTF8"}
        self._psql = subprocess.Popen(
            as_user(settings.system_user, [*_PSQL, "-F", _SEPARATOR]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environment(settings.system_user, more),
        )
        self._buffer = b""
        try:
            self.ask("SET client_min_messages = warning")
        except BaseException:
            self.close()
            raise

    def ask(self, sql: str, timeout: float | None = None) -> list[list[str]]:
        """Return the rows of one statement; FailureError with the server's words when it fails or takes too long."""
        deadline = time.monotonic() + (timeout or self.timeout)
        assert self._psql.stdin and self._psql.stdout
        with contextlib.suppress(BrokenPipeError):  # what psql said before it went is read below
            self._psql.stdin.write(f"{sql};\n\\echo {_END}\n".encode())
            self._psql.stdin.flush()
        mark = f"{_END}\n".encode()
        while not self._buffer.endswith(mark):
            ready = select.select([self._psql.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]
            if not ready:
                raise FailureError(f"the database gave no answer within {timeout or self.timeout:g} s")
            piece = os.read(self._psql.stdout.fileno(), 65536)
            if not piece:
                raise FailureError(self._said())
            self._buffer += piece
        text, self._buffer = self._buffer[: -len(mark)].decode(errors="replace"), b""
        return [line.split(_SEPARATOR) for line in text.split("\n")[:-1]]

    def value(self, sql: str, timeout: float | None = None) -> str:
        """Return the first value of the first row."""
        rows = self.ask(sql, timeout)
        return rows[0][0] if rows else ""

    def _said(self) -> str:
        errors = self._psql.communicate()[1]
        lines = [line.strip() for line in errors.decode(errors="replace").splitlines()]
        text = " ".join(line.partition("psql:<stdin>:")[2].partition(": ")[2] or line for line in lines if line)
        return text.replace("ERROR:  ", "") or f"psql ended with {self._psql.returncode}"

    def close(self) -> None:
        """End the connection; what is not committed is rolled back."""
        with contextlib.suppress(OSError):
            if self._psql.stdin:
                self._psql.stdin.close()
        try:
            self._psql.wait(5)
        except subprocess.TimeoutExpired:
            self._psql.kill()
            self._psql.wait()
        for pipe in (self._psql.stdout, self._psql.stderr):
            if pipe:
                pipe.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def connection(settings: Settings, hosts: Sequence[str], database: str, session: str = "any") -> dict[str, str]:
    """Return libpq's parameters for a login over the network: TLS with the server's name verified, SCRAM."""
    return {
        "host": ",".join(hosts),
        "port": str(settings.database_port),
        "dbname": database,
        "user": settings.login,
        "sslmode": "verify-full",
        "sslrootcert": settings.sslrootcert,
        "passfile": settings.password_file,
        "session": session,
    }


def primary(settings: Settings, database: str = "postgres") -> Session:
    """Connect to the one server that takes writes, whichever it is."""
    hosts = [item["address"] for item in settings.databases]
    return Session(settings, connection(settings, hosts, database, "primary"))


def mark(settings: Settings) -> None:
    """Commit something and let it be archived: recovery to a moment wants to see a commit that came after it.

    Where the database cannot be reached this is left out: the moment may be in the archive all the same.
    """
    with contextlib.suppress(FailureError), primary(settings) as session:
        mark_archived(session, settings.archive_timeout)


def mark_archived(session: Session, timeout: float) -> bool:
    """Commit something in a session on the primary and tell whether it was archived in time."""
    session.ask("SELECT pg_current_xact_id()")
    wal = session.value("SELECT pg_walfile_name(pg_switch_wal())")
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        # Without the timeline. The archiver takes the oldest first.
        if session.value("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver")[8:24] >= wal[8:24]:
            return True
        time.sleep(0.2)
    return False


def has_standby(settings: Settings) -> bool:
    """Tell whether one of the database hosts is a standby that answers."""
    if len(settings.databases) < 2:
        return False
    for item in settings.databases:
        with (
            contextlib.suppress(FailureError),
            Session(settings, connection(settings, [item["address"]], "postgres"), timeout=10) as session,
        ):
            if session.value("SELECT pg_is_in_recovery()") == "t":
                return True
    return False
