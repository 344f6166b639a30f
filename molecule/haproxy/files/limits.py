"""Ask for what a client may not have, and print the status of each answer as JSON. Arguments: ADDRESS NAME CA, and
PORT and NAME of a frontend that limits how often one may ask.

Writes requests as a stranger does: paths that http.client would not send, bodies that never come.
"""

import json
import socket
import ssl
import sys

ADDRESS, NAME, CA, LIMITED_PORT, LIMITED_NAME = sys.argv[1:]
PATHS = (
    "/internal",
    "/internal/metrics",
    "/%69nternal/metrics",
    "//internal/",
    "/INTERNAL/metrics",
    "/internal;v=1/metrics",
    "/public/../internal/metrics",
    "/public/%2e%2e/internal/metrics",
    "/./internal",
    "/internal/%zz",
    "/internals",
    "/admin",
    "/admin/users",
    "/public",
)
tls = ssl.create_default_context(cafile=CA)


def ask(head, port=443, name=NAME):
    """Return the status of the answer, and the value of Retry-After."""
    raw = socket.create_connection((ADDRESS, port), timeout=10)
    with tls.wrap_socket(raw, server_hostname=name) as connection:
        connection.sendall(f"{head}\r\nHost: {name}\r\n\r\n".encode())
        answer = connection.recv(65536).decode(errors="replace")
    retry = [line.split(": ", 1)[1] for line in answer.split("\r\n") if line.lower().startswith("retry-after: ")]
    return int(answer.split(" ", 2)[1]), "".join(retry)


report = {
    "paths": {path: ask(f"GET {path} HTTP/1.1\r\nConnection: close")[0] for path in PATHS},
    "large": ask("POST / HTTP/1.1\r\nContent-Length: 1048577")[0],
    "chunked": ask("POST / HTTP/1.1\r\nTransfer-Encoding: chunked")[0],
    "often": [ask("GET / HTTP/1.1\r\nConnection: close", int(LIMITED_PORT), LIMITED_NAME) for number in range(24)],
    "unsaid": ask("POST / HTTP/1.1\r\nConnection: close")[0],
}
print(json.dumps(report))
