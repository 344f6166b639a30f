# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the state of HAProxy's servers where the next process reads it; systemd runs this before a reload.

Without it the next process would take every server for ready: a drained one would get requests again, and so would one
that is down, until its checks have failed. HAProxy applies what it reads as it is, also a port that the configuration
has changed since (https://github.com/haproxy/haproxy/issues/1412), so each row gets the port that the configuration on
disk says, and no row goes beyond the fields that only describe the state.

--drained keeps only what an administrator ordered: after a restart, what the checks said is old. With --patient, as for
a reload, a reload that goes on is waited for; a stop waits for nobody.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
import time

MASTER_SOCKET = "/run/haproxy-master.sock"
STATE = "/var/lib/golive/haproxy/servers.state"
FIELDS = 20  # up to srvrecord; those behind it are TLS and addresses of checks
ADMIN, PORT = 6, 18
MAINTENANCE, DRAIN = 0x01, 0x08


def ask(question: str) -> str:
    """Return the answer on the master's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as master:
        master.settimeout(10)
        master.connect(MASTER_SOCKET)
        master.sendall(f"{question}\n".encode())
        master.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: master.recv(65536), b"")).decode(errors="replace")


def configured_ports(text: str) -> dict[tuple[str, str], str]:
    """Return the port of each server by the names of its backend and its own."""
    ports = {}
    section = ""
    for line in text.splitlines():
        words = line.split()
        if words and not line[0].isspace():
            section = words[1] if words[0] in ("backend", "listen") and len(words) > 1 else ""
        elif section and len(words) > 2 and words[0] == "server":
            port = re.search(r":([0-9]+)$", words[2])
            if port:
                ports[section, words[1]] = port.group(1)
    return ports


def rewrite(answer: str, ports: dict[tuple[str, str], str], drained_only: bool) -> str:
    """Return the text of the file."""
    lines = ["1"]
    for line in answer.splitlines():
        row = line.split()
        if len(row) < FIELDS or not row[0].isdigit() or (row[1], row[3]) not in ports:
            continue
        orders = int(row[ADMIN])
        if drained_only and not orders & (MAINTENANCE | DRAIN):
            continue
        if orders & MAINTENANCE:
            row[ADMIN] = str(orders & ~DRAIN)  # both at once would be refused, and the row with them
        row[PORT] = ports[row[1], row[3]]
        lines.append(" ".join(row[:FIELDS]))
    return "\n".join(lines) + "\n"


def serving_state() -> str:
    """Return what the process that serves says of its servers; raise OSError with the reason when it says nothing."""
    proc = ask("show proc")
    serving = re.search(r"^# workers\n\s*([0-9]+)", proc, re.MULTILINE)
    if not serving:
        raise OSError(f"HAProxy's master names no process that serves: {proc.strip()!r}")
    answer = ask(f"@!{serving.group(1)} show servers state")
    if not answer.startswith("1\n"):
        raise OSError(f"HAProxy told no state of its servers: {answer[:200]!r}")
    return answer


def main() -> None:
    """Ask, rewrite, replace the file."""
    drained_only = "--drained" in sys.argv[1:]
    # While a reload before this one goes on, the master refuses connections.
    deadline = time.monotonic() + (1 if drained_only and "--patient" not in sys.argv[1:] else 10)
    while True:
        try:
            answer = serving_state()
            break
        except OSError as exc:
            if time.monotonic() >= deadline:
                sys.exit(f"The state of the servers was not written: {MASTER_SOCKET}: {exc}")
        time.sleep(0.1)
    with open(os.environ.get("CONFIG", "/etc/haproxy/haproxy.cfg"), encoding="utf-8") as file:
        ports = configured_ports(file.read())
    handle, path = tempfile.mkstemp(dir=os.path.dirname(STATE), prefix=".golive-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(rewrite(answer, ports, drained_only))
    os.replace(path, STATE)


if __name__ == "__main__":
    main()
