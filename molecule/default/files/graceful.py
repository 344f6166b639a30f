# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stop what serves while it has a request to answer and another client keeps a connection; say what became of both.

Usage: graceful.py PORT SLOW-PATH QUICK-PATH COMMAND...; the command, such as `systemctl stop shop-web`, stops it.
Prints a JSON object: `first` and `answer` (status and text of the quick and of the slow request), `new` (what a client
got that came during the stop), `code` and `seconds` of the command, `left` (its seconds after the answer).
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time


def ask(connection: http.client.HTTPConnection, path: str) -> str:
    """Return status and text of the answer, or what went wrong."""
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return f"{answer.status} {answer.read().decode().strip()}"
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__


def main() -> None:
    """Read the arguments, print the answer."""
    port, slow, quick, command = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
    idle = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    first = ask(idle, quick)
    found = {}

    def wait_for_it() -> None:
        found["answer"] = ask(http.client.HTTPConnection("127.0.0.1", port, timeout=120), slow)
        found["answered"] = time.monotonic()

    request = threading.Thread(target=wait_for_it)
    request.start()
    time.sleep(2)
    began = time.monotonic()
    with subprocess.Popen(command) as stop:
        time.sleep(2)
        new = ask(http.client.HTTPConnection("127.0.0.1", port, timeout=1), quick)
        code = stop.wait()
    ended = time.monotonic()
    request.join()
    json.dump(
        {
            "first": first,
            "answer": found["answer"],
            "new": new,
            "code": code,
            "seconds": round(ended - began, 1),
            "left": round(ended - found["answered"], 1),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
