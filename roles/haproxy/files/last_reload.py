# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask HAProxy's master process whether its last reload failed; end with 1 and the reason if so.

A configuration that passes `haproxy -c` may still fail to load, for example when a port in lines of the user's own is
taken. The process before it then goes on serving, and systemd still calls the reload a success.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time

MASTER_SOCKET = "/run/haproxy-master.sock"
PATIENCE = 20  # seconds; while a reload tries to open a port, the socket refuses connections


def ask(question: str) -> str:
    """Return the master's answer; raise OSError when it gives none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as master:
        master.settimeout(PATIENCE)
        master.connect(MASTER_SOCKET)
        master.sendall(f"{question}\n".encode())
        master.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: master.recv(65536), b"")).decode(errors="replace")


deadline = time.monotonic() + PATIENCE
while True:
    try:
        answer = ask("show proc")
        break
    except OSError as exc:
        if time.monotonic() > deadline:
            sys.exit(f"HAProxy's master process does not answer on {MASTER_SOCKET}: {exc}")
        time.sleep(0.2)

failed = re.search(r"failed: ([0-9]+)", answer)
if not failed:
    sys.exit(f"HAProxy's master process gave an answer that is not understood: {answer}")
if int(failed.group(1)):
    journal = subprocess.run(
        ["journalctl", "--unit=haproxy", "--lines=100", "--output=cat", "--no-pager"],
        capture_output=True,
        check=False,
        text=True,
    ).stdout
    alerts = [line for line in journal.splitlines() if line.startswith("[ALERT]")]
    sys.exit(
        "HAProxy could not load its configuration; the process before it goes on serving. " + " ".join(alerts[-2:])
    )
