# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's runtime API, of the process that serves now and of those that a reload left to finish their sessions.

The master's socket leads to all of them; the admin socket knows the current one only, and would call a server empty
that still answers requests which came before a reload.
"""

from __future__ import annotations

import csv
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

MASTER_SOCKET = "/run/haproxy-master.sock"
_SECONDS = 10.0  # for one answer
_GONE = "find the target PID"  # the master's word for a process that has ended in the meantime

MAINTENANCE, DRAIN = 0x01, 0x08  # what an administrator ordered, in srv_admin_state


class RuntimeApiError(Exception):
    """HAProxy did not answer, or refused."""


@dataclass(frozen=True)
class Server:
    """A server of a backend, as one process sees it."""

    backend: str
    name: str
    status: str
    sessions: int
    last_check: str

    @property
    def up(self) -> bool:
        """Tell whether it gets requests; "UP 1/2" is on its way down."""
        return self.status in ("UP", "no check") or self.status.startswith("UP (via")

    def __str__(self) -> str:
        return f"{self.backend}/{self.name}"


class Runtime:
    """Questions and orders to HAProxy's processes."""

    patience = 10.0  # seconds for a reload that is going on

    def __init__(self, path: str = MASTER_SOCKET) -> None:
        self._path = path

    def ask(self, command: str, process: int | None = None) -> str:
        """Return the answer of a process, of the master without one."""
        prefix = f"@!{process} " if process else ""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return self._ask(f"{prefix}{command}\n".encode())
            except OSError as exc:
                # While the master begins anew for a reload, its socket refuses connections.
                if time.monotonic() >= deadline:
                    raise RuntimeApiError(f"HAProxy does not answer on {self._path}: {exc}") from exc
            time.sleep(0.1)

    def _ask(self, question: bytes) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as master:
            master.settimeout(_SECONDS)
            master.connect(self._path)
            master.sendall(question)
            master.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: master.recv(65536), b"")).decode(errors="replace")

    def processes(self) -> tuple[int, list[int]]:
        """Return the process that serves, and those that only finish what they have."""
        deadline = time.monotonic() + self.patience
        while True:
            answer = self.ask("show proc")
            found = self._workers(answer)
            if found["workers"]:
                return found["workers"][0], found["old workers"]
            # The master answers already, and its new process is not there yet.
            if time.monotonic() >= deadline:
                raise RuntimeApiError(f"HAProxy's master names no process that serves: {answer.strip()!r}")
            time.sleep(0.1)

    @staticmethod
    def _workers(answer: str) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {"workers": [], "old workers": []}
        section = ""
        for line in answer.splitlines():
            if line.startswith("# "):
                section = line[2:].strip()
            elif section in found and (row := re.match(r"\s*([0-9]+)\s+worker\b", line)):
                found[section].append(int(row.group(1)))
        return found

    def serving(self, command: str) -> str:
        """Return the answer of the process that serves."""
        deadline = time.monotonic() + self.patience
        while True:
            process = self.processes()[0]
            answer = self.ask(command, process)
            # Otherwise a reload has replaced it in the meantime.
            if self.processes()[0] == process or time.monotonic() >= deadline:
                return answer

    def order(self, command: str) -> None:
        """Give an order to all processes; an old one may know nothing of what it names."""
        answer = self.serving(command).strip()
        if answer:
            raise RuntimeApiError(f"HAProxy refused {command!r}: {answer}")
        for process in self.processes()[1]:
            self.ask(command, process)

    def rows(self, process: int | None = None) -> list[dict[str, str]]:
        """Return the statistics of the process that serves, or of one that only finishes: none if it has ended."""
        answer = self.serving("show stat") if process is None else self.ask("show stat", process)
        if process is not None and (_GONE in answer or not answer.strip()):
            return []
        if not answer.startswith("# pxname"):
            raise RuntimeApiError(f"HAProxy gave no statistics: {answer[:200]!r}")
        return list(csv.DictReader(answer.lstrip("# ").splitlines()))

    def servers(self, process: int | None = None) -> Iterator[Server]:
        """Yield the servers of the HTTP backends, as rows() does."""
        for row in self.rows(process):
            if row["svname"] not in ("FRONTEND", "BACKEND") and row.get("mode", "http") == "http":
                said = " ".join(row.get(name) or "" for name in ("check_status", "check_code", "last_chk")).strip()
                sessions = int(row["scur"] or 0) + int(row["qcur"] or 0)
                yield Server(row["pxname"], row["svname"], row["status"], sessions, said)

    def backends(self) -> list[str]:
        """Return the names of the HTTP backends."""
        rows = self.rows()
        return [row["pxname"] for row in rows if row["svname"] == "BACKEND" and row.get("mode", "http") == "http"]

    def orders(self) -> dict[tuple[str, str], int]:
        """Return what an administrator ordered, as bits, by backend and server."""
        answer = self.serving("show servers state")
        rows = [line.split(" ") for line in answer.splitlines() if line and line[0].isdigit() and " " in line]
        return {(row[1], row[3]): int(row[6]) & (MAINTENANCE | DRAIN) for row in rows}

    def sessions(self, backend: str, server: str = "") -> int:
        """Return how many sessions a server has (a backend's servers without one), in all processes."""
        seen = list(self.servers())
        # Asked afterwards: a process that a reload has replaced since is counted twice rather than not at all.
        for process in self.processes()[1]:
            seen += self.servers(process)
        return sum(found.sessions for found in seen if found.backend == backend and server in ("", found.name))
