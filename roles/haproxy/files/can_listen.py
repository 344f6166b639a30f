# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try to bind each ADDRESS:PORT of the arguments; end with 1 and the reasons if HAProxy could not listen on one.

A HAProxy that runs shares its ports (SO_REUSEPORT), so they are no hindrance; those of other programs are. Nothing
listens on a socket that is only bound: no connection comes here.
"""

from __future__ import annotations

import socket
import sys

problems = []
for endpoint in sys.argv[1:]:
    address, port = endpoint.rsplit(":", 1)
    host = None if address == "*" else address.strip("[]")
    family = socket.AF_INET if host is None else socket.AF_UNSPEC
    try:
        found = socket.getaddrinfo(host, int(port), family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0]
        with socket.socket(found[0], found[1]) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            trial.bind(found[4])
    except (OSError, OverflowError) as exc:
        problems.append(f"HAProxy cannot listen on {endpoint}: {exc}.")
if problems:
    sys.exit(" ".join(problems))
