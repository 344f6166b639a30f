# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that this program runs itself: reachable by a socket of its own only, gone when the program is."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from golive_backup.database import Session
from golive_backup.settings import FailureError, Settings
from golive_backup.system import as_user, environment, run

NEWEST_COMMIT = (
    "SELECT to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
)

# A server that recovers does not start with less than the primary had; pg_control remembers what that was.
_CONTROLLED = {
    "max_connections": "max_connections",
    "max_worker_processes": "max_worker_processes",
    "max_wal_senders": "max_wal_senders",
    "max_prepared_xacts": "max_prepared_transactions",
    "max_locks_per_xact": "max_locks_per_transaction",
}
# Damaged WAL is only a remark in the log: the server takes it for the end of the archive.
_TROUBLE = re.compile(
    r"(?:FATAL|PANIC|ERROR|WARN): +(.*)|LOG: +(.*(?:incorrect|unexpected|mismatch|out-of-sequence).*)"
)


class Server:
    """A server on a data directory; what it needs beside that lies in a folder that belongs to the system user."""

    def __init__(self, settings: Settings, data: str, folder: str) -> None:
        self.data = data
        self.folder = folder
        self._settings = settings
        self._log = os.path.join(folder, "server.log")
        self._server: subprocess.Popen[bytes] | None = None

    def start(self, parameters: Mapping[str, Any]) -> None:
        """Start the server; parameters of the command line win over everything that was restored."""
        rules, names = os.path.join(self.folder, "pg_hba.conf"), os.path.join(self.folder, "pg_ident.conf")
        put(rules, "local all all peer\n")
        put(names, "")
        chosen = {
            "hba_file": rules,
            "ident_file": names,
            "listen_addresses": "",
            "port": self._settings.scratch_port,
            "unix_socket_directories": self.folder,
            "unix_socket_permissions": "0700",
            "ssl": "off",
            "logging_collector": "off",
            "log_destination": "stderr",
            "lc_messages": "C",
            **self._controlled(),
            **parameters,
        }
        argv = [os.path.join(self._settings.binaries, "postgres"), "-D", self.data]
        for name, value in chosen.items():
            argv += ["-c", f"{name}={value}"]
        with open(self._log, "ab") as log:
            self._server = subprocess.Popen(
                as_user(self._settings.system_user, argv, death="QUIT"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                env=environment(self._settings.system_user),
                start_new_session=True,
            )

    def session(self, database: str = "postgres", timeout: float = 30) -> Session:
        """Connect as the superuser by the socket."""
        where = {"host": self.folder, "port": str(self._settings.scratch_port), "user": self._settings.system_user}
        return Session(self._settings, {**where, "dbname": database}, timeout)

    def wait_until(self, condition: str, deadline: float) -> None:
        """Wait until a query answers true; FailureError with the server's words when it dies or takes too long."""
        assert self._server
        while True:
            with contextlib.suppress(FailureError), self.session() as session:
                while session.value(condition) != "t":
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.2)
                else:
                    return
            if self._server.poll() is not None:
                raise FailureError(f"the restored server does not start: {self.trouble()}")
            if time.monotonic() > deadline:
                raise FailureError(f"the restored server took too long to recover: {self.trouble()}")
            time.sleep(0.2)

    def trouble(self) -> str:
        """Return the errors in the server's log."""
        try:
            with open(self._log, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            return "it has written no log"
        found = [match.group(1) or match.group(2) for match in map(_TROUBLE.search, lines) if match]
        found = [line for line in found if "the database system is" not in line]
        return "; ".join(dict.fromkeys(found[-5:])) or (lines[-1] if lines else "its log is empty")

    def stop(self) -> None:
        """Stop the server, also one that an earlier, interrupted run has left."""
        if self._server:
            for number, patience in ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
                if self._server.poll() is None:
                    self._server.send_signal(number)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self._server.wait(patience)
            self._server = None
        pid = self._left_running()
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
            for _attempt in range(100):
                if not self._left_running():
                    return
                time.sleep(0.1)
            raise FailureError(f"process {pid} of an earlier run does not end")

    def _left_running(self) -> int:
        """Return the process of a server in the data folder, 0 if there is none."""
        try:
            with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
                pid = int(file.readline())
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                arguments = file.read().split(b"\0")
        except (OSError, ValueError):
            return 0
        # A number can belong to somebody else by now.
        return pid if self.data.encode() in arguments else 0

    def _controlled(self) -> dict[str, str]:
        program = os.path.join(self._settings.binaries, "pg_controldata")
        done = run(self._settings, [program, "-D", self.data], 30)
        if done.returncode != 0:
            raise FailureError(f"pg_controldata: {done.stderr.strip()}")
        found = dict(re.findall(r"^(\w+) setting: +(\d+)$", done.stdout, re.MULTILINE))
        return {parameter: found[name] for name, parameter in _CONTROLLED.items() if name in found}


def put(path: str, text: str) -> None:
    """Write a small file that everybody may read."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)
