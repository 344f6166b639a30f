# Copyright: The golive.delivery authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HAProxy's master in memory: two processes, the second of them left over from before a reload.

`reload_at` is the beginning of a command: with the first of these the process that gets it is replaced.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading

FIELDS = "# pxname,svname,qcur,scur,status,check_status,check_code,last_chk,mode,bck,"
BITS = {"ready": 0, "maint": 1, "drain": 8}
_HEAD = """#<PID>          <type>          <reloads>       <uptime>        <version>
100             master          1 [failed: 0]   0d00h01m28s     2.6.12
# workers
"""
_ROW = "{:<15} worker          0               0d00h00m00s     2.6.12\n"


class FakeHaproxy:
    """Answers on a UNIX socket; `sessions` are by process, backend and server."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.servers = [("erp", "app1"), ("erp", "app2"), ("portal", "app1")]
        self.states: dict[tuple[str, str], str] = {}
        self.down: set[tuple[str, str]] = set()
        self.sessions: dict[tuple[int, str, str], int] = {}
        self.lists: dict[str, list[str]] = {}
        self.orders: list[str] = []
        self.gone: set[int] = set()
        self.current: int | None = 102
        self.old = [101]
        self.reload_at = ""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(5)
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            with listener.accept()[0] as connection, contextlib.suppress(OSError):
                question = b""
                while data := connection.recv(65536):
                    question += data
                connection.sendall(self._answer(question.decode().strip()).encode())

    def _answer(self, question: str) -> str:
        found = re.fullmatch(r"(?:@!([0-9]+) )?(.*)", question)
        process, command = int(found[1] or 0), found[2]
        if self.reload_at and process == self.current and command.startswith(self.reload_at):
            self.reload_at = ""
            self.old.insert(0, process)
            self.current = process + 1
        if process in self.gone:
            return "Can't find the target PID matching the prefix '@!'\n"
        if not process:
            return self._processes() if command == "show proc" else "unknown\n"
        if command == "show stat":
            return self._statistics(process)
        if command == "show servers state":
            return "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n" + "".join(
                f"3 {backend} 1 {name} 10.0.0.1 2 {BITS[self.state(backend, name)]} 1\n"
                for backend, name in self.servers
            )
        word, *rest = command.split()
        if word != "show":
            self.orders.append(f"{process} {command}")
        if rest[0] == "acl":
            return self._acl(word, *rest[1:])
        found = re.fullmatch(r"set server (\S+)/(\S+) state (\w+)", command)
        if found and (found[1], found[2]) in self.servers:
            self.states[found[1], found[2]] = found[3]
            return "\n"
        return "No such server.\n"

    def _processes(self) -> str:
        serving = _ROW.format(self.current) if self.current else ""
        old = "".join(_ROW.format(process) for process in self.old if process not in self.gone)
        return f"{_HEAD}{serving}# old workers\n{old}# programs\n\n"

    def _acl(self, word: str, path: str, value: str = "") -> str:
        if path not in self.lists:
            return "Unknown ACL identifier. Please use #<id> or <file>.\n"
        if word == "show":
            return "".join(f"0x55d0c0ffee00 {item}\n" for item in self.lists[path])
        if word == "add" and value not in self.lists[path]:
            self.lists[path].append(value)
        elif word == "del" and value in self.lists[path]:
            self.lists[path].remove(value)
        return "\n"

    def state(self, backend: str, name: str) -> str:
        """Return ready, drain or maint."""
        return self.states.get((backend, name), "ready")

    def _statistics(self, process: int) -> str:
        lines = [FIELDS]
        for backend, name in self.servers:
            up = "DOWN" if (backend, name) in self.down else "UP"
            status = {"ready": up, "drain": "DRAIN", "maint": "MAINT"}[self.state(backend, name)]
            sessions = self.sessions.get((process, backend, name), 0)
            lines.append(f"{backend},{name},0,{sessions},{status},L7STS,503,Service Unavailable,http,0,")
        lines += ["erp,BACKEND,0,0,UP,,,,http,0,", "portal,BACKEND,0,0,UP,,,,http,0,"]
        lines += ["database_primary,app1,0,0,UP,,,,tcp,0,", "database_primary,BACKEND,0,0,UP,,,,tcp,0,"]
        return "\n".join(lines) + "\n\n"
